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


UNKNOWN = Usage()
NOTHING = Usage(0, 0, 0)
"""Of a request that certainly was not worked on."""


def cost_usd(model: ModelSettings, usage: Usage) -> float | None:
    """Return US dollars for ``usage``, or None where the price or the usage is unknown.

    Cached prompt tokens are charged in full: an upper bound, since servers discount them differently.
    """
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    if (usage.prompt_tokens, usage.completion_tokens) == (0, 0):
        return 0.0
    if model.usd_per_million_input is None or model.usd_per_million_output is None:
        return None
    return (
        usage.prompt_tokens * model.usd_per_million_input
        + usage.completion_tokens * model.usd_per_million_output
    ) / MILLION


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
                "give --price-in and --price-out (US dollars per million tokens; 0 for a model of your own), "
                "or limit the run by --tokens instead of --usd"
            )
