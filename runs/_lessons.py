"""What a run learnt, as people read it: which kinds of change helped or hurt, and what its models made of them."""

from typing import Literal

from speciate.agent import Archive, Book, Lesson, RunRecord
from speciate.evaluators import Frozen

from ._numbers import percent, table

MOST_CONTRADICTED = 4


class Said(Frozen):
    """One lesson and its evidence. Its text holds names from programs, or is a model's: untrusted."""

    number: int
    kind: str
    """``change`` (counted) or ``model`` (a model's words)."""
    text: str
    improved: float
    """Designs that followed it and improved on their parents; the older ones count less, so they need not be whole."""
    not_improved: float
    gain: float | None
    """Mean share of the parent's score that was gained; None where nobody followed it."""
    success: float | None
    """How often it led to an improvement, as a multiple of what is usual; None while that is unknown."""
    standing: Literal["helps", "hurts", "in use", "contradicted"]


class Lessons(Frozen):
    """What a run knows after its last look back."""

    commit: int
    known: int
    """Lessons in all, of which the most telling are told."""
    usual: float | None
    """Share of all changes that improve."""
    told: tuple[Said, ...]

    @property
    def words(self) -> str:
        """How much is known, in a sentence."""
        usual = "" if self.usual is None else f"; of all changes {100 * self.usual:.0f} % improved on their parents"
        return f"{self.known} after {self.commit} commits, the most telling {len(self.told)} are told{usual}"

    @property
    def rows(self) -> list[str]:
        """The lessons as a table."""
        cells = [
            (
                f"L{said.number}",
                said.standing,
                f"{said.improved:.1f}",
                f"{said.not_improved:.1f}",
                "" if said.gain is None else percent(said.gain),
                said.text,
            )
            for said in self.told
        ]
        return table(("lesson", "", "improved", "did not", "mean gain", "what was done"), cells, right=(2, 3, 4))


def lessons_of(archive: Archive, run: RunRecord) -> Lessons | None:
    """Return what a run learnt; None where there is nothing to tell yet."""
    book = archive.lessons(run.id)
    shown = [(lesson, _standing(book, lesson)) for lesson in book.shown()]
    against = [lesson for lesson in book.lessons.values() if lesson.kind == "model" and book.contradicted(lesson)]
    against.sort(key=lambda lesson: -lesson.evidence_against)
    told = [*shown, *((lesson, "contradicted") for lesson in against[:MOST_CONTRADICTED])]
    if not told:
        return None
    return Lessons(
        commit=book.commit,
        known=len(book.lessons) - 1,
        usual=book.usual,
        told=tuple(_said(book, lesson, standing) for lesson, standing in told),
    )


def _standing(book: Book, lesson: Lesson) -> str:
    if lesson.kind == "model":
        return "in use"
    return "helps" if (book.success(lesson) or 1.0) >= 1 else "hurts"


def _said(book: Book, lesson: Lesson, standing: str) -> Said:
    return Said.model_validate(
        {
            "number": lesson.number,
            "kind": lesson.kind,
            "text": lesson.text,
            "improved": lesson.evidence_for,
            "not_improved": lesson.evidence_against,
            "gain": lesson.gain / lesson.evidence if lesson.evidence else None,
            "success": book.success(lesson),
            "standing": standing,
        }
    )
