"""A small honest proposer for tests of the loop: rewrites one constant of a fixed program, sometimes nothing."""

from random import Random

from speciate.agent import ArchiveView, Draw, Proposal, Task
from speciate.evaluators import Candidate, Evaluation

PROGRAM = """def key(request):
    return request.prompt_tokens + {a} * request.predicted_output


def place(head, view):
    return min(view.replicas, key=lambda r: (r.running + {b}) / r.speed).index
"""


class ScriptedProposer:
    """Draws a parent from the elites and two coarse numbers, so that sources repeat now and then."""

    name = "scripted"

    def __init__(self) -> None:
        self.written: list[int] = []
        self.repaired: list[tuple[int, int]] = []

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        parents = (view.elites[rng.randrange(len(view.elites))].ticket,) if view.elites else ()
        return Draw("tweak", parents, rng.getrandbits(32), extra={"seen": len(view.elites)})

    async def write(self, task: Task) -> Proposal:
        self.written.append(task.ticket)
        rng = Random(task.draw.seed)
        if rng.random() < 0.1:
            return Proposal(None, note="nothing came to mind")
        text = PROGRAM.format(a=rng.randint(0, 9), b=rng.choice((0.5, 1, 2, "nothing")))
        return Proposal(Candidate.from_source(text), idea=f"a child of {len(task.parents)} parents")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        self.repaired.append((task.ticket, turn))
        rng = Random(task.draw.seed + turn)
        if rng.random() < 0.3:
            return Proposal(candidate, idea="the same again")
        return Proposal(Candidate.from_source(candidate.source.replace("nothing", "3")), idea="a name was undefined")
