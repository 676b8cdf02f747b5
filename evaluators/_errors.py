"""The exceptions of Speciate. One base, and two kinds: what a user can mend, and what a candidate did."""

from ._contract import Status


class SpeciateError(Exception):
    """A fault that a person can act on. The command prints its message in one line and exits with 2."""


class ProblemError(SpeciateError):
    """A problem folder, name or option is not usable."""


class SandboxUnavailableError(SpeciateError):
    """The sandbox cannot be had on this machine. Not a candidate's fault and not a failed candidate."""


class SandboxError(Exception):
    """A started sandbox failed us (lost worker, broken pipe before the program ran).

    The judge retries it and records ``sandbox_error`` if it stays; it is never scored.
    """


class CandidateFault(Exception):  # noqa: N818 - not an error of ours: an outcome
    """A candidate ended its own judging. Raised at the boundary, recorded as an evaluation."""

    def __init__(self, status: Status, detail: str):
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail[:4000]
