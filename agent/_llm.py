"""The proposer ``llm``: designs written by language models behind OpenAI-compatible endpoints."""

import os
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from speciate.evaluators import Candidate, Evaluation, Problem, SpeciateError, Status

from ._bandit import Chooser
from ._budget import ModelBudget
from ._client import ModelClient
from ._constant_tuning import TUNE
from ._conversation import Conversation, Script
from ._database import Database
from ._learning import EVERY, Learning
from ._llm_operators import ON_REQUEST, WEIGHTS, Drawing
from ._outcomes import outcomes_of
from ._pace import WALL_CLOCK, Clock
from ._pricing import require_prices
from ._prompts import Known, instructions_of, repair_messages
from ._proposer import ArchiveView, Draw, Proposal, Task
from ._reader import ArchiveReader
from ._reflection import TURN, is_due, parse_reflection, reflection_messages, telling
from ._replies import Asked, Parsed, parse_reply
from ._requests import Place, RequestLog
from ._settings import ModelSettings, Role, RunSettings
from ._writing import LLM, Writer
from ._yardsticks import Yardsticks
from .researcher import RESEARCH, Researcher, drawn

REPAIR = "repair"
"""The operator by which a candidate is mended."""
REFLECT = "reflect"
"""Whose temperature and effort a model looks back with."""
MENDABLE = frozenset(
    {
        Status.INVALID,
        Status.INCORRECT,
        Status.CRASHED,
        Status.TIMEOUT,
        Status.OOM,
        Status.OUTPUT_LIMIT,
        Status.PROTOCOL,
    }
)
"""Faults a model is asked to mend. A cheat is not: it would be taught how not to be caught."""


class LLMProposer:
    """Draws a parent, an operator and a model for each ticket, and has the model write; some operators need none.

    Turns: ``write`` is turn 0 of its ticket (plans are asked for before, in ``_ideas.TURN``) and ``repair`` is the
    turn it is given, in the request rows as in the candidates'. An unusable reply is asked for again within its turn.
    A ticket asks for repairs of either sort ``RunSettings.repairs`` times in all.

    Make it, use it and close it (``aclose``, or ``async with``) inside one event loop.
    """

    name = LLM

    def __init__(
        self,
        problem: Problem[Any],
        settings: RunSettings,
        database: Database,
        run_id: str,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Clock = WALL_CLOCK,
    ):
        """Check models, keys and prices; send nothing.

        Args:
            problem: what is to be invented.
            settings: models, budget and the number of repairs.
            database: the archive's, where requests and replies are rows.
            run_id: the run; tickets must be rows before they are written.
            environ: where keys are looked up, by ``ModelSettings.api_key_env``.
            clock: by which requests wait.

        Raises:
            SpeciateError: no model that drafts, two of one name, an operator there is not, no price under a
                dollar budget, no key, a bad URL.
        """
        self._drafters = _drafters(settings)
        self._chooser = Chooser(settings, WEIGHTS, ON_REQUEST)
        require_prices(settings)
        self._problem = problem
        self._settings = settings
        self._seed = problem.seed()
        self._clients = {model.name: ModelClient(model, environ) for model in settings.models}
        self._database = database
        self._log = RequestLog(database, run_id)
        self._learning = Learning(database, run_id, problem, settings.lessons)
        self._yardsticks = Yardsticks(database, run_id, problem)
        self._budget = ModelBudget(self._log, settings.budget, self._drafters)
        self._conversation = Conversation(self._log, self._budget, clock)
        reader = ArchiveReader(database)
        self._researcher = Researcher(problem, settings, reader, self._conversation, self._asked)
        self._writer = Writer(problem, settings, self._log, self._conversation, self._asked)
        self._drawing = Drawing(self._chooser, self._writer.plans.of)

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose model, operator, variant of the prompt and parents; see ``_llm_operators``.

        A ticket for research has a parent and inspirations too, and its own operator.
        """
        model = self._chooser.pick("model", {model.name: 1.0 for model in self._drafters}, view.history, rng)
        begun = drawn(self._drawing.begun(view, model, rng), self._settings, rng)
        return self._drawing.completed(begun, view, rng)

    async def write(self, task: Task) -> Proposal:
        """Have the drawn model write a candidate, where the operator needs one.

        Raises:
            ModelError: the model cannot be used as configured, or has stopped answering.
        """
        if task.draw.operator == TUNE:
            return self._writer.tuned(task)
        author = self._researcher if task.draw.operator == RESEARCH else self._writer
        return await author.write(task, self.client_for(task, "draft"), self._known(task))

    async def repair(
        self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation
    ) -> Proposal | None:
        """Have a model mend a candidate that its own fault ended; which one, the request's row says.

        Returns:
            None where the fault is not one to mend, no model wrote it, or the ticket's repairs are used up.

        Raises:
            ModelError: as ``write``.
        """
        used = turn - 1 + self._log.asked_again(task.ticket, turn)
        if evaluation.status not in MENDABLE or used >= self._settings.repairs or task.draw.operator == TUNE:
            return None
        script = Script(
            opening=repair_messages(self._problem, candidate, evaluation),
            parse=partial(parse_reply, asked=self._asked(candidate)),
            instructions=instructions_of("rewrite", candidate),
            askings=self._settings.repairs - used - 1,
            seed=task.draw.seed + turn,
            operator=REPAIR,
        )
        place = Place(task.ticket, turn, "repair")
        result = await self._conversation.turn(place, self.client_for(task, "repair"), script)
        return _proposal(result, candidate, candidate.parents, candidate.operator)

    async def reflect(self, task: Task) -> None:
        """Have the model say what the last outcomes teach, once after each look back of the run.

        Raises:
            ModelError: as ``write``.
        """
        due = self._settings.lessons != "off" and is_due(self._database, task.run_id, task, self.name, EVERY)
        outcomes = telling(outcomes_of(self._database, task.run_id, task.visible - EVERY, task.visible)) if due else []
        if outcomes:
            script = Script(
                opening=reflection_messages(self._problem, outcomes, self._learning.book(task.visible)),
                parse=parse_reflection,
                instructions="",
                askings=0,
                seed=task.draw.seed + TURN,
                operator=REFLECT,
            )
            await self._conversation.turn(Place(task.ticket, TURN, "reflect"), self.client_for(task, "draft"), script)

    def client_for(self, task: Task, purpose: Role) -> ModelClient:
        """Return who is asked: the drawn model, or, for a repair that it has no role for, one that has.

        Of several the ticket's seed chooses, so that a turn that is entered again asks the same one. Where no model
        repairs, the drawn one does. A ticket that was drawn without a model (it may be one after which the run looks
        back) has one of those that draft.

        Raises:
            SpeciateError: the drawn model is not among the run's.
        """
        name = task.draw.model
        name = self._drafters[task.draw.seed % len(self._drafters)].name if name is None else name
        drawn = self._clients.get(name)
        if drawn is None:
            known = ", ".join(self._clients)
            wanted = f"ticket {task.ticket} was drawn for model {task.draw.model!r}"
            raise SpeciateError(f"{wanted}, expected one of: {known}")
        menders = [client for client in self._clients.values() if "repair" in client.model.roles]
        if purpose == "draft" or "repair" in drawn.model.roles or not menders:
            return drawn
        return menders[task.draw.seed % len(menders)]

    def exhausted(self) -> str | None:
        """Return why no further request can be paid for, or None while one may."""
        return self._budget.exhausted()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    async def __aenter__(self) -> "LLMProposer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _known(self, task: Task) -> Known:
        """Return what the run knew when the ticket was drawn."""
        return Known(self._yardsticks.at(task.visible), self._learning.told(task.visible))

    def _asked(self, program: Candidate) -> Asked:
        python = program.language == "python"
        return Asked(program.files, self._problem.interface.defines, python, self._seed.files)


def _drafters(settings: RunSettings) -> tuple[ModelSettings, ...]:
    """Return the models that draft. Raises SpeciateError where the models cannot be meant."""
    names = [model.name for model in settings.models]
    if not names:
        raise SpeciateError("the proposer llm needs a model: name one with --model")
    if len(set(names)) < len(names):
        raise SpeciateError(f"expected models of different names, got {', '.join(names)}")
    known = (*WEIGHTS, RESEARCH, REPAIR, REFLECT)
    for model in settings.models:
        unknown = [name for name in model.operators if name not in known]
        if unknown:
            raise SpeciateError(f"model {model.name!r}: expected operators from {', '.join(known)}, got {unknown[0]!r}")
    drafters = tuple(model for model in settings.models if "draft" in model.roles)
    if not drafters:
        raise SpeciateError("expected a model with the role draft, got only models that repair")
    return drafters


def _proposal(result: Parsed | str, program: Candidate, parents: tuple[str, ...], operator: str) -> Proposal:
    if isinstance(result, str):
        return Proposal(None, note=result)
    candidate = Candidate(
        files=result.files,
        language=program.language,
        parents=parents,
        operator=operator,
        proposer=LLMProposer.name,
    )
    return Proposal(candidate, idea=result.idea, note=result.idea)
