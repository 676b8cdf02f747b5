"""Does the judge hold against candidates that cheat? They run in the sandbox, never in this process."""

from collections.abc import Sequence
from typing import Any

from .._contract import Evaluation, Status
from .._problem import Problem
from ._determinism import first_difference
from ._finding import Finding, Note, concluded, does_not_apply, fail, warn
from ._python_attacks import READ, Attack
from ._trials import Design, Trials, Word, Yardstick, outcome, score_of
from ._trivial import broken

HOLD_OUT = "memory"
IN_PROCESS = "in-process"
SHARED = (
    "the candidate shares the benchmark's processes, so this cannot be ruled out: read a discovery before you "
    "believe it, or make this a problem of kind program, plan or policy"
)


def check_attacks(
    problem: Problem[Any], trials: Trials, attacks: Sequence[Attack], honest: Word, exact: bool
) -> Finding:
    """Judge hostile designs on one train workload: those that cheat must measure as the honest one, or fail."""
    assert isinstance(honest, Evaluation)
    in_process = IN_PROCESS in honest.labels
    if not attacks and in_process:
        note = warn(f"every evaluation carries the label {IN_PROCESS}", SHARED)
        return concluded("attacks", "no hostile designs can be written in the candidate's language", [note])
    if not attacks:
        return does_not_apply("attacks", "no hostile designs can be written in the candidate's language")
    names = trials.chosen["train"][:1]
    designs = [attack.design for attack in attacks]
    words = trials.judge(designs, "train", only=names)
    measured = tuple(m for m in honest.measurements if m.workload in names)
    mine = honest.model_copy(update={"measurements": measured, "score": problem.score(measured)})
    notes = broken(designs, words)
    for attack in attacks:
        word = words[attack.design.name]
        if isinstance(word, Evaluation):
            notes += _expected(attack, word, mine, exact)
    if in_process:
        notes = [warn(note.found, SHARED) for note in notes]
    ended = [outcome(words[attack.design.name]) for attack in attacks]
    tally = ", ".join(f"{ended.count(each)} {each}" for each in dict.fromkeys(ended))
    ended_well = "" if notes else " ended as they should"
    return concluded("attacks", f"{len(attacks)} hostile designs{ended_well}: {tally}", notes)


def _expected(attack: Attack, word: Evaluation, honest: Evaluation, exact: bool) -> list[Note]:
    name = attack.design.name
    if READ in word.detail:
        path = word.detail.partition(READ)[2].split()[0]
        return [
            fail(f"a candidate can read {path}", "use a sandbox that hides files: bubblewrap or docker, see doctor")
        ]
    if word.status is Status.CHEATED:
        return [fail(f"a design that {name} passes the bound: {word.detail}", "compute the score from decisions alone")]
    if word.status is Status.SANDBOX_ERROR:
        return [fail(f"a design that {name} breaks the sandbox: {word.detail}", "this is no fault of the problem")]
    if word.status is not Status.OK:
        return []
    if attack.expected == "no answer":
        advice = "let the interface say which answers are allowed, and check in measure() that each is there"
        return [fail(f"a design that {name} is judged ok, with score {word.score:.5g}", advice)]
    parted = first_difference(honest, word) if exact else None
    if parted is None:
        return []
    return [
        fail(
            f"a design that {name} measures otherwise than the honest one it stands on: {parted}",
            "measure() takes something from the candidate beside its answers: find it",
        )
    ]


def check_memory(trials: Trials, memoriser: Design, plain: Design, yard: Yardstick) -> Finding:
    """Check that a design which knows the train workloads again gains nothing on validation.

    On train it is the best contender, elsewhere the seed (or the worst design, where the seed is the best).
    """
    train = trials.judge([memoriser, plain], "train", only=trials.chosen["train"][:2])
    validation = trials.judge([memoriser, plain], "validation")
    notes = [*broken([memoriser], train), *broken([memoriser], validation)]
    there, here = (score_of(words[memoriser.name]) for words in (train, validation))
    known, worse = score_of(validation[plain.name]), score_of(train[plain.name])
    if there is None or here is None or known is None or worse is None:
        bad = f"{outcome(train[memoriser.name])} on train, {outcome(validation[memoriser.name])} on validation"
        notes += (
            [] if notes else [warn(f"the memorising design is {bad}", "nothing is known: see why it is not judged ok")]
        )
        return concluded(HOLD_OUT, "a design that knows train by heart", notes)
    gain, abroad = yard.gain(there, worse), yard.gain(here, known)
    figure = f"knowing train by heart gains {gain:+.1%} there and {abroad:+.1%} on validation"
    if yard.beyond_noise(here, known):
        notes.append(
            fail(
                f"a design that knows train by heart scores {here:.5g} on validation, {known:.5g} without",
                "validation holds workloads of train: build each from its own seed",
            )
        )
    return concluded(HOLD_OUT, figure, notes)


def worst_of(designs: Sequence[Design], scores: dict[str, float], yard: Yardstick) -> Design:
    """Return the design that scores worst."""
    return max((d for d in designs if d.name in scores), key=lambda d: yard.sign * scores[d.name])


def claim_of(problem: Problem[Any]) -> float:
    """Return a score too good to be true."""
    return 0.0 if problem.objective.direction == "minimize" else 1e9
