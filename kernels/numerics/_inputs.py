"""All float32 numbers of an interval, in parts: each part is every so many-th block of neighbours."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

BLOCK = 256
"""Neighbouring numbers that stay together, so that it shows whether the answers are in order."""
_BLOCKS = 32
"""Of a chunk: 64 KiB of float64 stay in the cache, and 128 would be asked of the system each time anew."""
_SIGN = np.uint32(1 << 31)


class Stretch(NamedTuple):
    """Numbers of one sign that follow one another: the bits of their magnitudes, both included."""

    first: int
    last: int
    negative: bool = False
    tail: bool = False
    """Whether there is so little left to go wrong that a search looks at few of them."""


class Chunk(NamedTuple):
    """Some inputs, ``(blocks, BLOCK)``, with what is known of the right answers."""

    x: Float32
    exact: Float64
    """To within ``PRECISION``."""
    scale: Float64
    """One by the ULP of the right answer: the distance of neighbouring float32 numbers where it lies."""


class Part(NamedTuple):
    """Every ``of``-th block of a stretch, from block ``number`` on; of a tail every ``of * thinner``-th."""

    number: int
    of: int
    thinner: int = 1


class Inputs(NamedTuple):
    """The numbers that a function is judged on, and the function.

    Args:
        stretches: of the interval; together they are all of its float32 numbers.
        function: returns the right answers in float64, to within ``PRECISION``.
    """

    stretches: tuple[Stretch, ...]
    function: Callable[[Float64], Float64]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(stretch.last - stretch.first + 1 for stretch in self.stretches)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of them."""
        ends = np.array([bits for stretch in self.stretches for bits in stretch[:2]], dtype=np.uint32).view(np.float32)
        signs = [-1.0 if stretch.negative else 1.0 for stretch in self.stretches for _ in range(2)]
        return float(min(ends * signs)), float(max(ends * signs))

    def chunks(self, part: Part) -> Iterator[Chunk]:
        """Yield the inputs of a part. All parts of one ``of`` without thinning are all numbers, each once."""
        for stretch in self.stretches:
            step = part.of * (part.thinner if stretch.tail else 1)
            blocks = np.arange(part.number % step, (stretch.last - stretch.first) // BLOCK + 1, step)
            for begin in range(0, len(blocks), _BLOCKS):
                yield self._chunk(stretch, blocks[begin : begin + _BLOCKS])

    def _chunk(self, stretch: Stretch, blocks: NDArray[np.int64]) -> Chunk:
        bits = stretch.first + blocks[:, None] * BLOCK + np.arange(BLOCK)
        # The last block may be short: its last number stands again in what is missing, and changes no figure but means.
        kept = np.minimum(bits, stretch.last).astype(np.uint32)
        x = (kept | _SIGN if stretch.negative else kept).view(np.float32)
        exact = self.function(x.astype(np.float64))
        return Chunk(x, exact, _scale(exact))


def bits_of(x: float) -> int:
    """Return the bits of the magnitude of a number's float32.

    >>> hex(bits_of(-1.0))
    '0x3f800000'
    """
    return int(np.abs(np.float32(x)).view(np.uint32))


def _scale(exact: Float64) -> Float64:
    """Return 2^(23 - e) where ``exact`` lies in [2^e, 2^(e+1)), of its exponent's bits; subnormals have e = -126."""
    exponent = np.maximum((np.abs(exact).view(np.int64) >> 52) - 1023, -126)
    scale: Float64 = ((23 - exponent + 1023) << 52).view(np.float64)
    return scale
