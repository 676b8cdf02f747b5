"""The input of an offload simulation: which experts each step wants of each layer, and what was guessed of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._cluster import Floats

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gates:
    """What a mixture's gates choose, step by step and layer by layer."""

    wanted: Bools
    """Shape (steps, layers, experts): the experts that any token of the step is sent to."""
    guess: Floats
    """Shape (ahead, steps, layers, experts), in [0, 1]: guessed probability that an expert will be wanted, made while
    the layer just before (first), two before (second) and so on is served."""

    def __post_init__(self) -> None:
        wanted, guess = np.asarray(self.wanted), np.asarray(self.guess, dtype=np.float64)
        if wanted.ndim != 3 or 0 in wanted.shape or wanted.dtype != np.bool_:
            raise ValueError(
                f"expected wanted of shape (steps, layers, experts), none of them 0, of bools, got {wanted.shape} of "
                f"{wanted.dtype}"
            )
        if guess.ndim != 4 or not 1 <= len(guess) <= wanted.shape[1] or guess.shape[1:] != wanted.shape:
            raise ValueError(
                f"expected guess of shape (ahead, {', '.join(map(str, wanted.shape))}) with 1 <= ahead <= layers, got "
                f"{guess.shape}"
            )
        for rule, wrong in (
            ("an expert that is wanted", np.argwhere(~wanted.any(axis=2))),
            ("guesses in [0, 1]", np.argwhere(~((guess >= 0.0) & (guess <= 1.0)).all(axis=(0, 3)))),
        ):
            if len(wrong):
                step, layer = wrong[0]
                raise ValueError(f"step {step}, layer {layer}: expected {rule}")

    @property
    def most(self) -> int:
        """Experts that one layer wants at once, at most."""
        return int(self.wanted.sum(axis=2).max())


@dataclass(frozen=True)
class Offload:
    """A device that holds some of the experts, and the link over which it fetches the others, one at a time."""

    slots: int
    """Experts of all layers that fit."""
    fetch_s: float
    """Seconds to fetch one."""
    attention_s: float
    """Seconds of a layer before it is known which experts it wants."""
    expert_s: float
    """Seconds of one expert that is wanted, whatever the number of its tokens."""

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise ValueError(f"expected slots >= 1, got {self.slots}")
        for name in ("fetch_s", "attention_s", "expert_s"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"expected {name} to be finite and >= 0, got {getattr(self, name)}")
        if self.attention_s + self.expert_s <= 0.0:
            raise ValueError("expected a layer that takes time, got attention_s = expert_s = 0")

    def compute_s(self, gates: Gates) -> float:
        """Return the seconds that all steps take where every expert is on the device."""
        steps, layers, _ = gates.wanted.shape
        return float(steps * layers * self.attention_s + gates.wanted.sum() * self.expert_s)
