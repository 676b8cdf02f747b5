"""The task's own side: what draws its inputs and answers what is right, in a sandbox. Sent as text after ``_drawing``.

Its messages name the task's ``form``, its ``sources`` and a ``case``; ``do`` is one of ``describe``, ``draw`` and
``answer``.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Sequence
    from typing import Any

    from .._worker import ANSWER, INVALID, OK, OOM, Fault, _control, _packed
    from ._drawing import FORMS, same
    from ._foreign import DTYPES, HALVES, flat, tensors_in, whole, without_cuda


class Call:
    """A drawn call, taken apart: its tensors, and the state of its model."""

    def __init__(self, message: dict[str, Any]):
        import torch

        self.drawn = FORMS[message["form"]](message["sources"], message["case"], message["seed"])
        self.tensors: list[Any] = []
        self.tree = flat(tuple(self.drawn.given), self.tensors)
        model = self.drawn.model
        self.state = [] if model is None else [*model.named_parameters(), *model.named_buffers()]
        self.parameters = 0 if model is None else len(list(model.named_parameters()))
        self._no_grad = torch.no_grad

    def answer(self, wide: bool = False, tensors: Sequence[Any] | None = None) -> list[Any]:
        """Return the answer's tensors, reckoned in float64 where ``wide``; ``tensors`` take the place of the inputs."""
        import copy

        taken = [each.clone() for each in (self.tensors if tensors is None else tensors)]
        function = self.drawn.answer
        if wide:
            taken = [each.double() if each.is_floating_point() else each for each in taken]
        if self.drawn.model is not None:
            function = copy.deepcopy(self.drawn.model)  # It may keep running statistics.
            function = function.double() if wide else function
        given = whole(self.tree, lambda leaf: taken[leaf[1]])
        with self._no_grad():
            result = list(tensors_in(function(*given)))
        self.after = taken
        return result

    def outputs(self, told: dict[str, Any], wide: bool) -> list[Any]:
        """Return the outputs in the order that ``describe`` told: answers first, then what is changed in place."""
        result = self.answer(wide)
        return [result[at] if kind == "answer" else self.after[at] for kind, at in told["sources_of"]]


def kind_of(tensor: Any, what: str) -> dict[str, Any]:
    """Return dtype and shape. Raises Fault for a tensor that no buffer can hold."""
    dtype = str(tensor.dtype).partition(".")[2]
    if dtype not in DTYPES or tensor.layout.__str__() != "torch.strided":
        raise Fault(INVALID, f"{what}: expected a dense tensor of {', '.join(DTYPES)}, got {dtype}")
    if tensor.numel() == 0:
        raise Fault(INVALID, f"{what}: expected elements, got shape {tuple(tensor.shape)}")
    return {"dtype": dtype, "shape": list(tensor.shape)}


def described(message: dict[str, Any]) -> dict[str, Any]:
    """Return all that the judge must know of a case: trees, shapes, places of outputs, what it costs.

    Raises Fault for a task that answers otherwise the second time, and whatever its own code raises.
    """
    call = Call(message)
    places = _places(call, message)
    outputs = [places.first[at] if kind == "answer" else call.after[at] for kind, at in places.sources]
    state = [
        {"name": name, **kind_of(each, name), "parameter": k < call.parameters}
        for k, (name, each) in enumerate(call.state)
    ]
    init: list[Any] = []
    tree = flat(tuple(call.drawn.init), init)
    if init:
        raise Fault(INVALID, "expected get_init_inputs() to give plain values, got tensors")
    return {
        "args": call.tree,
        "names": call.drawn.names,
        "init": tree,
        "tensors": [kind_of(each, f"input {i}") for i, each in enumerate(call.tensors)],
        "state": state,
        "outputs": [kind_of(each, f"output {j}") for j, each in enumerate(outputs)],
        "sources_of": places.sources,
        "returns": places.returns,
        "written": places.written,
        "exact": _exact(call, {"sources_of": places.sources}, outputs),
        "byte_count": sum(each.numel() * each.element_size() for each in (*call.tensors, *outputs)),
        "cpu_s": places.cpu_s,
    }


class Places:
    """Where the outputs of a call are found."""

    first: list[Any]
    """What the reference returned."""
    sources: list[tuple[str, int]]
    """Of each output: which returned tensor it is, or which input holds it afterwards."""
    returns: list[int]
    """Which output each returned tensor is."""
    written: list[tuple[int, int, bool]]
    """Input, the output that it holds afterwards, and whether its content counts before."""
    cpu_s: float
    """Of one answer."""


def _places(call: Call, message: dict[str, Any]) -> Places:
    """Find the outputs by what the reference returns and changes. Raises Fault where it does not do so twice."""
    import time

    found, given = Places(), [each.clone() for each in call.tensors]
    result = call.answer()
    first = found.first = [each.clone() for each in result]
    changed = [not same(*pair) for pair in zip(call.after, given, strict=True)]
    inputs = {(each.data_ptr(), each.shape, each.dtype): i for i, each in enumerate(call.after)}
    aliases = [inputs.get((each.data_ptr(), each.shape, each.dtype), -1) for each in result]
    if not first and not any(changed):
        raise Fault(INVALID, "the reference answers nothing and changes none of its inputs")
    began = time.process_time()
    repeated = call.answer()
    found.cpu_s = time.process_time() - began  # Not of the first call, which loads and starts what it uses.
    if not all(same(*pair) for pair in zip(repeated, first, strict=True)):
        raise Fault(INVALID, "the reference answers otherwise the second time: it must not draw anything (dropout)")
    answered, read = _written(call, first, aliases, changed)
    found.sources = [("answer", k) for k in range(len(first)) if aliases[k] < 0 or aliases[k] not in aliases[:k]]
    numbered = {k: j for j, (_, k) in enumerate(found.sources)}
    found.returns = [numbered[k if aliases[k] < 0 else aliases.index(aliases[k])] for k in range(len(first))]
    found.sources += [("after", i) for i, moved in enumerate(changed) if moved and i not in aliases]
    where = {i: found.returns[k] for i, k in answered.items()}
    where |= {i: j for j, (kind, i) in enumerate(found.sources) if kind == "after"}
    found.written = [(i, j, i in read) for i, j in sorted(where.items())]
    looked_at = [i for i in range(len(given)) if i in read or i not in where]
    again = Call(message).tensors
    if not all(same(again[i], given[i]) for i in looked_at):
        raise Fault(INVALID, "the same seed gave other inputs the second time: seed what they are drawn from")
    return found


def _written(
    call: Call, first: Sequence[Any], aliases: Sequence[int], changed: Sequence[bool]
) -> tuple[dict[int, int], set[int]]:
    """Return which inputs are there to hold which answer, and which are written but read first.

    One that the reference changes or gives back is; so is one of an answer's kind whose content makes no difference,
    where the framework hands out such.
    """
    answered = {i: k for k, i in reversed(list(enumerate(aliases))) if i >= 0}
    read: set[int] = set()
    for i, each in enumerate(call.tensors):
        alike = [k for k, answer in enumerate(first) if answer.shape == each.shape and answer.dtype == each.dtype]
        if not (changed[i] or i in answered or (alike and call.drawn.hands_outputs)):
            continue
        spoiled = [other.clone() for other in call.tensors]
        spoiled[i].fill_(float("nan") if each.is_floating_point() else 1)
        try:
            heeds = not all(same(*pair) for pair in zip(call.answer(tensors=spoiled), first, strict=True))
        except Exception:  # noqa: BLE001 - the task's own code
            heeds = True
        if not heeds and not changed[i] and i not in answered:
            free = [k for k in alike if k not in answered.values()]
            if free:
                answered[i] = free[0]
        elif heeds and (changed[i] or i in answered):
            read.add(i)
    return answered, read


def _exact(call: Call, told: dict[str, Any], outputs: Sequence[Any]) -> bool:
    """Return whether the reference can be reckoned in float64."""
    try:
        wide = call.outputs(told, wide=True)
    except Exception:  # noqa: BLE001 - the task's own code, which may insist on its dtype
        return False
    dtypes = [str(each.dtype) if not each.is_floating_point() else "torch.float64" for each in outputs]
    return [(str(each.dtype), each.shape) for each in wide] == [
        (dtype, each.shape) for dtype, each in zip(dtypes, outputs, strict=True)
    ]


def drawn_bytes(message: dict[str, Any]) -> bytes:
    """Return the tensors of a call, then the state of its model."""
    import torch

    call = Call(message)
    drawn = (*call.tensors, *(each.detach() for _, each in call.state))
    return b"".join(bytes_of(each.contiguous().view(torch.int16) if halved(each) else each) for each in drawn)


def answer_bytes(message: dict[str, Any]) -> bytes:
    """Return the outputs of a call: in float64 where it is asked for, and in the task's own dtypes after that."""
    call, told = Call(message), message["told"]
    wide = call.outputs(told, wide=True) if told["exact"] else []
    own = [each.float() if halved(each) else each for each in call.outputs(told, wide=False)]
    return b"".join(bytes_of(each) for each in (*wide, *own))


def bytes_of(tensor: Any) -> bytes:
    """Return a tensor's elements, row by row."""
    return tensor.detach().contiguous().numpy().tobytes()  # type: ignore[no-any-return]


def halved(tensor: Any) -> bool:
    """Return whether a tensor is of a half's dtype."""
    return str(tensor.dtype).partition(".")[2] in HALVES


def serve_calls(ask: int, answer: int, message: dict[str, Any]) -> None:
    """Answer the judge's questions about one task until it hangs up. What goes wrong is told, and ends nothing."""
    try:
        without_cuda()
    except ImportError as error:
        raise OSError(f"torch does not load: {error}") from error
    os.write(answer, ANSWER.pack(OK, 0.0))
    while data := os.read(ask, 65536):
        asked = _control(ask, data)
        try:
            reply = _answered(asked)
        except MemoryError:
            os.write(answer, _packed(Fault(OOM, "out of memory")))
            continue
        except BaseException as error:  # noqa: BLE001 - the process boundary: the task's own code
            told = error.detail if isinstance(error, Fault) else f"{type(error).__name__}: {error}"
            os.write(answer, _packed(Fault(OOM if "allocate memory" in told else INVALID, told[:1000])))
            continue
        os.write(answer, ANSWER.pack(OK, float(len(reply))))
        view = memoryview(reply)
        while view:
            view = view[os.write(answer, view) :]


def _answered(asked: dict[str, Any]) -> bytes:
    if asked["do"] == "describe":
        import json

        return json.dumps(described(asked)).encode()
    return drawn_bytes(asked) if asked["do"] == "draw" else answer_bytes(asked)
