"""What each operator of the proposer ``llm`` does with its ticket: the turns it has, and what comes of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from speciate.evaluators import Candidate, Problem

from ._client import ModelClient
from ._constant_tuning import Tuner
from ._conversation import Conversation, Script
from ._ideas import IDEA, TURN, Plans, is_asking, own_plan, parse_plans, told
from ._llm_operators import CROSSOVER
from ._prompts import Known, Order, instructions_of, task_messages
from ._proposer import NO_REASONS, Proposal, Reasons, Task
from ._replies import Asked, Parsed, parse_reply
from ._requests import Place, RequestLog
from ._settings import RunSettings
from ._variants import variant_of

LLM = "llm"
_ASKING, _CARRYING_OUT = "ideas", "plan"
"""Forms of the two turns of ``idea``."""


class Writer:
    """Writes the tickets of one run.

    Args:
        problem: what is to be invented.
        settings: of the run; how often an unusable reply is asked for again.
        log: the run's request rows.
        conversation: holds the turns.
        asked: returns what an author of a design is asked for.
    """

    def __init__(
        self,
        problem: Problem[Any],
        settings: RunSettings,
        log: RequestLog,
        conversation: Conversation,
        asked: Callable[[Candidate], Asked],
    ):
        self._problem = problem
        self._seed = problem.seed()
        self._askings = settings.repairs
        self._log = log
        self._conversation = conversation
        self._asked = asked
        self._tuner = Tuner(problem)
        self.plans = Plans(log)
        """What earlier tickets planned."""

    async def write(self, task: Task, client: ModelClient, known: Known) -> Proposal:
        """Have a candidate written. Raises ModelError as ``Conversation.turn``."""
        operator, order = task.draw.operator, Order(variant_of(task.draw.variant))
        if operator == CROSSOVER:
            order = order._replace(crossing=True)
        if operator != IDEA:
            result = await self._turn(task, client, known, operator, order)
            return self._proposal(result, task)
        if is_asking(operator, task.draw.extra):
            result = await self._planned(task, client, known, order)
            if isinstance(result, str) or result.files:
                return self._proposal(result, task)
        plan = own_plan(task.draw, task.ticket, self.plans.of) or ""
        result = await self._turn(task, client, known, _CARRYING_OUT, order._replace(plan=plan))
        return self._proposal(result, task, Reasons(rationale=plan))

    def tuned(self, task: Task) -> Proposal:
        """Return the parent with other numbers; no model is asked."""
        child = self._tuner.child(task)
        return Proposal(self._signed(child, task)) if child else Proposal(None, note="the parent has no number to tune")

    async def _planned(self, task: Task, client: ModelClient, known: Known, order: Order) -> Parsed | str:
        """Ask for plans; a reply that holds a design instead is as good."""
        earlier = told(task.draw.extra["tried"], self.plans.of)
        return await self._turn(task, client, known, _ASKING, order._replace(tried=earlier))

    async def _turn(self, task: Task, client: ModelClient, known: Known, form: str, order: Order) -> Parsed | str:
        program = self._program(task)
        asking = form == _ASKING
        script = Script(
            opening=task_messages(self._problem, form, program, task.parents, known, order),
            parse=partial(parse_plans if asking else parse_reply, asked=self._asked(program)),
            instructions=instructions_of(form, program, order),
            askings=self._askings - (0 if asking else self._log.asked_again(task.ticket, 0)),
            seed=task.draw.seed,
            operator=task.draw.operator,
        )
        place = Place(task.ticket, TURN, IDEA) if asking else Place(task.ticket, 0)
        return await self._conversation.turn(place, client, script)

    def _program(self, task: Task) -> Candidate:
        return task.parents[0].candidate if task.parents else self._seed

    def _proposal(self, result: Parsed | str, task: Task, reasons: Reasons = NO_REASONS) -> Proposal:
        if isinstance(result, str):
            return Proposal(None, note=result)
        written = Candidate(files=result.files, language=self._program(task).language)
        return Proposal(self._signed(written, task), idea=result.idea, note=result.idea, reasons=reasons)

    def _signed(self, written: Candidate, task: Task) -> Candidate:
        parents = tuple(parent.candidate.id for parent in task.parents) or (self._seed.id,)
        return written.model_copy(update={"parents": parents, "operator": task.draw.operator, "proposer": LLM})
