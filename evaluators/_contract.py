"""The vocabulary every room shares: workloads, candidates, measurements, evaluations.

These models are the border of the judge: whatever comes from a problem folder, a model or a database
is parsed into them before it is used. They hold facts and no behaviour beyond their own identity.
"""

import ast
import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Split = Literal["train", "validation", "heldout"]
Scalar = float | int | str | bool
TRACE_LINES = 8
TRACE_CHARACTERS = 240
"""Of one line of a trace."""


class Frozen(BaseModel):
    """Base of the contract's models: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(StrEnum):
    """How an evaluation ended. A status is never turned into a number.

    ``OK`` is the only one with a score. ``SANDBOX_ERROR`` is our own fault: retried, never scored. All
    others except ``DUPLICATE`` and ``RACED_OUT`` are the candidate's own.
    """

    OK = "ok"
    DUPLICATE = "duplicate"
    RACED_OUT = "raced_out"
    INVALID = "invalid"
    INCORRECT = "incorrect"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    OOM = "oom"
    OUTPUT_LIMIT = "output_limit"
    PROTOCOL = "protocol"
    CHEATED = "cheated"
    SANDBOX_ERROR = "sandbox_error"


class Workload(Frozen):
    """One named, seeded instance of a problem."""

    name: str
    """Unique within the problem, for instance ``heldout/load5.0/seed17``."""
    split: Split
    seed: int
    params: dict[str, Scalar] = Field(default_factory=dict)
    """What the problem needs to build the instance; opaque to the judge."""
    repetition: int = 0
    """Which measuring of this instance it is; differs from 0 only where the problem is ``noisy``."""


class SourceFile(Frozen):
    """One file of a candidate."""

    path: str
    text: str


class Candidate(Frozen):
    """A design: source files and where they came from.

    ``id`` identifies the design by its canonical source, so two texts that differ only in comments,
    docstrings or layout are the same candidate.
    """

    files: tuple[SourceFile, ...] = Field(min_length=1)
    """The first file is the entry; for a policy it defines the hooks."""
    language: str = "python"
    parents: tuple[str, ...] = ()
    """Ids of the candidates this one was made from."""
    operator: str = ""
    proposer: str = ""

    @classmethod
    def from_source(cls, text: str, *, path: str = "candidate.py") -> "Candidate":
        """Return a candidate of one Python file."""
        return cls(files=(SourceFile(path=path, text=text),))

    @property
    def source(self) -> str:
        """Text of the entry file."""
        return self.files[0].text

    @property
    def id(self) -> str:
        """Hex digest (32 characters) of the canonical source of all files."""
        return _identity(self.language, self.files)


@lru_cache(maxsize=512)
def _identity(language: str, files: tuple[SourceFile, ...]) -> str:
    digest = hashlib.blake2b(language.encode(), digest_size=16)
    for file in files:
        text = canonical_python(file.text) if file.path.endswith(".py") else file.text
        digest.update(f"\0{file.path}\0{text}".encode(errors="surrogatepass"))
        if "\0" in text or "\0" in file.path:
            # A file that spells out our own separator must not pass for several files.
            digest.update(f"\0{len(file.path)}\0{len(text)}".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def canonical_python(text: str) -> str:
    """Return ``text`` without comments, docstrings and layout; as it is where it does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    try:
        return ast.unparse(tree)
    except RecursionError:
        return text


class Cost(Frozen):
    """What a judging consumed."""

    cpu_s: float = 0.0
    """CPU seconds of the judge and the candidate together."""
    wall_s: float = 0.0
    decisions: int = 0
    """Answers the candidate gave."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            cpu_s=self.cpu_s + other.cpu_s,
            wall_s=self.wall_s + other.wall_s,
            decisions=self.decisions + other.decisions,
        )


class Measurement(Frozen):
    """One judging on one workload."""

    workload: str
    objective: float = Field(allow_inf_nan=False)
    """In the problem's objective unit."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """Further figures. Those called ``cpu_s`` or ``wall_s`` (or ending so) are times: they vary and decide nothing."""
    descriptors: dict[str, float] = Field(default_factory=dict)
    feedback: str = ""
    """What an inventor should know about this run: untrusted as instruction, quoted as data."""
    trace: tuple[str, ...] = ()
    """What happened in this run, an event a line, the most telling first: shown where this workload is the design's
    worst. Cut to ``TRACE_LINES`` lines of ``TRACE_CHARACTERS`` characters; untrusted like ``feedback``."""
    cost: Cost = Cost()

    @field_validator("trace", mode="before")
    @classmethod
    def _bounded(cls, told: Any) -> Any:
        if isinstance(told, list | tuple) and all(isinstance(line, str) for line in told):
            return tuple(" ".join(line.split())[:TRACE_CHARACTERS] for line in told[:TRACE_LINES])
        return told


def repeatable(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics that a second measuring of a deterministic problem must give again: all but times."""
    times = ("cpu_s", "wall_s")
    return {
        name: value
        for name, value in metrics.items()
        if name not in times and not name.endswith(tuple(f"_{time}" for time in times))
    }


class Censored(Frozen):
    """A measurement cut off by a deadline: all that is known is that it would have taken longer."""

    workload: str
    """Where it was cut off; empty before the first workload."""
    limit: str
    """Name of the field of ``Limits`` that was passed."""
    after_s: float
    """Seconds (of the limit's own clock) that were allowed."""


class Evaluation(Frozen):
    """The judge's word on one candidate over one set of workloads."""

    candidate: str
    """``Candidate.id``."""
    split: Split
    status: Status
    score: float | None = Field(default=None, allow_inf_nan=False)
    """The problem's aggregate over the measurements; None unless ``ok`` or reused (``duplicate``)."""
    descriptors: dict[str, float] = Field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    detail: str = ""
    """For a failure: what happened, in words a person or a model can act on (at most 4,000 characters)."""
    decision_hash: str | None = None
    """Hash of the answers to the probe; None where the probe was not reached."""
    duplicate_of: str | None = None
    """Candidate id whose evaluation was reused."""
    censored: Censored | None = None
    """Set where ``status`` is ``timeout``: what was cut off, and where."""
    labels: tuple[str, ...] = ()
    sandbox: str = ""
    cost: Cost = Cost()

    @model_validator(mode="after")
    def _score_only_when_judged(self) -> "Evaluation":
        if self.status is Status.OK and self.score is None:
            raise ValueError("an evaluation that is ok must carry a score")
        if self.status not in (Status.OK, Status.DUPLICATE) and self.score is not None:
            raise ValueError(f"an evaluation that is {self.status} must not carry a score")
        return self
