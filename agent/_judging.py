"""The seams to whoever judges and whoever counts money: all the agent knows of either."""

from typing import Protocol, runtime_checkable

from speciate.evaluators import Candidate, Evaluation, EvaluationCache


class Judge(Protocol):
    """Judges one candidate on the train split. The agent never scores anything itself."""

    async def __call__(
        self,
        candidate: Candidate,
        cache: EvaluationCache | None,
        repetition: int = 0,
        *,
        only: tuple[str, ...] = (),
    ) -> Evaluation:
        """Return the evaluation. ``cache`` is the past this candidate may be compared with.

        ``only`` names the train workloads of an experiment; for anything else it is left out.

        Must be a pure function of the candidate, the cache and the repetition in everything but costs, or runs
        do not replay; where the problem is noisy they replay from the record. Only there ``repetition`` differs
        from 0.
        """


@runtime_checkable
class BudgetGate(Protocol):
    """A spender of dollars or tokens. A proposer that pays implements this too, and the loop asks it."""

    def exhausted(self) -> str | None:
        """Return why no further ticket can be paid for (``1.00 usd spent``), None while one can."""
