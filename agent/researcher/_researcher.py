"""Tickets for research, written: what the proposer ``llm`` hands them to."""

from collections.abc import Callable
from typing import Any

from speciate.evaluators import Candidate, Problem, SpeciateError

from .._client import ModelClient
from .._conversation import Conversation, Manner
from .._prompts import Known
from .._proposer import Proposal, Task
from .._reader import ArchiveReader
from .._replies import Asked
from .._requests import Place
from .._settings import RunSettings
from ._library import Library
from ._messages import opening
from ._study import Study
from ._tickets import RESEARCH
from ._tools import schemas


class Researcher:
    """Writes the tickets for research of one run.

    Args:
        problem: what is to be invented.
        settings: the run's.
        archive: what the tickets read from.
        conversation: holds the turns with the run's models.
        asked: says of a design how a reply that edits it is read.
    """

    def __init__(
        self,
        problem: Problem[Any],
        settings: RunSettings,
        archive: ArchiveReader,
        conversation: Conversation,
        asked: Callable[[Candidate], Asked],
    ):
        self._problem = problem
        self._settings = settings
        self._archive = archive
        self._conversation = conversation
        self._asked = asked

    async def write(self, task: Task, client: ModelClient, known: Known) -> Proposal:
        """Have a model do research and hand in a design. Re-enterable.

        Args:
            task: the ticket's; issued by a loop, which gives it its laboratory.
            client: who is asked.
            known: what the run knew when the ticket was drawn.

        Raises:
            ModelError: the model cannot be used as configured, or has stopped answering.
        """
        # Here, since it imports langgraph.
        from ._agent import Research, researched

        if task.laboratory is None:
            raise SpeciateError(f"ticket {task.ticket}: expected a laboratory, which only a search gives; got none")
        program = task.parents[0].candidate if task.parents else self._problem.seed()
        library = Library(self._archive, task, self._settings.memory)
        study = Study(self._problem, task.laboratory, library, known.reached, program, self._asked)
        replies = self._settings.research.replies
        return await researched(
            Research(
                conversation=self._conversation,
                client=client,
                walk=self._conversation.enter(Place(task.ticket, 0, RESEARCH)),
                manner=Manner(RESEARCH, task.draw.seed, schemas()),
                opening=opening(self._problem, task, study, known, replies),
                study=study,
                replies=replies,
            )
        )
