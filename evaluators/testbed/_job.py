"""What a steered replica serves, and what one of its iterations is."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(eq=False)
class Job:
    """One request. Lengths are tokens, times seconds of the clock that the scheduler is shown."""

    number: int
    prompt: int
    output: int
    """It ends with this many, whatever they say: the model's weights mean nothing."""
    predicted: int
    arrival_s: float
    promised: tuple[float, float]
    """Seconds to its first token, and for each token."""
    generated: int = 0
    cached: int = 0
    """Tokens whose keys and values are held, in ``blocks`` or on the host."""
    pending: int = 0
    """Tokens to be cached before the next one comes out; 0 while it decodes, and for a cache on the host."""
    blocks: list[int] = field(default_factory=list)
    host: list[int] = field(default_factory=list)
    """Blocks of the host's memory that hold its cache meanwhile."""
    rank: float = 0.0
    joined_s: float = -1.0
    """When it last joined."""
    joined_step: int = 0
    """The iteration from which on it decodes."""
    preemptions: int = 0
    admitted_s: float = -1.0
    """When it first joined."""
    token_s: list[float] = field(default_factory=list)
    """When each of its tokens came."""

    @property
    def left(self) -> int:
        """Tokens to compute before the next one comes out."""
        return self.pending - self.cached if self.pending else 0


@dataclass(frozen=True)
class Part:
    """A part of a prompt that one iteration computes: ``count`` tokens after the ``past`` ones cached before."""

    job: Job
    past: int
    count: int


class Copy(NamedTuple):
    """Blocks that go to the host's memory (``out``), or come back from there."""

    out: bool
    blocks: list[int]
    host: list[int]


class SteeredPlan(NamedTuple):
    """One iteration: copies in their order, then all that decode, and parts of prompts."""

    copies: tuple[Copy, ...]
    decodes: tuple[Job, ...]
    chunks: tuple[Part, ...]

    @property
    def tokens(self) -> int:
        """Tokens that it computes."""
        return len(self.decodes) + sum(part.count for part in self.chunks)

    def order(self) -> dict[str, Any]:
        """Return what its replica is sent: plain data."""
        return {
            "copies": self.copies,
            "decodes": [(job.number, job.cached, job.blocks) for job in self.decodes],
            "chunks": [(part.job.number, part.past, part.count, part.job.blocks) for part in self.chunks],
        }
