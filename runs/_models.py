"""The models of a run: from the command line or a file, with their prices; and as a file again."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from speciate.agent import ModelSettings, PriceTable, priced, shipped_prices
from speciate.evaluators import Frozen, SpeciateError

from ._settings import in_a_sentence


class ModelsFile(Frozen):
    """What the file of ``--models`` holds: a table ``[[model]]`` for each."""

    model: tuple[ModelSettings, ...] = Field(min_length=1)


Content = TypeVar("Content", ModelsFile, PriceTable)


def models_asked(
    names: Sequence[str], options: Mapping[str, Any], file: Path | None, prices: Path | None
) -> tuple[ModelSettings, ...]:
    """Return the models that the command line asks for, with the prices that are known for them.

    Args:
        names: of ``--model``.
        options: what holds for all of them: fields of ``ModelSettings``, None where it was not given.
        file: of ``--models``, which says everything of its models.
        prices: of ``--prices``, a table that comes before the one of Speciate.

    Raises:
        SpeciateError: a file that cannot be read, a value that cannot be, or both ways at once. A value is never
            repeated in the message where it might be a key.
    """
    given = {field: value for field, value in options.items() if value is not None}
    if file is not None and (names or given):
        raise SpeciateError("--models says all there is to say of its models: expected no --model nor an option of one")
    try:
        models = _read(file, ModelsFile).model if file else [ModelSettings(name=name, **given) for name in names]
    except ValidationError as error:
        raise SpeciateError(in_a_sentence(error)) from None
    tables = ([_read(prices, PriceTable)] if prices else []) + [shipped_prices()]
    return priced(models, tables)


def models_text(models: Sequence[ModelSettings]) -> str:
    """Return a file of ``--models`` that says the same as ``models``."""
    lines = []
    for model in models:
        told = model.model_dump(mode="json", exclude_defaults=True)
        operators = told.pop("operators", {})
        lines += ["[[model]]", *_fields(told), ""]
        for operator, sampling in operators.items():
            lines += [f"[model.operators.{_text(operator)}]", *_fields(sampling), ""]
    return "\n".join(lines)


def _fields(told: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_text(value)}" for name, value in told.items()]


def _text(value: object) -> str:
    """Return ``value`` as TOML has it: as JSON does, for text, numbers and lists of them."""
    return json.dumps(value, ensure_ascii=False)


def _read(path: Path, kind: type[Content]) -> Content:
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SpeciateError(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpeciateError(f"{path}: expected TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise SpeciateError(f"{path}: {where}: {first['msg']}") from None
