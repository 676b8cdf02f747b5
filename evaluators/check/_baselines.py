"""Are the human designs judged, in a sane order, told apart, and is there anything left to discover?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._contract import Evaluation, Split, Status
from .._headroom import rooms
from .._problem import Problem
from ._finding import Finding, Note, concluded, counted, fail, warn
from ._trials import Breakdown, Design, Word, Yardstick, score_of

FEW_CONTENDERS = 3
CLEAR_GAIN = 0.01
"""By how much, as a share of its score, the best contender must be better than every control."""
NO_HEADROOM = 0.005
LITTLE_HEADROOM = 0.03
"""Of the objective, between the best contender and the bound."""
SAME_SCORE = 1e-9

Words = Mapping[Split, Mapping[str, Word]]


def check_designs(designs: Sequence[Design], words: Words) -> Finding:
    """Check that the seed and every baseline are judged ok on train and validation."""
    notes = []
    for split, found in words.items():
        for design in designs:
            word = found[design.name]
            if isinstance(word, Breakdown):
                notes.append(_broken(f"{design.name} on {split}", word))
            elif word.status not in (Status.OK, Status.CHEATED):  # the check of the headroom tells who passes the bound
                wrong = f"{design.name} is {word.status} on {split}: {word.detail}"[:400]
                notes.append(fail(wrong, "mend the design, or raise the problem's limits if the design is right"))
    judged = sum(score_of(word) is not None for found in words.values() for word in found.values())
    figure = f"{judged} of {sum(map(len, words.values()))} judgings of {len(designs)} human designs are ok"
    return concluded("designs", figure, notes)


def _broken(what: str, word: Breakdown) -> Note:
    return fail(
        f"the problem itself raised while judging {what}: {word.error}",
        "mend measure(); for an answer that is wrong raise Incorrect, so that one candidate cannot end a run",
    )


def check_order(problem: Problem[Any], words: Mapping[str, Word], yard: Yardstick) -> Finding:
    """Check that the controls are clearly worse than the best contender, and that there are enough of both."""
    baselines = problem.baselines()
    scores = {b.name: score for b in baselines if (score := score_of(words[b.name])) is not None}
    controls = [b.name for b in baselines if b.control]
    contenders = [b.name for b in baselines if not b.control]
    notes = _too_few(controls, contenders)
    for name in controls:
        if name in scores and yard.gain(scores[name]) > -CLEAR_GAIN:
            notes.append(
                fail(
                    f"control {name} scores {scores[name]:.5g}, the best contender {yard.best_name} {yard.best:.5g}",
                    "a control must clearly lose: is the direction right, does the score see what the designs do?",
                )
            )
        beaten = sum(yard.sign * (scores[c] - scores[name]) > 0 for c in contenders if name in scores and c in scores)
        if name in scores and len(contenders) > 1 and 2 * beaten > len(contenders):
            notes.append(
                warn(
                    f"control {name} beats {beaten} of {len(contenders)} contenders",
                    "put the designs in their strongest known form: tune them (speciate tune)",
                )
            )
    untuned = [b.name for b in baselines if b.parameters and b.tuned_evaluations is None]
    if untuned:
        notes.append(
            warn(
                f"no tuning is recorded for {counted(len(untuned), 'baseline')} with constants, such as {untuned[0]}",
                "speciate tune PROBLEM --out FILE, so that a discovery is not the tuning of a constant",
            )
        )
    tuned = sum(b.tuned_evaluations is not None for b in baselines)
    worst = f", controls {', '.join(f'{scores[c]:.4g}' for c in controls if c in scores)}" if controls else ""
    figure = f"best of {counted(len(contenders), 'contender')} {yard.best_name} {yard.best:.4g}{worst}; {tuned} tuned"
    return concluded("baselines", figure, notes)


def _too_few(controls: Sequence[str], contenders: Sequence[str]) -> list[Note]:
    notes = []
    if not contenders:
        notes.append(
            fail("there is no baseline that contends", "add the strongest known human designs: nothing can be claimed")
        )
    elif len(contenders) < FEW_CONTENDERS:
        notes.append(
            warn(
                f"there is no more than {counted(len(contenders), 'contender')}",
                f"ship at least {FEW_CONTENDERS} strong designs, or beating the best of them says little",
            )
        )
    if not controls:
        notes.append(warn("there is no control", "add a baseline with control=True that decides at random"))
    return notes


def check_headroom(problem: Problem[Any], designs: Sequence[Design], words: Words, yard: Yardstick) -> Finding:
    """Check that no human design passes the bound, and that the best one leaves something to discover."""
    passed = [
        (design.name, word.detail)
        for by_name in words.values()
        for design in designs
        if isinstance(word := by_name[design.name], Evaluation) and word.status is Status.CHEATED
    ]
    if passed:
        name, detail = passed[0]
        note = fail(f"{name} passes the bound ({detail})", "the bound is not one: prove it anew, mend bound()")
        return concluded("headroom", f"the bound is passed {len(passed)} times", [note])
    found = [
        room
        for by_name in words.values()
        if isinstance(best := by_name.get(yard.best_name), Evaluation)
        for room in rooms(problem, best)
    ]
    if not found:
        note = warn("bound() gives none", "prove a limit no design can pass: without one a cheat looks like a record")
        return concluded("headroom", "there is no bound", [note])
    wrong = [room for room in found if not math.isfinite(room)]
    mean = math.fsum(found) / len(found)
    if wrong:
        return concluded("headroom", "the bound is not finite", [fail("bound() is not finite", "mend it")])
    figure = f"{yard.best_name} is {mean:.1%} off the bound, {min(found):.1%} to {max(found):.1%} by workload"
    if mean < NO_HEADROOM:
        note = fail("the best human design is at the bound", "nothing to discover: make the workloads harder")
        return concluded("headroom", figure, [note])
    if mean < LITTLE_HEADROOM:
        note = warn("there is little left to discover", "make the workloads harder, or say so in the brief")
        return concluded("headroom", figure, [note])
    return concluded("headroom", figure)


def check_sensitivity(problem: Problem[Any], words: Mapping[str, Word]) -> Finding:
    """Check that different designs get different scores, and that the probe tells them apart as well."""
    judged = {name: word for name, word in words.items() if isinstance(word, Evaluation) and word.score is not None}
    scores = {name: float(word.score or 0.0) for name, word in judged.items()}
    different = _groups(scores)
    figure = f"{len(judged)} designs, {different} different scores"
    if len(judged) > 1 and different == 1:
        note = fail(
            f"all {len(judged)} designs score {next(iter(scores.values())):.6g}",
            "the objective ignores the candidate: let measure() use its answers, at a load where they matter",
        )
        return concluded("sensitivity", figure, [note])
    hashes = {name: word.decision_hash for name, word in judged.items() if word.decision_hash}
    if not hashes:
        return concluded("sensitivity", f"{figure}; no probe, so behaviours are not told apart early")
    return concluded("sensitivity", f"{figure}, {len(set(hashes.values()))} different probes", _blind(hashes, scores))


def _groups(scores: Mapping[str, float]) -> int:
    """Return how many scores there are that differ by more than rounding."""
    ordered = sorted(scores.values())
    return sum(i == 0 or score - ordered[i - 1] > SAME_SCORE * max(1.0, abs(score)) for i, score in enumerate(ordered))


def _blind(hashes: Mapping[str, str], scores: Mapping[str, float]) -> list[Note]:
    """Return the note on designs that the probe takes for one although they score differently."""
    alike: dict[str, list[str]] = {}
    for name, digest in hashes.items():
        alike.setdefault(digest, []).append(name)
    wrong = [names for names in alike.values() if _groups({name: scores[name] for name in names}) > 1]
    if not wrong:
        return []
    most = max(wrong, key=len)
    found = f"the probe takes {' and '.join(most[:2])} for one design, yet they score differently"
    return [warn(found, "give a probe() with situations in which designs part, or None: it is to tell duplicates")]
