"""What tokens cost. Prices are the user's own; an unknown price is None and is never taken for 0."""

from typing import NamedTuple

from speciate.evaluators import SpeciateError

from ._settings import ModelSettings, RunSettings

MILLION = 1_000_000


class Usage(NamedTuple):
    """Tokens of one completion as the server states them; None where it does not."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Those of the prompt tokens that came from the server's cache."""
    cache_write_tokens: int | None = None
    """Those of the prompt tokens that the server put into its cache."""
    reasoning_tokens: int | None = None
    """Those of the completion tokens that nobody is shown."""

    @property
    def tokens(self) -> int | None:
        """Prompt and completion tokens together."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return self.prompt_tokens + self.completion_tokens


UNKNOWN = Usage()
NOTHING = Usage(0, 0, 0, 0, 0)
"""Of a request that certainly was not worked on."""


def cost_usd(model: ModelSettings, usage: Usage) -> float | None:
    """Return US dollars for ``usage``, or None where the price or the usage is unknown.

    An upper bound where the server does not say what its cache did: nothing was read from it, and all was written.
    """
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    if (usage.prompt_tokens, usage.completion_tokens) == (0, 0):
        return 0.0
    full, output = model.usd_per_million_input, model.usd_per_million_output
    if full is None or output is None:
        return None
    read = min(usage.cached_tokens or 0, usage.prompt_tokens)
    rest = usage.prompt_tokens - read
    written = rest if usage.cache_write_tokens is None else min(usage.cache_write_tokens, rest)
    cached, write = _or(model.usd_per_million_cached_input, full), _or(model.usd_per_million_cache_write, full)
    prompt = (rest - written) * full + read * cached + written * write
    return (prompt + usage.completion_tokens * output) / MILLION


def _or(price: float | None, other: float) -> float:
    return other if price is None else price


def require_prices(settings: RunSettings) -> None:
    """Check that a dollar budget can be kept.

    Raises:
        SpeciateError: ``settings.budget.usd`` is set and a model has no price.
    """
    if settings.budget.usd is None:
        return
    for model in settings.models:
        if model.usd_per_million_input is None or model.usd_per_million_output is None:
            raise SpeciateError(
                f"a budget in dollars needs the price of every model, and that of {model.name!r} is unknown: "
                "give --price-in and --price-out (US dollars per million tokens; 0 for a model of your own) or "
                "a table with --prices, or limit the run by --tokens instead of --usd"
            )
