"""Tables of prices: the dated one that comes with Speciate, and the user's own."""

import datetime
import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from speciate.evaluators._contract import Frozen

from ._client import base_url_of
from ._settings import ModelSettings, check_rising

KINDS = ("input", "cached_input", "cache_write", "output")


class Price(Frozen):
    """What one model costs, in US dollars per million tokens."""

    model: str
    host: str | None = None
    """Of the endpoint that charges it; None charges it everywhere."""
    input: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    cache_write: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        check_rising(self.cached_input, self.input, self.cache_write)
        return self


class PriceTable(Frozen):
    """Prices as they stood on one day."""

    as_of: datetime.date
    price: tuple[Price, ...]


def shipped_prices() -> PriceTable:
    """Return the table that comes with Speciate."""
    text = (files("speciate.agent") / "prices.toml").read_text(encoding="utf-8")
    return PriceTable.model_validate(tomllib.loads(text))


def priced(
    models: Sequence[ModelSettings], tables: Sequence[PriceTable], environ: Mapping[str, str] = os.environ
) -> tuple[ModelSettings, ...]:
    """Return ``models``, those that came without any price with that of the first table that has one for them.

    Args:
        models: as the user gave them.
        tables: the user's own first.
        environ: where the default endpoint may be named.

    Raises:
        ModelError: a model's URL is unusable.
    """
    return tuple(_priced(model, tables, environ) for model in models)


def _priced(model: ModelSettings, tables: Sequence[PriceTable], environ: Mapping[str, str]) -> ModelSettings:
    if any(getattr(model, f"usd_per_million_{kind}") is not None for kind in KINDS):
        return model
    host = urlsplit(base_url_of(model, environ)).hostname
    for table in tables:
        for price in table.price:
            if price.model == model.name and price.host in (None, host):
                found = {f"usd_per_million_{kind}": getattr(price, kind) for kind in KINDS}
                return model.model_copy(update={**found, "priced_on": table.as_of.isoformat()})
    return model
