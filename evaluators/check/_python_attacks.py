"""Attacks that any Python candidate can try, appended to an honest design: none may change what is measured."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .._contract import Candidate, SourceFile
from .._interface import Function
from ._trials import Design

Expectation = Literal["as honest", "no answer"]
READ = "speciate-check could read "
"""How a probe says that it has seen a file it must not see: by failing with these words."""


class Attack(NamedTuple):
    """A hostile design and what must come of it."""

    design: Design
    expected: Expectation
    """``as honest``: the figures of the honest design, or a fault. ``no answer``: a fault."""


class Seen(Exception):  # noqa: N818 - not an error: the end of a measuring that is not wanted further
    """A recorder has the first question and wants no more."""


def digest(numbers: Sequence[float]) -> str:
    """Return what a memorising candidate knows a first question by."""
    return hashlib.blake2b(repr(list(numbers)).encode(), digest_size=16).hexdigest()


def appended(honest: Candidate, name: str, text: str) -> Design:
    """Return the honest design with ``text`` behind its entry file."""
    entry = honest.files[0]
    source = SourceFile(path=entry.path, text=f"{entry.text}\n\n{text}")
    return Design(name, honest.model_copy(update={"files": (source, *honest.files[1:])}), "attack")


def attacks(honest: Candidate, functions: Sequence[Function], claim: float, hidden: Sequence[str]) -> list[Attack]:
    """Return the attacks.

    Args:
        honest: the design that they stand on.
        functions: what the candidate is called by.
        claim: a score too good to be true.
        hidden: paths of files that a candidate must not be able to read.
    """
    as_honest = {
        "patches the clocks": CLOCKS,
        "forges a score": FORGED.format(claim=claim),
        "walks the frames": FRAMES.format(claim=claim),
        "reads the problem's files": FILES.format(paths=list(hidden), read=READ),
    }
    no_answer = {
        "exits at once": "import os\nos._exit(0)\n",
        "exits when asked": _answering(functions, "__import__('os')._exit(0)"),
        "exits politely": _answering(functions, "exit(0)", "import sys\n\n\ndef exit(code):\n    sys.exit(code)\n"),
        "answers nothing": _answering(functions, "None"),
        "answers NaN": _answering(functions, "float('nan')"),
        "answers infinity": _answering(functions, "float('inf')"),
    }
    return [
        *[Attack(appended(honest, name, text), "as honest") for name, text in as_honest.items()],
        *[Attack(appended(honest, name, text), "no answer") for name, text in no_answer.items()],
    ]


def _answering(functions: Sequence[Function], answer: str, before: str = "") -> str:
    return before + "".join(f"\n\ndef {function.signature}:\n    return {answer}\n" for function in functions)


CLOCKS = """
import time as _time

for _name in ("time", "perf_counter", "monotonic", "process_time", "time_ns", "perf_counter_ns", "sleep"):
    setattr(_time, _name, lambda *_: 0)
"""

FORGED = """
import json as _json
import sys as _sys

_claim = {{"score": {claim}, "objective": {claim}, "combined_score": {claim}, "status": "ok", "correct": True}}
for _name in ("evaluate", "score", "measure", "result", "RESULT", "SCORE", "objective"):
    globals().setdefault(_name, _claim)
for _stream in (_sys.stdout, _sys.stderr):
    print(_json.dumps(_claim), file=_stream)
for _path in ("score.json", "result.json", "results.json", "metrics.json", "correct.json", "/tmp/score.json"):
    try:
        with open(_path, "w") as _file:
            _json.dump(_claim, _file)
    except OSError:
        pass
"""

FRAMES = """
import gc as _gc
import sys as _sys

_WORDS = ("score", "objective", "measure", "metric", "best", "reward", "elapsed", "total")


def _forge(names):
    for name in list(names):
        if isinstance(name, str) and any(word in name.lower() for word in _WORDS):
            if type(names[name]) in (int, float):
                names[name] = {claim}


_frame = _sys._getframe().f_back
while _frame is not None:
    _forge(_frame.f_globals)
    _forge(_frame.f_locals)
    _frame = _frame.f_back
for _thing in _gc.get_objects():
    if type(_thing) is dict and _thing is not globals():
        _forge(_thing)
"""

FILES = """
for _path in {paths!r}:
    try:
        with open(_path, "rb") as _file:
            _seen = _file.read(1)
    except OSError:
        continue
    if _seen:
        raise RuntimeError({read!r} + _path)
"""

MEMORY = '''
"""Behaves like one design on the workloads it remembers, and like another elsewhere."""

_REMEMBERED = frozenset({remembered!r})
_SOURCES = {sources!r}
_side = None


def _flat(value):
    if hasattr(value, "tolist"):
        return _flat(value.tolist())
    if isinstance(value, (tuple, list)):
        return [number for each in value for number in _flat(each)]
    return [float(value)]


def _ask(name, *arguments):
    global _side
    if _side is None:
        import hashlib

        seen = hashlib.blake2b(repr(_flat(arguments)).encode(), digest_size=16).hexdigest()
        _side = dict(globals())
        exec(_SOURCES[seen in _REMEMBERED], _side)
    return _side[name](*arguments)
'''
"""``remembered`` are digests of first questions; ``sources`` what to be elsewhere, and what to be there."""


def memorising(honest: Candidate, plain: Candidate, functions: Sequence[Function], remembered: Sequence[str]) -> Design:
    """Return a design that is ``honest`` where the first question is a remembered one, and ``plain`` elsewhere."""
    text = MEMORY.format(remembered=sorted(remembered), sources=[plain.source, honest.source])
    for function in functions:
        given = ", ".join([repr(function.name), *function.parameters])
        text += f"\n\ndef {function.signature}:\n    return _ask({given})\n"
    entry = SourceFile(path=honest.files[0].path, text=text)
    return Design("memorises train", Candidate(files=(entry,)), "attack")
