"""What is compared: ways to search, and pairs of them that differ in one thing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from speciate.agent import RunSettings
from speciate.agent._llm_operators import ON_REQUEST
from speciate.evaluators import ProblemRef


@dataclass(frozen=True)
class Arm:
    """One way to search."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the run. What a row depends on is said here even where it is the default: that may change."""
    author: str = "genetic"
    """Who writes: a name of ``authors.AUTHORS`` or ``points.AUTHORS``, or a proposer without models."""

    @cached_property
    def told(self) -> str:
        """All that a row depends on, but for world and seed."""
        return json.dumps({"settings": self.settings, "author": self.author}, sort_keys=True)

    @cached_property
    def key(self) -> str:
        """By which a row names its arm."""
        return hashlib.blake2b(self.told.encode(), digest_size=6).hexdigest()

    def run_settings(self, world: str, seed: int, **told: Any) -> RunSettings:
        """Return the settings of a run of this arm; ``told`` overrides the arm's own."""
        tree = {**self.settings, **told} if told else self.settings
        return RunSettings.model_validate({"problem": ProblemRef(name=world), "seed": seed, **tree})


@dataclass(frozen=True)
class Ablation:
    """A choice of the agent: the same search with it and without it."""

    name: str
    on: Arm
    off: Arm
    worlds: Sequence[str]

    @property
    def default(self) -> str:
        """``on`` or ``off``, whichever a run does unless it is told otherwise; ``-`` where it does neither."""
        usual, on, off = (arm.run_settings("none", 0) for arm in (Arm(), self.on, self.off))
        apart = [name for name in RunSettings.model_fields if getattr(on, name) != getattr(off, name)]
        if apart == ["operators"]:
            return "off" if ON_REQUEST.issuperset(set(on.operators) - set(off.operators)) else "on"
        for word, arm in (("on", on), ("off", off)):
            if all(getattr(arm, name) == getattr(usual, name) for name in apart):
                return word
        return "-"
