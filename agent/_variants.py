"""Variants of the prompt: how much an author is shown, and how it is asked to begin."""

from typing import NamedTuple


class Variant(NamedTuple):
    """One way to ask for a design."""

    name: str
    inspirations: int
    """Other elites that are shown, where there are so many."""
    detailed: bool
    """Whether all that was measured is shown, or only how the parent stands and its worst workload."""
    mechanism: bool = False
    """Whether the author first says which effect costs the most, and by which lines."""


FULL = Variant("full", inspirations=2, detailed=True)
VARIANTS = {
    each.name: each
    for each in (
        FULL,
        Variant("lean", inspirations=0, detailed=False),
        Variant("mechanism", inspirations=2, detailed=True, mechanism=True),
    )
}
"""By name, as in ``Draw.variant``. ``lean`` costs about half as many prompt tokens as the others."""


def variant_of(name: str) -> Variant:
    """Return a variant by the name that a ticket was drawn with; an empty one is ``full``."""
    return VARIANTS.get(name, FULL)
