"""How many experts a batch touches, where every token chooses its own."""


def expected_distinct(experts: int, chosen: int, tokens: float) -> float:
    """Return the expected number of experts that ``tokens`` tokens touch, each choosing ``chosen`` at random.

    E (1 - (1 - k / E)^n): what a layer reads of its experts' weights in one step, under uniform routing.

    >>> expected_distinct(8, 2, 1)
    2.0

    Raises:
        ValueError: chosen is not in 1 to experts, or tokens is negative.
    """
    if not 1 <= chosen <= experts or tokens < 0:
        raise ValueError(f"expected 1 <= chosen <= experts and tokens >= 0, got {chosen=}, {experts=}, {tokens=}")
    untouched: float = (1.0 - chosen / experts) ** tokens
    return experts * (1.0 - untouched)
