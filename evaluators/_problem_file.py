"""``problem.toml``: its keys, and what a user is told about a wrong one."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from ._contract import Frozen, Scalar, Split, Workload
from ._errors import ProblemError
from ._problem import Descriptor, Limits, Objective
from ._room import check_path

ALWAYS_THERE = ("cpu_s", "wall_s", "source_bytes")
"""Metrics that the judge takes itself: CPU and wall seconds of the whole command, bytes of the candidate's files."""
_OWN_NAMES = ("candidate", "folder", "workload", "split", "seed", "repetition")


class WorkloadRow(Frozen):
    """One ``[[workloads]]``: an instance, or one for each of its seeds."""

    split: Literal["train", "validation", "heldout"]
    seed: int = 0
    seeds: tuple[int, ...] = ()
    """Instead of ``seed``: several instances that differ in nothing else."""
    name: str = ""
    """Unique; with several seeds, ``/seedN`` comes after it. Empty: split and seed."""
    params: dict[str, Scalar] = Field(default_factory=dict)
    """Placeholders of the command beside the ones that are always there."""

    @field_validator("params")
    @classmethod
    def _names_are_free(cls, value: dict[str, Scalar]) -> dict[str, Scalar]:
        for name in value:
            if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or name in _OWN_NAMES:
                raise ValueError(f"expected names of small letters other than {', '.join(_OWN_NAMES)}, got {name!r}")
        return value

    def instances(self) -> list[Workload]:
        """Return the workloads of the row."""
        split: Split = self.split
        named = self.name or split
        found = [Workload(name=f"{named}/seed{s}", split=split, seed=s, params=self.params) for s in self.seeds]
        alone = Workload(name=self.name or f"{split}/seed{self.seed}", split=split, seed=self.seed, params=self.params)
        return found or [alone]


class ProblemFile(Frozen):
    """All keys of a ``problem.toml``."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    """kebab-case."""
    title: str
    family: str = ""
    version: str = "1"
    """Raise it when the benchmark changes: results of another version are not compared."""
    command: str | tuple[str, ...]
    """Run in the problem's folder: one string split as a shell would, or a list of words. No shell runs it."""
    seed: str = "seed.py"
    """File that the search starts from."""
    entry: str = "candidate.py"
    """Name that the candidate's file has when the command runs."""
    language: str = "python"
    noisy: bool = False
    """Whether the same candidate may measure differently the next time (times usually do)."""
    bound: float | None = Field(default=None, allow_inf_nan=False)
    """A proven limit that no objective can pass. Passing it is an alarm."""
    packages: bool = False
    """Whether NumPy is there for Python."""
    processes: int = Field(default=64, ge=1, le=4096)
    objective: Objective
    objectives: tuple[Objective, ...] = ()
    """Further metrics to be good in: the report shows the designs that no other one beats in all of them."""
    descriptors: tuple[Descriptor, ...] = Field(min_length=1)
    """Metrics that make designs different in kind; ``cpu_s``, ``wall_s`` and ``source_bytes`` are always there."""
    patterns: dict[str, str] = Field(default_factory=dict)
    """Regular expressions with one group, by metric; without any, stdout's last line is a JSON object."""
    limits: Limits = Limits()
    workloads: tuple[WorkloadRow, ...] = Field(min_length=1)

    @field_validator("entry", "seed")
    @classmethod
    def _paths_are_below(cls, value: str) -> str:
        check_path(value)
        return value

    @field_validator("command")
    @classmethod
    def _says_something(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        words = shlex.split(value) if isinstance(value, str) else value
        if not words or not words[0]:
            raise ValueError("expected a command to run, got an empty one")
        return value

    @field_validator("patterns")
    @classmethod
    def _patterns_have_one_group(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{name}: expected a regular expression, got {pattern!r}: {error}") from None
            if groups != 1:
                raise ValueError(f"{name}: expected a pattern with one group, got {groups} in {pattern!r}")
        return value

    @model_validator(mode="after")
    def _metrics_are_there(self) -> "ProblemFile":
        known = {*self.patterns, *ALWAYS_THERE}
        objectives = [each.name for each in (self.objective, *self.objectives)]
        wanted = [*objectives, *(axis.name for axis in self.descriptors)]
        missing = [name for name in wanted if name not in known]
        if self.patterns and missing:
            raise ValueError(f"patterns: expected one for each of {', '.join(missing)}, got {', '.join(self.patterns)}")
        return self


def read_problem_file(file: Path) -> ProblemFile:
    """Parse ``file``. Raises ProblemError that names the key, what was expected and what came."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"{file}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProblemError(f"{file}: expected TOML, got an error in it: {error}") from error
    try:
        return ProblemFile.model_validate(data)
    except ValidationError as error:
        told = "; ".join(_in_words(dict(each)) for each in error.errors()[:5])
        raise ProblemError(f"{file}: {told}") from None


def _in_words(error: dict[str, Any]) -> str:
    place = [part for part in error["loc"] if part not in ("str", "tuple[str, ...]")]
    key = ".".join(str(part) for part in place)
    if error["type"] == "missing":
        return f"{key}: expected a value, it is missing"
    if error["type"] == "extra_forbidden":
        return f"{key}: not a key; expected one of {', '.join(_keys(place[:-1]))}"
    said = str(error["msg"])
    if error["type"] == "value_error":
        told = said.removeprefix("Value error, ")
        return f"{key}: {told}" if key else told
    expected = said.replace("Input should be ", "").replace("String should ", "a string that should ")
    return f"{key}: expected {expected}, got {str(error['input'])[:200]!r}"


def _keys(place: list[Any]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "objective": Objective,
        "objectives": Objective,
        "descriptors": Descriptor,
        "limits": Limits,
        "workloads": WorkloadRow,
    }
    return sorted((tables[str(place[0])] if place else ProblemFile).model_fields)
