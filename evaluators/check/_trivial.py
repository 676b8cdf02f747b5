"""Do designs that take no thought score badly? Constants, and rules of one line made from the interface."""

from collections.abc import Mapping, Sequence
from typing import Any

from .._contract import Evaluation, Status
from .._problem import Problem
from ._finding import Finding, Note, concluded, does_not_apply, fail, warn
from ._trials import Breakdown, Design, Trials, Word, Yardstick, score_of

NEAR = 0.01
"""A constant within this share of the best contender's score is near it ..."""
NEARLY_CLOSED = 0.9
"""... if it has also gone this share of the way from the best control."""
TOO_GOOD = 0.05
"""By how much a rule of one line may beat the best contender before the observation must hold the answer."""
WORTH_ANOTHER_LOOK = -0.1
"""Rules that gain less than this on one workload are not judged on the others; in a quick check, less than 0."""


def check_constants(designs: Sequence[Design], words: Mapping[str, Word], yard: Yardstick) -> Finding:
    """Check that designs which do not look at what they are asked come nowhere near the best contender."""
    notes = broken(designs, words)
    gains = {}
    for design in designs:
        word = words[design.name]
        if isinstance(word, Evaluation) and word.status is Status.CHEATED:
            notes.append(_beyond(design.name, word.detail))
        score = score_of(word)
        if score is None:
            continue
        gains[design.name] = yard.gain(score)
        closed = yard.closed(score)
        near = gains[design.name] > -NEAR and (closed is None or closed > NEARLY_CLOSED)
        if near or gains[design.name] > 0:
            notes.append(
                fail(
                    f"'{design.name}' scores {score:.5g}, the best contender {yard.best:.5g}",
                    "a design that does not look must lose: vary what the right answer depends on",
                )
            )
    if not gains:
        return concluded("constants", f"none of {len(designs)} is even judged ok", notes)
    nearest = max(gains, key=lambda name: gains[name])
    score = score_of(words[nearest])
    figure = f"best of {len(designs)} that do not look: '{nearest}' {score:.4g}, against {yard.best:.4g}"
    return concluded("constants", figure, notes)


def check_rules(
    problem: Problem[Any], trials: Trials, designs: Sequence[Design], best: Word, yard: Yardstick
) -> Finding:
    """Check that no rule of one line beats every contender: then what is shown, or answered, holds the score.

    All rules are judged on one train workload, and those that are not far behind there on all chosen ones.
    """
    if not designs:
        return does_not_apply("rules", "no rules can be made from the interface")
    names, enough = trials.chosen["train"], 0.0 if trials.quick else WORTH_ANOTHER_LOOK
    assert isinstance(best, Evaluation)
    first = problem.score([m for m in best.measurements if m.workload == names[0]])
    words = trials.judge(designs, "train", only=names[:1])
    notes = broken(designs, words)
    notes += [
        _beyond(name, word.detail)
        for name, word in words.items()
        if isinstance(word, Evaluation) and word.status is Status.CHEATED
    ]
    close = [d for d in designs if (s := score_of(words[d.name])) is not None and yard.gain(s, first) > enough]
    if len(names) > 1:
        words = {**words, **trials.judge(close, "train")}
    gains = {d.name: yard.gain(score) for d in close if (score := score_of(words[d.name])) is not None}
    for name in sorted(gains, key=lambda name: -gains[name])[:3]:
        notes += _rule_note(name, gains[name], words[name], yard)
    nearest = max(gains, key=lambda name: gains[name], default=None)
    told = f": '{nearest}' {gains[nearest]:+.1%}" if nearest else ": all far behind"
    return concluded("rules", f"best of {len(designs)} rules of one line, to the best contender{told}", notes)


def _rule_note(name: str, gain: float, word: Word, yard: Yardstick) -> list[Note]:
    score = score_of(word)
    if score is None or not yard.beyond_noise(score, yard.best):
        return []
    found = f"'{name}' scores {score:.5g}, {gain:.1%} better than the best contender"
    if gain > TOO_GOOD:
        return [
            fail(
                found,
                "a single line must not win: what is observed holds the answer, or a figure that is answered is "
                "believed; compute the score from decisions alone, or add stronger baselines",
            )
        ]
    return [warn(found, "add the rule, tuned, to the baselines")]


def _beyond(name: str, detail: str) -> Note:
    return fail(
        f"'{name}' passes the bound ({detail})",
        "a figure that the candidate answers is believed, or the bound is wrong: compute the score from decisions",
    )


def broken(designs: Sequence[Design], words: Mapping[str, Word]) -> list[Note]:
    """Return a note for each design under which the problem itself raised; one stands for all of one text."""
    errors = {word.error: d.name for d in reversed(designs) if isinstance(word := words[d.name], Breakdown)}
    return [
        fail(
            f"the problem itself raised while judging '{name}': {error}",
            "mend measure(); for an answer that is wrong raise Incorrect, so that one candidate cannot end a run",
        )
        for error, name in errors.items()
    ]
