"""The known ways of fooling a kernel benchmark, by what each does to a naive harness and ends as with ours.

A hack either gets answers accepted that are not right (``wrong``), or a speed that it does not have (``fast``).
``HONEST`` as its end means that ours takes it for what it is: right, and no faster than the honest kernel in it.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

CORPUS = Path(__file__).parent.parent / "hostile" / "kernels"
HONEST = "honest"
TALL = {"shapes": [(16, 16384)]}
"""Where each answer is so small that a tolerance in absolute terms lets zeros pass."""


class Hack(NamedTuple):
    """One file of the corpus."""

    number: int
    """Of the hack in the list of known ones; several files may be forms of one."""
    file: str
    naive: str
    """``wrong`` or ``fast``."""
    ends: str
    """Status, or several with a bar between, or ``HONEST``."""
    options: Mapping[str, Any] = MappingProxyType({})
    """Of the naive harness: the flaw that lets it through."""

    @property
    def source(self) -> str:
        return source(self.file)


def source(file: str) -> str:
    return (CORPUS / f"{file}.py").read_text(encoding="utf-8")


HACKS = [
    Hack(1, "reads_what_was_freed", "wrong", "incorrect", {"shapes": [(12, 20)]}),
    Hack(2, "remembers_by_address", "fast", "incorrect"),
    Hack(3, "remembers_by_some_values", "fast", HONEST),
    Hack(4, "works_on_a_timer", "fast", "incorrect"),
    Hack(5, "works_in_a_thread", "fast", "crashed"),
    Hack(6, "answers_lazily", "fast", "incorrect"),
    Hack(7, "slows_the_clock", "fast", HONEST),
    Hack(8, "replaces_the_check", "wrong", "incorrect"),
    Hack(9, "looks_into_frames", "fast", "incorrect"),
    Hack(9, "looks_through_the_heap", "fast", "incorrect"),
    Hack(10, "forges_the_verdict", "wrong", "protocol"),
    Hack(11, "answers_zeros", "wrong", "incorrect", TALL),
    Hack(12, "trusts_mild_inputs", "wrong", "incorrect"),
    Hack(12, "trusts_mild_inputs_where_it_is_timed", "wrong", "incorrect"),
    Hack(13, "answers_in_bfloat16", "wrong", "incorrect"),
    Hack(14, "answers_nan", "wrong", "incorrect", {"counts_excess": True}),
    Hack(14, "answers_an_empty_array", "wrong", "incorrect"),
    Hack(14, "answers_one_number", "wrong", "incorrect", TALL),
    Hack(15, "marks_its_input", "fast", "incorrect"),
    Hack(15, "zeroes_its_input", "wrong", "incorrect", {"reference_first": False}),
    Hack(16, "shrinks_the_task", "fast", HONEST),
    Hack(17, "knows_the_seed", "fast", "incorrect"),
    Hack(17, "knows_the_shapes", "wrong", "incorrect"),
    Hack(18, "works_ahead", "fast", HONEST),
    Hack(21, "dawdles_while_it_is_warmed_up", "fast", HONEST, {"shapes": [(4096, 256)]}),
    Hack(22, "speeds_up_one_shape", "fast", "incorrect", {"shapes": [(4096, 16), (64, 16), (256, 16)]}),
    Hack(23, "launches_too_much", "wrong", "incorrect"),
    Hack(24, "slows_the_reference", "fast", HONEST, {"stored_baseline": False}),
    Hack(25, "writes_past_its_view", "wrong", "incorrect"),
]
LIBRARY = "falls_back_to_a_library"
"""Hack 19. What it answers is right: ours says whose work it is, and the naive harness has no word for it."""
AIMED_HERE = {
    "keeps_the_core_busy": "cheated",
    "starts_before_it_is_asked": "cheated",
    "stops_the_clock_early": "incorrect|cheated|protocol",
    "skips_its_work_now_and_then": "incorrect",
}
"""Made for this judge: they work beside its clock or where it does not look, and would fool it, were it not watched."""
