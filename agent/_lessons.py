"""Lessons: what followed from changes of one kind, or what a model made of them, with evidence that ages.

Pure. A lesson claims nothing by itself: it counts the designs that followed it, those that improved on their
parents and those that did not, and it is held against how often any change at all improves. Evidence is halved
every ``HALF_LIFE`` commits. What does clearly worse than chance is told as such (a kind of change) or is out of
use until its evidence has aged (a model's words).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Kind = Literal["change", "model"]

HALF_LIFE = 200
"""Commits."""
ANY = "any change at all"
"""The text of the lesson that all the others are held against."""
SHOWN_HELPS, SHOWN_HURTS, SHOWN_WORDS = 4, 3, 4
"""Kinds of change that helped and that hurt, and words of models, that an author is told of at most."""
TEXT_CHARACTERS = 300
FORGOTTEN = 10 * HALF_LIFE
"""Commits without a word on a lesson after which it is left out of the book: its evidence is under a thousandth."""
INHERITED = 0.5
"""What evidence of an earlier run counts in a later one."""
_ENOUGH = 3.0
"""Evidence below which nothing is said for or against."""
_PRIOR = 4.0
"""Trials of average success that every lesson is thought to have had."""
_HELPS, _HURTS = 1.25, 0.67
"""Success, as a multiple of what is usual, above and below which evidence is clear."""
_GAIN = 0.5
"""Most that one design counts in a lesson's gain: a share of its parent's score."""


class Lesson(NamedTuple):
    """A lesson as it stands after some commits."""

    number: int
    """0, 1, 2, ... in its run; 0 is ``ANY``."""
    kind: Kind
    text: str
    """Untrusted: a model wrote it, or it holds names from a program."""
    evidence_for: float = 0.0
    """Designs that followed it and improved on their parents, aged."""
    evidence_against: float = 0.0
    """Those that followed it and did not."""
    gain: float = 0.0
    """Sum over both of the share of the parent's score that was gained (negative: lost)."""
    commit: int = 0
    """The commit as of which the evidence stands."""

    @property
    def evidence(self) -> float:
        """All designs that followed it."""
        return self.evidence_for + self.evidence_against

    def aged(self, commit: int) -> "Lesson":
        """Return the lesson as of a later commit.

        >>> Lesson(1, "change", "x", 4.0, 2.0, 0.1, 100).aged(300)[3:]
        (2.0, 1.0, 0.05, 300)
        """
        left = 0.5 ** ((commit - self.commit) / HALF_LIFE)
        return self.weighed(left)._replace(commit=commit)

    def weighed(self, weight: float) -> "Lesson":
        """Return the lesson with its evidence multiplied."""
        return self._replace(
            evidence_for=weight * self.evidence_for,
            evidence_against=weight * self.evidence_against,
            gain=weight * self.gain,
        )

    def after(self, trial: "Trial") -> "Lesson":
        """Return the lesson after one more design followed it."""
        gain = self.gain + max(-_GAIN, min(_GAIN, trial.gain))
        if trial.gain > 0:
            return self._replace(evidence_for=self.evidence_for + 1, gain=gain)
        return self._replace(evidence_against=self.evidence_against + 1, gain=gain)


class Trial(NamedTuple):
    """What came of a design, and what it followed."""

    ticket: int
    gain: float
    """Share of the parent's score that it is better by; at most 0 where it did not improve."""
    changes: tuple[str, ...]
    """Kinds of change (``_changes``)."""
    cited: tuple[int, ...] = ()
    """Numbers of the lessons that its author says to have used, of those it was shown."""


class Book(NamedTuple):
    """The lessons of a run as of a commit."""

    lessons: Mapping[int, Lesson]
    """By number, in order; of the forgotten ones only the first is kept."""
    commit: int
    numbers: int
    """How many numbers were given out."""

    @property
    def usual(self) -> float | None:
        """Share of all changes that improve; None while too few were seen, or none has."""
        all_ = self.lessons.get(0)
        if all_ is None or all_.evidence < _ENOUGH or not all_.evidence_for:
            return None
        return all_.evidence_for / all_.evidence

    def after(self, commit: int, trials: Sequence[Trial], words: Iterable[str]) -> "Book":
        """Return the book after ``commit`` commits, with new trials and new words of models.

        Words that a lesson already has, or nearly, are not written down again.
        """
        lessons = {number: lesson.aged(commit) for number, lesson in self.lessons.items()}
        by_text = {lesson.text: number for number, lesson in lessons.items()}
        numbers = self.numbers

        def numbered(text: str, kind: Kind) -> int:
            nonlocal numbers
            if text not in by_text:
                by_text[text] = numbers
                lessons[numbers] = Lesson(numbers, kind, text, commit=commit)
                numbers += 1
            return by_text[text]

        numbered(ANY, "change")
        for trial in trials:
            followed = [numbered(text, "change") for text in (ANY, *trial.changes)]
            followed += [number for number in trial.cited if number in lessons and lessons[number].kind == "model"]
            for number in followed:
                lessons[number] = lessons[number].after(trial)
        for text in words:
            if not any(alike(text, lesson.text) for lesson in lessons.values()):
                numbered(text, "model")
        return Book(lessons, commit, numbers)

    def success(self, lesson: Lesson) -> float | None:
        """Return how often designs improved that followed a lesson, as a multiple of what is usual."""
        usual = self.usual
        if usual is None:
            return None
        return (lesson.evidence_for + _PRIOR * usual) / (lesson.evidence + _PRIOR) / usual

    def contradicted(self, lesson: Lesson) -> bool:
        """Return whether the evidence is clearly against a lesson."""
        success = self.success(lesson)
        return success is not None and lesson.evidence >= _ENOUGH and success < _HURTS

    def shown(self) -> tuple[Lesson, ...]:
        """Return what an author should know: what helped, what did not, and words that nothing speaks against.

        Each kind by how clear its evidence is; of words without any, the newest first.
        """
        known = [(self.success(lesson) or 1.0, lesson) for lesson in self.lessons.values() if lesson.number]
        known.sort(key=lambda pair: (-pair[0], -pair[1].number))
        counted = [each for each in known if each[1].kind == "change" and each[1].evidence >= _ENOUGH]
        helps = [lesson for success, lesson in counted if success >= _HELPS][:SHOWN_HELPS]
        hurts = [lesson for success, lesson in reversed(counted) if success < _HURTS][:SHOWN_HURTS]
        words = [lesson for _, lesson in known if lesson.kind == "model" and not self.contradicted(lesson)]
        return (*helps, *hurts, *words[:SHOWN_WORDS])


NOTHING = Book({}, 0, 0)


def cited_in(idea: str) -> tuple[int, ...]:
    """Return the numbers of the lessons that an author's words name.

    >>> cited_in("As in [L12] and [L3], hold small requests; L7 does not count.")
    (12, 3)
    """
    return tuple(dict.fromkeys(int(number) for number in re.findall(r"\[L(\d{1,6})\]", idea)))


def alike(text: str, other: str) -> bool:
    """Return whether two lessons say nearly the same: four of five words are common to both."""
    mine, theirs = (frozenset(re.findall(r"\w+", each.lower())) for each in (text, other))
    return len(mine & theirs) >= 0.8 * len(mine | theirs)


def lines(book: Book, lessons: Sequence[Lesson]) -> str:
    """Return lessons as text, a line each with its number and its evidence: untrusted, to be quoted."""
    told = [] if book.usual is None else [f"Of all changes, {100 * book.usual:.0f} % improved on their parents."]
    return "\n".join([*told, *(f"[L{lesson.number}] {lesson.text}: {evidence(lesson)}" for lesson in lessons)])


def evidence(lesson: Lesson) -> str:
    """Return a lesson's evidence in words; older evidence counts less, so the counts need not be whole.

    >>> evidence(Lesson(4, "change", "`key` uses `size`", 3.0, 1.0, 0.02))
    '3 improved on their parents, 1 did not; 0.5 % gained on average'
    """
    if not lesson.evidence:
        return "not tried yet"
    improved, not_ = (
        f"{count:.0f}" if count >= 10 else f"{count:.1f}".removesuffix(".0")
        for count in (lesson.evidence_for, lesson.evidence_against)
    )
    mean = 100 * lesson.gain / lesson.evidence
    moved = f"{abs(mean):.2g} % {'gained' if mean > 0 else 'lost'} on average"
    return f"{improved} improved on their parents, {not_} did not; {moved}"
