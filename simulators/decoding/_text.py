"""The input of a simulation: sequences, and for each of their tokens what the drafter would have made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """One sequence to decode. Both arrays have shape (tokens,).

    That a token's rank does not depend on how it is drafted makes designs comparable token by token.
    """

    rank: Ints
    """Place of the true token in the drafter's order of likelihood: at 0 its first choice is accepted."""
    confidence: Floats
    """What the drafter says is the probability of its first choice, in [0, 1]."""

    def __len__(self) -> int:
        return len(self.rank)


@dataclass(frozen=True)
class Wave:
    """Sequences that are decoded together, at most ``slots`` at a time, begun in order."""

    slots: int
    texts: Sequence[Text]


def require_waves(waves: Sequence[Wave]) -> None:
    """Raise ValueError, naming wave, sequence and token, for what cannot be decoded."""
    if not waves:
        raise ValueError("expected one or more waves, got none")
    for number, wave in enumerate(waves):
        if wave.slots < 1 or not wave.texts:
            raise ValueError(
                f"wave {number}: expected slots >= 1 and one or more sequences, got {wave.slots}, {len(wave.texts)}"
            )
        for index, text in enumerate(wave.texts):
            _require(text, f"wave {number}, sequence {index}")


def _require(text: Text, where: str) -> None:
    rank, confidence = np.asarray(text.rank), np.asarray(text.confidence)
    if rank.ndim != 1 or not len(rank) or rank.shape != confidence.shape:
        raise ValueError(
            f"{where}: expected rank and confidence of one shape (n,) with n >= 1, got {rank.shape}, {confidence.shape}"
        )
    if not np.issubdtype(rank.dtype, np.integer) or rank.min() < 0:
        raise ValueError(f"{where}, token {int(rank.argmin())}: expected an integer rank >= 0, got {rank.min()}")
    wrong = np.flatnonzero(~((confidence >= 0.0) & (confidence <= 1.0)))
    if len(wrong):
        raise ValueError(f"{where}, token {wrong[0]}: expected confidence in [0, 1], got {confidence[wrong[0]]}")
