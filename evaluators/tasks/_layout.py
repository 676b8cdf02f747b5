"""From the cases of a foreign task to the buffers and sizes of one kernel, and to what its worker is told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..kernel import Buffer
from ..kernel._interface import DType
from ._facts import Tensor
from ._literals import SMALLEST
from ._task import KernelTask, Sample

_TAKEN = frozenset(
    {
        *("auto", "bool", "case", "char", "const", "default", "delete", "do", "double", "enum", "extern", "float"),
        *("goto", "int", "long", "mutable", "new", "operator", "private", "public", "register", "short", "signed"),
        *("static", "struct", "switch", "template", "this", "throw", "typename", "union", "unsigned", "using"),
        *("virtual", "void"),
    }
)
"""Words that C++ keeps for itself."""


class Layout(NamedTuple):
    """The kernel that stands for a task."""

    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    sizes: tuple[str, ...]
    contract: dict[str, Any]
    """What the worker of a candidate is told; see ``_foreign.Foreign``."""
    order: tuple[int, ...]
    """Of each input buffer: its place among what ``drawn`` gives."""
    cases: tuple[tuple[dict[str, int], Sample], ...]
    """Sizes, and the case that has them; no two alike."""


def layout_of(task: KernelTask, samples: Sequence[Sample]) -> Layout:
    """Return the layout that all ``samples`` fit, which are alike but for whole numbers."""
    return _Making(task, samples).layout()


class _Making:
    def __init__(self, task: KernelTask, samples: Sequence[Sample]):
        self._task = task
        self._samples = samples
        self._facts = samples[0].facts
        self._names: set[str] = set(_TAKEN)
        self._columns: dict[tuple[int, ...], str] = {}
        self._used: dict[str, tuple[int, ...]] = {}
        for name in samples[0].numbers:
            column = tuple(each.numbers.get(name, 0) for each in samples)
            if column not in self._columns and (len(set(column)) > 1 or column[0] >= SMALLEST):
                self._columns[column] = self._named(name)

    def layout(self) -> Layout:
        facts = self._facts
        inputs: list[Buffer] = []
        order: list[int] = []
        held = {i: j for i, j, _ in facts.written}
        read = {i for i, _, heeded in facts.written if heeded}
        leaves: dict[int, list[Any]] = {}
        labels = dict(self._labels(facts.args, facts.names))
        after = {i: f"{label}_after" if i in read else label for i, label in labels.items()}
        answers = self._answers(held, after)
        outputs = [self._buffer(answers[j], "outputs", j, "float32") for j in range(len(facts.outputs))]
        for i in range(len(facts.tensors)):
            if i in held and i not in read:
                leaves[i] = ["o", held[i]]
                continue
            leaves[i] = ["c", len(inputs), held[i]] if i in held else ["b", len(inputs)]
            inputs.append(self._buffer(self._named(labels[i]), "tensors", i))
            order.append(i)
        state = [(each.name, len(inputs) + k) for k, each in enumerate(facts.state)]
        for k, each in enumerate(facts.state):
            inputs.append(self._buffer(self._named(each.name), "state", k))
            order.append(len(facts.tensors) + k)
        every = (*(facts.tensors[i] for i in order if i < len(facts.tensors)), *facts.state, *facts.outputs)
        contract = {
            "style": self._task.style,
            "entry": self._task.entry,
            "modules": dict(self._task.modules),
            "args": self._tree([each.facts.args for each in self._samples], leaves),
            "init": self._tree([each.facts.init for each in self._samples], leaves),
            "state": state,
            "returns": list(facts.returns),
            "outputs": len(outputs),
            "in_place": self._task.style == "destination" or set(held.values()) == set(range(len(outputs))),
            "bools": [k for k, each in enumerate(every) if each.dtype == "bool"],
            "halves": {k: each.dtype for k, each in enumerate(every) if each.dtype in ("float16", "bfloat16")},
            "single": [k for k, each in enumerate(every) if not each.shape],
        }
        if not self._used:
            self._dimension(tuple(each.facts.outputs[0].shape[-1] for each in self._samples), always=True)
        return Layout(tuple(inputs), tuple(outputs), tuple(self._used), contract, tuple(order), self._cases())

    def _cases(self) -> tuple[tuple[dict[str, int], Sample], ...]:
        found: dict[tuple[int, ...], tuple[dict[str, int], Sample]] = {}
        for k, sample in enumerate(self._samples):
            sizes = {name: column[k] for name, column in self._used.items()}
            found.setdefault(tuple(sizes.values()), (sizes, sample))
        return tuple(found.values())

    def _answers(self, held: Mapping[int, int], labels: Mapping[int, str]) -> list[str]:
        """Return the outputs' names: that of the input that holds it, or ``out``."""
        count = len(self._facts.outputs)
        known = {j: labels[i] for i, j in held.items()}
        return [self._named(known.get(j, "out" if count == 1 else f"out_{j}")) for j in range(count)]

    def _buffer(self, name: str, kind: str, k: int, half: DType = "uint16") -> Buffer:
        tensors: list[Tensor] = [getattr(each.facts, kind)[k] for each in self._samples]
        shape = [self._dimension(column) for column in zip(*(each.shape for each in tensors), strict=True)]
        told = tensors[0].dtype
        about = {"bool": "0 or 1", "float16": told, "bfloat16": told}.get(told, "")
        dtype = {"bool": "uint8", "float16": half, "bfloat16": half}.get(told, told)
        return Buffer.model_validate({"name": name, "shape": tuple(shape) or (1,), "dtype": dtype, "about": about})

    def _dimension(self, column: tuple[int, ...], *, always: bool = False) -> int | str:
        name = self._columns.get(column)
        if name is None:
            if len(set(column)) == 1 and not always:
                return column[0]
            name = self._columns[column] = self._named(f"n{len(self._used)}")
        self._used[name] = column
        return name

    def _tree(self, trees: Sequence[Any], leaves: Mapping[int, list[Any]]) -> list[Any]:
        tag, content = trees[0]
        if tag == "t":
            return leaves[content]
        if tag in ("l", "u"):
            return [tag, [self._tree(each, leaves) for each in zip(*(tree[1] for tree in trees), strict=True)]]
        if tag == "d":
            pairs = zip(*(tree[1] for tree in trees), strict=True)
            return [tag, [[each[0][0], self._tree([pair[1] for pair in each], leaves)] for each in pairs]]
        if tag == "v" and type(content) is int and len({tree[1] for tree in trees}) > 1:
            return ["s", self._dimension(tuple(tree[1] for tree in trees))]
        return [tag, content]

    def _labels(self, args: Any, names: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Give a name for each tensor of the call, by the parameter that it is in."""
        for k, tree in enumerate(args[1]):
            label = names[k] if k < len(names) else f"x{k}"
            inside = list(_tensors(tree))
            for n, i in enumerate(inside):
                yield i, label if len(inside) == 1 else f"{label}_{n}"

    def _named(self, wanted: str) -> str:
        """Return a name of small letters that nothing else has."""
        word = re.sub(r"[^a-z0-9_]+", "_", wanted.lower())
        word = word if word[:1].isalpha() else f"x{word}"
        name = next(each for each in (word, *(f"{word}_{n}" for n in range(2, 1000))) if each not in self._names)
        self._names.add(name)
        return name


def _tensors(tree: Any) -> Iterator[int]:
    tag, content = tree
    if tag == "t":
        yield content
    elif tag in ("l", "u"):
        for each in content:
            yield from _tensors(each)
    elif tag == "d":
        for _, each in content:
            yield from _tensors(each)
