"""Speculative decoding in batches: what a drafter's guesses are worth when sequences share passes of the target."""

from ._bounds import least_time
from ._closed_forms import (
    best_length,
    breaks_even,
    expected_tokens,
    expected_tokens_of_chains,
    expected_tokens_of_comb,
    parallel_speedup,
    speedup,
)
from ._engine import Engine
from ._sampling import acceptance_of, emitted
from ._steps import BATCH_FIELDS, LONGEST, SEQUENCE_FIELDS, WIDEST, DecisionError, Drafting, Outcome, simulate
from ._text import Floats, Ints, Text, Wave
from ._trees import best_tree_tokens

__all__ = [
    "BATCH_FIELDS",
    "LONGEST",
    "SEQUENCE_FIELDS",
    "WIDEST",
    "DecisionError",
    "Drafting",
    "Engine",
    "Floats",
    "Ints",
    "Outcome",
    "Text",
    "Wave",
    "acceptance_of",
    "best_length",
    "best_tree_tokens",
    "breaks_even",
    "emitted",
    "expected_tokens",
    "expected_tokens_of_chains",
    "expected_tokens_of_comb",
    "least_time",
    "parallel_speedup",
    "simulate",
    "speedup",
]
