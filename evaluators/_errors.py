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
    """A candidate ended its own judging. Raised at the boundary, recorded as an evaluation.

    Args:
        status: one of the candidate's own.
        detail: what happened, in words a person or a model can act on.
        limit: of a ``timeout``, the field of ``Limits`` that was passed.
        after_s: what that limit allowed, seconds.
    """

    def __init__(self, status: Status, detail: str, *, limit: str = "", after_s: float = 0.0):
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail[:4000]
        self.limit = limit
        self.after_s = after_s


class Incorrect(CandidateFault):
    """An answer is well-formed and wrong: a plan that breaks a constraint, an output that is not the right one."""

    def __init__(self, detail: str):
        super().__init__(Status.INCORRECT, detail)
