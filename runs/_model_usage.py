"""What each model of a run was asked, used and cost, in words and as the cells of a table."""

from collections.abc import Mapping

from speciate.agent import ModelSettings, ModelUsage

from ._numbers import dollars

USAGE_HEADER = (
    *("model", "requests", "failed", "in doubt", "prompt tokens", "cached", "completion tokens", "reasoning"),
    *("no usage", "cost", "charged"),
)
"""``charged`` is what counts against the budget: the cost where it is known, else what was reserved."""


def usage_cells(models: Mapping[str, ModelUsage]) -> list[tuple[str, ...]]:
    """Return a row for each model under ``USAGE_HEADER``; sums over the replies that state their usage."""
    return [
        (
            name,
            str(usage.requests),
            str(usage.failed),
            str(usage.in_doubt),
            f"{usage.prompt_tokens:,}",
            f"{usage.cached_tokens:,}",
            f"{usage.completion_tokens:,}",
            f"{usage.reasoning_tokens:,}",
            str(usage.usage_unknown),
            dollars(None if usage.usd_unknown else usage.usd),
            dollars(usage.charged_usd),
        )
        for name, usage in models.items()
    ]


def price_words(model: ModelSettings) -> str:
    """Return the prices of ``model`` in words, and where they are from."""
    told = [
        (model.usd_per_million_input, "input"),
        (model.usd_per_million_cached_input, "cached input"),
        (model.usd_per_million_cache_write, "cache writes"),
        (model.usd_per_million_output, "output"),
    ]
    known = ", ".join(f"{usd:g} for {kind}" for usd, kind in told if usd is not None)
    if not known:
        return "price unknown"
    source = f"the table of {model.priced_on}" if model.priced_on else "as given"
    return f"USD per million tokens: {known} ({source})"
