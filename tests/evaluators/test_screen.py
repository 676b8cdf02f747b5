"""Rung 1: what the text alone tells, and that nothing of it runs."""

from pathlib import Path

import pytest
from speciate.evaluators import Candidate, Limits, PolicyInterface, SourceFile, Status, screen

FINE = {
    "plain": "def choose(view):\n    return 0\n",
    "default": "def choose(view, weight=2):\n    return 0\n",
    "star": "def choose(*everything):\n    return 0\n",
    "lambda": "choose = lambda view: 0\n",
    "another name": "def other(view):\n    return 0\n\nchoose = other\n",
    "decorated": "from functools import cache\n\n@cache\ndef choose(view, more):\n    return 0\n",
    "last one counts": "def choose():\n    return 1\n\ndef choose(view):\n    return 0\n",
}
UNFIT = {
    "syntax": ("def choose(view)\n    return 0\n", "line 1: expected ':'"),
    "missing": ("def chose(view):\n    return 0\n", "expected def choose(view) at the top level, found no choose"),
    "nested": ("def outer():\n    def choose(view):\n        return 0\n", "found no choose"),
    "too few": ("def choose():\n    return 0\n", "found other parameters at line 1: ()"),
    "too many": ("def choose(view, future):\n    return 0\n", "other parameters at line 1: (view, future)"),
    "keyword only": ("def choose(view, *, future):\n    return 0\n", "other parameters"),
    "lambda": ("choose = lambda: 0\n", "other parameters"),
    "coroutine": ("async def choose(view):\n    return 0\n", "found AsyncFunctionDef choose at line 1"),
    "class": ("class choose:\n    pass\n", "found ClassDef choose"),
    "null byte": ("\0", "null byte"),
    "surrogate": ("x = '\ud800'", "UTF-8"),
    "too deep": ("(" * 20_000 + ")" * 20_000, ""),
    "too long": ("#" * 70_000, "at most 65536 bytes, it has 70000"),
    "too long in bytes": ("#" + "é" * 40_000, "it has 80001"),
}


@pytest.mark.parametrize("name", FINE)
def test_a_policy_that_may_work_passes(name: str, one_hook: PolicyInterface) -> None:
    assert screen(Candidate.from_source(FINE[name]), one_hook, Limits()) is None


@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_a_policy_is_invalid_and_says_why(name: str, one_hook: PolicyInterface) -> None:
    source, word = UNFIT[name]
    fault = screen(Candidate.from_source(source), one_hook, Limits())
    assert fault is not None
    assert fault.status is Status.INVALID
    assert word in fault.detail


def test_every_missing_hook_is_named_at_once(two_hooks: PolicyInterface) -> None:
    fault = screen(Candidate.from_source("x = 1\n"), two_hooks, Limits())
    assert fault is not None
    assert "def key(request)" in fault.detail
    assert "def place(head, view)" in fault.detail


def test_several_files_or_another_language_are_refused(one_hook: PolicyInterface) -> None:
    file = SourceFile(path="candidate.py", text=FINE["plain"])
    for candidate in (Candidate(files=(file, file)), Candidate(files=(file,), language="c++")):
        fault = screen(candidate, one_hook, Limits())
        assert fault is not None
        assert "one Python file" in fault.detail


def test_nothing_of_the_candidate_runs(one_hook: PolicyInterface, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = f"open({str(mark)!r}, 'w')\n\ndef choose(view=open({str(mark)!r}, 'w')):\n    return 0\n"
    assert screen(Candidate.from_source(source), one_hook, Limits()) is None
    assert not mark.exists()
