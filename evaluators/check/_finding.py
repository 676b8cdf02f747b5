"""What a check says: a verdict, a figure, and what to do."""

from collections.abc import Sequence
from enum import StrEnum

from .._contract import Frozen


class Verdict(StrEnum):
    """How a check ended; the later is the worse."""

    DOES_NOT_APPLY = "n/a"
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


_ORDER = tuple(Verdict)


class Note(Frozen):
    """One thing found wrong, and what to do about it."""

    verdict: Verdict
    found: str
    advice: str


class Finding(Frozen):
    """The word of one check."""

    check: str
    verdict: Verdict
    figure: str
    """What was measured or seen, in one line."""
    notes: tuple[Note, ...] = ()
    """What was found wrong, worst first."""


class Report(Frozen):
    """All that was found out about a problem."""

    problem: str
    kind: str
    version: str
    quick: bool
    sandbox: str
    workloads: dict[str, tuple[str, ...]]
    """Names of the workloads that were judged, by split. Held-out ones never are."""
    left_out: int
    """Workloads of train and validation that were not judged."""
    findings: tuple[Finding, ...]
    wall_s: float

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the failed checks."""
        return tuple(each.check for each in self.findings if each.verdict is Verdict.FAIL)

    @property
    def fit(self) -> bool:
        """Whether a search may be started on the problem: no check failed."""
        return not self.failed


def fail(found: str, advice: str) -> Note:
    """Return a note that fails its check."""
    return Note(verdict=Verdict.FAIL, found=found, advice=advice)


def warn(found: str, advice: str) -> Note:
    """Return a note that does not fail its check."""
    return Note(verdict=Verdict.WARN, found=found, advice=advice)


def concluded(check: str, figure: str, notes: Sequence[Note] = ()) -> Finding:
    """Return the finding of a check: as bad as its worst note."""
    ranked = sorted(notes, key=lambda note: -_ORDER.index(note.verdict))
    verdict = ranked[0].verdict if ranked else Verdict.OK
    return Finding(check=check, verdict=verdict, figure=figure, notes=tuple(ranked))


def does_not_apply(check: str, why: str) -> Finding:
    """Return the finding of a check that has nothing to look at."""
    return Finding(check=check, verdict=Verdict.DOES_NOT_APPLY, figure=why)


def counted(count: int, what: str) -> str:
    """Return ``1 seed`` or ``3 seeds``."""
    return f"{count} {what}{'s' * (count != 1)}"
