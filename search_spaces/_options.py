"""From ``--option key=value`` to a problem's options, and an error that names the one that is wrong."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from speciate.evaluators import Frozen, ProblemError

Options = TypeVar("Options", bound=Frozen)


def parsed(model: type[Options], options: Mapping[str, str], problem: str) -> Options:
    """Return the options of ``problem`` as its ``model``. Raises ProblemError naming the first one that is wrong."""
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields) or "none"
        raise ProblemError(
            f"{problem}, option {name!r}: {first['msg']} (got {first['input']!r}); options are: {known}"
        ) from error
