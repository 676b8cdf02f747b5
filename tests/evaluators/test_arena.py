"""Where a kernel's buffers lie: guards and poison, shared memory, and a process's own that the judge reaches."""

import mmap
import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Place,
    Sandbox,
    SandboxError,
    SourceFile,
    Status,
    evaluator_of,
)
from speciate.evaluators.kernel import _pages, _session, huge_pages_granted
from speciate.evaluators.kernel._arena import GUARD_BYTES, POISONS, Arena, Contents, Span, guard_words, laid, unwritten
from speciate.evaluators.kernel._bars import Bar, BarError
from speciate.evaluators.kernel._best_bar import Core, best_bar
from speciate.evaluators.kernel._build import CACHE_VARIABLE
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._pages import SMALL_PAGES
from speciate.evaluators.kernel._remote import reachable
from speciate.evaluators.tasks._bar import ReferenceBar
from support.row_scale.problem import RowScale

PROBLEM = RowScale()
GIVES_UP = """
#include <cstdint>
#include <sys/mman.h>
extern "C" %s {
    const uintptr_t page = (uintptr_t)y & ~(uintptr_t)4095;
    %s
}
"""
"""Kernels that end badly for the memory that their answers lie in."""
ALLOCATES = """
#include <cstdint>
#include <vector>
extern "C" %s {
    std::vector<float> scratch(12 << 20, 1.0f);
    asm volatile("" : : "r"(scratch.data()) : "memory");
}
"""
"""48 MiB in each call, handed back at its end."""


def contents(arena: Arena, shift: int = 0) -> Contents:
    rng = np.random.default_rng(3)
    sizes = {"rows": 3, "columns": 5}
    slot = laid(PROBLEM.interface, sizes, 0, shift)
    return Contents(arena, slot, PROBLEM.inputs(sizes, "normal", rng), guard_words(rng))


def test_the_arena_cannot_be_made_shorter() -> None:
    arena = Arena(1 << 16)
    with pytest.raises(PermissionError):
        os.ftruncate(arena.descriptor, mmap.PAGESIZE)
    arena.close()


def flip(arena: Arena, at: int) -> None:
    arena.put(at, arena.get(Span(at, at + 1)) ^ 1)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_guards_and_inputs_are_watched_and_poison_shows(shift: int) -> None:
    arena = Arena(1 << 16)
    call = contents(arena, shift)
    call.write(POISONS[0])
    assert call.trespass() is None
    assert unwritten(list(call.outputs().items())).startswith("y[0, 0] is nan")
    first = {name: values.copy() for name, values in call.outputs().items()}
    call.write(POISONS[1])
    assert first["y"].tobytes() != call.outputs()["y"].tobytes()
    slot = call._slot
    for place, words in ((0, "before x"), (2, "behind y"), (3, "behind positive")):
        call.write(POISONS[0])
        flip(arena, slot.guards[place].end - 1)
        assert words in call.trespass()
    call.write(POISONS[0])
    flip(arena, slot.buffers[0].end - 1)
    assert "changed its input x" in call.trespass()
    assert all(guard.end - guard.start >= GUARD_BYTES for guard in slot.guards)
    arena.close()


def kernel_of(text: str) -> Candidate:
    return Candidate(files=(SourceFile(path="kernel.cpp", text=text),), language="c++")


def kernel_that(body: str) -> Candidate:
    return kernel_of(GIVES_UP % (PROBLEM.interface.prototype, body))


def faults_of(pid: int) -> int:
    """How often a page of the process had to be found."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[7])


def test_what_a_kernel_freed_it_need_not_ask_for_again(bubblewrap: Sandbox) -> None:
    candidate = kernel_of(ALLOCATES % PROBLEM.interface.prototype)
    with evaluator_of("kernel").open(PROBLEM, candidate, Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        kernel.prepare([laid(PROBLEM.interface, {"rows": 3, "columns": 5})] * 2)
        kernel.run()
        before = faults_of(kernel.pid)
        kernel.run()
        assert faults_of(kernel.pid) - before < 10  # of 48 huge pages or 24,576 small ones in two calls


def test_what_a_kernel_allocates_is_told_whenever_it_does(bubblewrap: Sandbox) -> None:
    candidate = kernel_of(ALLOCATES % PROBLEM.interface.prototype)
    with evaluator_of("kernel").open(PROBLEM, candidate, Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        assert kernel.temp_bytes() == 0
        kernel.prepare([laid(PROBLEM.interface, {"rows": 3, "columns": 5})])
        for _ in range(2):
            kernel.run()
            assert 47 << 20 < kernel.temp_bytes() < 52 << 20  # some of it was there before


def test_a_trusted_process_is_given_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-bars")
    form = tmp_path / "bars.py"
    form.write_text("def form(*given):\n    pass\n", encoding="utf-8")
    code, core = {"path": str(form), "function": "form"}, min(os.sched_getaffinity(0))
    with closing(Bar("form", PROBLEM.interface, PROBLEM.arena_bytes, code, core)) as bar:
        found = Path(f"/proc/{bar._worker.pid}/environ").read_bytes()
    assert f"PATH={os.environ['PATH']}".encode() in found
    assert b"not-for-bars" not in found


def test_a_bar_waits_for_no_page_when_its_sizes_grow(tmp_path: Path) -> None:
    form = tmp_path / "bars.py"
    form.write_text("import numpy as np\ndef form(*given):\n    np.ones(given[-2] << 17)\n", encoding="utf-8")
    code, core = {"path": str(form), "function": "form"}, min(os.sched_getaffinity(0))
    bar = Bar("form", PROBLEM.interface, PROBLEM.arena_bytes, code, core)
    with closing(bar):
        for columns in (1, 40):
            bar.prepare([laid(PROBLEM.interface, {"rows": 1, "columns": columns})])
            before = faults_of(bar._worker.pid)
            bar.run()
        assert faults_of(bar._worker.pid) - before < 10  # of the 20 huge pages or 10,240 small ones of 40 MiB


def test_what_is_timed_lies_in_huge_pages_of_the_process_s_own(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PROBLEM, PROBLEM.seed(), Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        assert reachable(kernel.pid)
        kernel.arena.put(0, np.arange(4 << 20, dtype=np.uint8))
        assert not np.frombuffer(kernel.arena._memory, dtype=np.uint8)[8:].any()
        assert kernel.arena.get(Span(255, 258)).tolist() == [255, 0, 1]
        assert (SMALL_PAGES in session.labels) is not huge_pages_granted()
        if not huge_pages_granted():
            pytest.skip("this kernel gives no huge pages")
        pages = Path(f"/proc/{kernel.pid}/smaps_rollup").read_text(encoding="ascii")
        huge = next(line for line in pages.splitlines() if line.startswith("AnonHugePages:"))
        assert int(huge.split()[1]) >= 2 << 10


def test_where_the_judge_may_not_reach_it_memory_is_shared(
    bubblewrap: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_session, "reachable", lambda _: False)
    with evaluator_of("kernel").open(PROBLEM, PROBLEM.seed(), Place(PROBLEM.limits, bubblewrap)) as session:
        assert SMALL_PAGES in session.labels
        assert 0 < verify(PROBLEM, session.subject) <= 1.0
        assert np.frombuffer(session.subject.arena._memory, dtype=np.uint8)[8:].any()
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))  # Nobody else's choice is to be found.
        bar = best_bar(PROBLEM, Core(PROBLEM, session.subject), PROBLEM.sizes["train"]["S"]).runner
        assert not bar.arena.reached  # Else it would be timed in other pages than the kernel.
        assert PROBLEM.bound(PROBLEM.workloads("train")[0]) is not None


def test_what_was_chosen_in_small_pages_is_not_read_once_there_are_huge_ones(
    bubblewrap: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with evaluator_of("kernel").open(PROBLEM, PROBLEM.seed(), Place(PROBLEM.limits, bubblewrap)) as session:
        told = set()
        for granted in (True, False):
            monkeypatch.setattr(_pages, "huge_pages_granted", lambda granted=granted: granted)
            told.add(Core(PROBLEM, session.subject).told)
        assert len(told) == 2


@pytest.mark.parametrize(
    "body", ["munmap((void*)page, 1 << 16);", "mprotect((void*)page, 1 << 16, PROT_NONE);"], ids=["unmaps", "hides"]
)
def test_a_kernel_that_gives_its_memory_up_is_told_so(body: str, bubblewrap: Sandbox) -> None:
    with (
        evaluator_of("kernel").open(PROBLEM, kernel_that(body), Place(PROBLEM.limits, bubblewrap)) as session,
        pytest.raises(CandidateFault, match="its memory") as caught,
    ):
        verify(PROBLEM, session.subject)
    assert caught.value.status is Status.PROTOCOL


def test_where_its_process_has_ended_that_is_what_is_told(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PROBLEM, PROBLEM.seed(), Place(PROBLEM.limits, bubblewrap)) as session:
        os.kill(session.subject.pid, signal.SIGKILL)
        session.subject.process.died(5.0)
        with pytest.raises(SandboxError, match="killed, and not by us"):
            session.subject.arena.get(Span(0, 8))


def test_where_the_reference_of_a_foreign_task_has_ended_nobody_else_is_blamed(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PROBLEM, PROBLEM.seed(), Place(PROBLEM.limits, bubblewrap)) as session:
        bar = ReferenceBar("reference", session.subject)
        os.kill(session.subject.pid, signal.SIGKILL)
        session.subject.process.died(5.0)
        with pytest.raises(BarError, match="bar reference: its memory"):
            bar.arena.put(0, np.zeros(8, dtype=np.uint8))
