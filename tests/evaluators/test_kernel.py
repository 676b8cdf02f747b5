"""The kernel kind: what is right passes, what is not fails with the right word, and neither can reach the judge."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Evaluation,
    JudgeTask,
    Place,
    Sandbox,
    SandboxError,
    Sizes,
    SourceFile,
    Status,
    evaluator_of,
    judge,
    release_bars,
)
from speciate.evaluators._claims import claim, claimed
from speciate.evaluators._room import Rooms
from speciate.evaluators.check._kernel_designs import KernelDesigns
from speciate.evaluators.kernel import _timing
from speciate.evaluators.kernel._arena import POISONS, Contents, guard_words, laid
from speciate.evaluators.kernel._bars import Bar
from speciate.evaluators.kernel._best_bar import Core, best_bar
from speciate.evaluators.kernel._build import built, cache_folder
from speciate.evaluators.kernel._checks import truth_of, verify
from speciate.evaluators.kernel._extent import extent
from speciate.evaluators.kernel._labels import calls_a_library
from speciate.evaluators.kernel._notes import notes_of
from speciate.evaluators.kernel._race import Race, interval
from speciate.evaluators.kernel._session import Kernel, Lap
from speciate.evaluators.kernel._timing import Timing, timing_lock, waited
from support.row_scale.problem import RowScale, reference

PROBLEM = RowScale()
SEED = PROBLEM.seed()
NUMPY = Candidate.from_source(
    """
import numpy as np
def row_scale(x, y, positive, rows, columns, epsilon):
    y[...] = x / np.sqrt(np.mean(np.square(x.astype(np.float64)), axis=1, keepdims=True) + epsilon)
    positive[...] = (x > 0).sum(axis=1)
""",
    path="kernel.py",
)
"""An honest kernel without Numba, whose import takes a second."""


@pytest.fixture(autouse=True, scope="module")
def _released(own_kernel_cache: None) -> Iterator[None]:
    yield
    release_bars()


def judged(candidate: Candidate, sandbox: Sandbox, language: str = "cpp") -> Evaluation:
    return judge(JudgeTask(problem=reference(language), candidate=candidate, sandbox=sandbox.name))


def cpp(text: str) -> Candidate:
    return Candidate(files=(SourceFile(path="kernel.cpp", text=text),), language="c++")


def with_body(body: str, before: str = "") -> Candidate:
    head = f"#include <cmath>\n#include <cstdint>\n{before}\n"
    return cpp(f'{head}extern "C" {PROBLEM.interface.prototype} {{ {body} }}\n')


def around(body: str, include: str = "") -> Candidate:
    """Return the seed under the name ``honest_kernel``, and a kernel that may call it by ``CALL``."""
    return with_body(body, f"#define row_scale honest_kernel\n{SEED.source}\n#undef row_scale\n{include}")


CALL = "honest_kernel(x, y, positive, rows, columns, epsilon);"


def test_the_seed_is_checked_and_timed_against_the_best_bar(bubblewrap: Sandbox) -> None:
    word = judged(SEED, bubblewrap)
    assert word.status is Status.OK, word.detail
    (measured,) = word.measurements
    assert word.score == pytest.approx(measured.objective)
    assert measured.metrics["low"] <= measured.objective <= measured.metrics["high"]
    assert 0 < measured.metrics["error"] <= 1
    assert measured.metrics["kernel_wall_s"] > 0
    assert set(measured.descriptors) == {"width", "copy_share", "lines", "origin"}
    assert "times that of" in measured.feedback
    assert "GB/s of inputs and outputs" in measured.trace[0]
    assert any(line.startswith("made of vectors: ") for line in measured.trace) == (measured.descriptors["width"] > 0)
    again = judged(SEED, bubblewrap)
    assert (measured.metrics["build_cached"], again.measurements[0].metrics["build_cached"]) == (0, 1)


def test_a_kernel_in_numba_is_judged_in_the_same_way(bubblewrap: Sandbox) -> None:
    pytest.importorskip("numba")
    word = judged(RowScale("numba").seed(), bubblewrap, "numba")
    assert word.status is Status.OK, word.detail
    assert set(word.measurements[0].descriptors) == {"copy_share", "lines", "origin"}


EXPECTED = {
    "starts a thread": {Status.CRASHED},
    "ends its process": {Status.PROTOCOL},
    # It writes to every descriptor, the shared memory's too: what is noticed first is the answer, or that.
    "answers of its own accord": {Status.PROTOCOL, Status.INCORRECT},
    "loops for ever": {Status.TIMEOUT},
}
"""What is not simply incorrect."""
HOSTILE = [each.design for each in KernelDesigns().attacks(PROBLEM, SEED, 0.0, ())]
HOSTILE += KernelDesigns().constants(PROBLEM)
PYTHON = RowScale("numba")
HOSTILE_PYTHON = [each.design for each in KernelDesigns().attacks(PYTHON, NUMPY, 0.0, ())]
HOSTILE_PYTHON += KernelDesigns().constants(PYTHON)


@pytest.mark.parametrize("design", HOSTILE, ids=lambda design: design.name)
def test_a_kernel_in_cpp_that_does_not_do_its_work_fails(design, bubblewrap: Sandbox) -> None:
    word = judged(design.candidate, bubblewrap)
    assert word.status in EXPECTED.get(design.name, {Status.INCORRECT}), word.detail
    assert word.score is None
    assert word.measurements == ()


@pytest.mark.parametrize("design", HOSTILE_PYTHON, ids=lambda design: design.name)
def test_a_kernel_in_python_that_does_not_do_its_work_fails(design, bubblewrap: Sandbox) -> None:
    word = judged(design.candidate, bubblewrap, "numba")
    assert word.status in EXPECTED.get(design.name, {Status.INCORRECT}), word.detail


def test_the_honest_kernel_that_python_attacks_stand_on_is_right(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PYTHON, NUMPY, Place(PYTHON.limits, bubblewrap)) as session:
        assert verify(PYTHON, session.subject) <= 1.0


def test_answers_kept_for_an_address_or_for_some_values_are_wrong(bubblewrap: Sandbox) -> None:
    include = "#include <cstring>\n#include <map>\n#include <vector>"
    for key in ("rows", "x[0] > 0"):
        body = f"static std::map<long, std::vector<float>> answers; auto& kept = answers[(long)({key})]; "
        body += f"if ((int64_t)kept.size() != rows * columns) {{ {CALL} kept.assign(y, y + rows * columns); }} "
        body += "else { std::memcpy(y, kept.data(), kept.size() * 4); for (int64_t r = 0; r < rows; r++) "
        body += "{ positive[r] = 0; for (int64_t i = 0; i < columns; i++) positive[r] += x[r * columns + i] > 0; } }"
        word = judged(around(body, include), bubblewrap)
        assert word.status is Status.INCORRECT, word.detail


def test_a_kernel_that_skips_its_work_only_where_it_is_timed_is_found_out(bubblewrap: Sandbox) -> None:
    """It is right on small shapes, which are checked, and skips its work where it is timed."""
    word = judged(around(CALL.replace("rows", "rows < 40 ? rows : rows / 2")), bubblewrap)
    assert word.status is Status.INCORRECT
    assert "timed call" in word.detail


def test_what_does_not_build_or_load_is_invalid_with_the_compilers_words(bubblewrap: Sandbox) -> None:
    word = judged(with_body("no_such_function();"), bubblewrap)
    assert word.status is Status.INVALID
    assert "no_such_function" in word.detail
    unlinked = judged(with_body("missing();", "void missing();"), bubblewrap)
    assert unlinked.status is Status.INVALID
    assert judged(cpp("int row_scale_of_another_name;"), bubblewrap).status is Status.INVALID
    assert judged(Candidate.from_source("x = 1"), bubblewrap).status is Status.INVALID


def test_a_kernel_sees_no_file_of_this_machine(bubblewrap: Sandbox) -> None:
    """It would be right if it could open one of them."""
    paths = [__file__, "/etc/shadow", "/proc/self/maps", str(cache_folder("kernels"))]
    tries = " || ".join(f'open("{path}", O_RDONLY) >= 0' for path in paths)
    word = judged(around(f"if ({tries}) {CALL}", "#include <fcntl.h>"), bubblewrap)
    assert word.status is Status.INCORRECT


def test_a_time_that_cannot_be_is_cheating(bubblewrap: Sandbox) -> None:
    class Endless(RowScale):
        folder = PROBLEM.folder

        def moved_bytes(self, sizes: Sizes) -> int:
            return 64 << 20

    problem = Endless()
    opened = evaluator_of("kernel").open(problem, SEED, Place(problem.limits, bubblewrap))
    with opened as session, pytest.raises(CandidateFault, match="impossible") as caught:
        problem.measure(session.subject, problem.workloads("train")[0])
    assert caught.value.status is Status.CHEATED


def test_bars_that_are_not_here_or_wrong_do_not_count(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PROBLEM, SEED, Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        best = best_bar(PROBLEM, Core(PROBLEM, kernel), PROBLEM.sizes["train"]["S"])
        assert best.name in ("seed", "numpy_form")
        assert best.runner.arena is not kernel.arena
    for file in cache_folder("bars").glob("*.json"):
        assert "a_library_that_nobody_has" in file.read_text()
        assert "wrong_form is wrong" in file.read_text()


def test_a_form_may_first_bring_its_inputs_into_another_shape() -> None:
    code = {"path": str(PROBLEM.folder / "bars.py"), "function": "prepared_form"}
    bar = Bar("prepared", PROBLEM.interface, 1 << 16, code, min(os.sched_getaffinity(0)))
    rng = np.random.default_rng(4)
    sizes = {"rows": 3, "columns": 5}
    slots = [laid(PROBLEM.interface, sizes), laid(PROBLEM.interface, sizes, 1 << 15)]
    bar.prepare(slots)
    for _ in range(2):
        inputs = [PROBLEM.inputs(sizes, "normal", rng) for _ in slots]
        calls = [Contents(bar.arena, *each, guard_words(rng)) for each in zip(slots, inputs, strict=True)]
        for call in calls:
            call.write(POISONS[0])
        bar.run()
        for given, call in zip(inputs, calls, strict=True):
            assert truth_of(PROBLEM, given, sizes).worst(call.outputs())[0] <= 1.0
    bar.close()


def test_a_bar_that_died_is_no_fault_of_the_kernel_and_is_started_again(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PROBLEM, SEED, Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        best = best_bar(PROBLEM, Core(PROBLEM, kernel), PROBLEM.sizes["train"]["S"])
        best.runner._worker.kill()
        with pytest.raises(SandboxError, match="its process ended"):
            PROBLEM.measure(kernel, PROBLEM.workloads("train")[0])
        assert PROBLEM.measure(kernel, PROBLEM.workloads("train")[0]).objective > 0


def test_who_asks_a_kernel_that_has_ended_for_its_memory_is_told_why(bubblewrap: Sandbox) -> None:
    with evaluator_of("kernel").open(PYTHON, NUMPY, Place(PYTHON.limits, bubblewrap)) as session:
        assert session.subject.temp_bytes() == 0
        session.subject.process.kill()
        with pytest.raises(SandboxError, match="was killed, and not by us"):
            _until_it_has_ended(session.subject)


def _until_it_has_ended(kernel: Kernel) -> None:
    for _ in range(1000):
        kernel.temp_bytes()
        time.sleep(0.01)


def test_waiting_for_another_judge_is_not_charged(bubblewrap: Sandbox) -> None:
    limits = PROBLEM.limits.model_copy(update={"wall_s": 0.2})
    with evaluator_of("kernel").open(PROBLEM, SEED, Place(limits, bubblewrap)) as session:
        kernel = session.subject
        kernel.watchdog.begin()
        with kernel.watchdog.rest():
            time.sleep(0.4)
        assert kernel.fault is None
        assert kernel.watchdog.breach is None
        time.sleep(0.4)
        assert kernel.watchdog.breach is not None


def test_a_build_is_remembered_and_a_spoiled_entry_is_not_believed(bubblewrap: Sandbox) -> None:
    rooms = Rooms(PROBLEM.limits.for_workloads(9), bubblewrap)
    source = with_body("y[0] = 1.0f;")
    first = built(source, rooms, bubblewrap.name)
    second = built(source, rooms, bubblewrap.name)
    assert (first.cached, second.cached) == (False, True)
    assert first.content == second.content
    assert built(with_body("y[0] = 2.0f;"), rooms, bubblewrap.name).content != first.content
    for file in cache_folder("kernels").iterdir():
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert not built(source, rooms, bubblewrap.name).cached


def test_the_vectors_of_a_binary_are_told(bubblewrap: Sandbox) -> None:
    rooms = Rooms(PROBLEM.limits.for_workloads(9), bubblewrap)
    loop = "for (int64_t i = 0; i < rows * columns; i++)"
    scalar = with_body(f"{loop} {{ if (x[i] > 1) y[i] = std::sqrt(x[i]); else break; }}")
    wide = with_body(f"{loop} y[i] = x[i] * 2.0f + 1.0f;")
    assert built(scalar, rooms, bubblewrap.name).notes.vector_bits == 0
    assert built(wide, rooms, bubblewrap.name).notes.vector_bits >= 128


@pytest.mark.parametrize("distribution", ["normal", "uniform", "pareto", "sorted", "sparse", "offset"])
def test_what_is_allowed_admits_float32_and_nothing_shorter(distribution: str) -> None:
    rng = np.random.default_rng(5)
    sizes = {"rows": 40, "columns": 300}
    inputs = PROBLEM.inputs(sizes, distribution, rng)
    truth = truth_of(PROBLEM, inputs, sizes)
    single = PROBLEM.reference(inputs, sizes, np.float32)
    assert truth.worst(single)[0] <= 1.0
    half = {**single, "y": single["y"].astype(np.float16).astype(np.float32)}
    assert truth.worst(half)[0] > 1.0
    part = {**single, "y": np.where(np.arange(300) < 299, single["y"], 0).astype(np.float32)}
    assert truth.worst(part)[0] > 1.0 or distribution == "sparse"
    lost = {**single, "y": np.where(single["y"] == single["y"].max(), np.nan, single["y"])}
    assert truth.worst(lost)[0] == np.inf
    off = {**single, "positive": single["positive"] + 1}
    assert truth.worst(off)[0] == np.inf


def timing(ratio: float, cpu_ratio: float) -> Timing:
    return Timing(ratio, ratio, ratio, cpu_ratio, 1.0, 1.0, 0.5, 0.1, 1)


def test_clocks_that_disagree_by_a_quarter_make_a_timing_noisy() -> None:
    assert not timing(1.2, 1.0).noisy
    assert timing(1.3, 1.0).noisy
    assert timing(0.7, 1.0).noisy


def test_a_timing_in_which_the_process_waited_is_told_by_its_clocks() -> None:
    assert not waited(Lap(wall_s=1.2e-3, cpu_s=1e-3))
    assert waited(Lap(wall_s=1.4e-3, cpu_s=1e-3))
    assert not waited(Lap(wall_s=40e-6, cpu_s=10e-6))


def test_a_kernel_that_sleeps_is_measured_with_its_sleep(bubblewrap: Sandbox) -> None:
    word = judged(around(f"{CALL} if (rows > 60) usleep(3000);", "#include <unistd.h>"), bubblewrap)
    assert word.status is Status.OK
    assert "noisy" in word.labels
    (measured,) = word.measurements
    assert measured.metrics["kernel_wall_s"] >= 3e-3
    assert measured.objective > 2 * measured.metrics["cpu_ratio"]


def test_how_far_behind_a_kernel_is_need_not_be_known_closely(
    bubblewrap: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs: list[bool] = []
    pair = Race.pair
    monkeypatch.setattr(Race, "pair", lambda *given, **named: (pairs.append(True), pair(*given, **named))[1])
    slow = around(f"for (int i = 0; i < 40; i++) {CALL}")
    with evaluator_of("kernel").open(PROBLEM, slow, Place(PROBLEM.limits, bubblewrap)) as session:
        measured = PROBLEM.measure(session.subject, PROBLEM.workloads("train")[0])
    assert measured.objective > _timing.HOPELESS
    halves = 2 * (_timing.WARM_UP + _timing.LEAST_PAIRS)
    assert len(pairs) in [halves * attempts for attempts in range(1, _timing.ATTEMPTS + 1)]


def test_the_interval_of_a_median_holds_it_and_is_the_same_again() -> None:
    ratios = np.random.default_rng(0).lognormal(0.0, 0.2, 15)
    low, high = interval(ratios)
    assert low < np.median(ratios) < high
    assert interval(ratios) == (low, high)


def test_only_one_judge_times_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Under a name of its own: other judges of this machine may be timing while this test runs.
    name = f"{_timing.LOCK}-{os.getpid()}"
    monkeypatch.setattr(_timing, "LOCK", name)
    with timing_lock() as ours:
        assert ours
        assert claim(name) is None
        with timing_lock() as theirs:
            assert not theirs
    with claimed(name, 10.0) as again:
        assert again


def test_a_text_that_hands_its_work_to_a_library_is_labelled() -> None:
    assert calls_a_library(NUMPY, "numba")
    assert not calls_a_library(SEED, "g++")
    assert not calls_a_library(RowScale("numba").seed(), "numba")
    assert calls_a_library(with_body('dlopen("libopenblas.so", 1);', "#include <dlfcn.h>"), "g++")


def test_the_options_language_is_checked() -> None:
    with pytest.raises(Exception, match="expected one of cpp, numba, triton, cuda"):
        RowScale("rust")


def test_experts_are_no_part_of_what_a_proposer_sees() -> None:
    from speciate.kernels.residual_rmsnorm import problem

    made = problem({})
    assert [each.name for each in made.experts()] == ["avx"]
    assert not {each.candidate.id for each in made.experts()} & {each.candidate.id for each in made.baselines()}
    assert Path(made.folder / "experts").is_dir()


SCALAR_AND_VECTOR = """
    for (int64_t i = 0; i < rows; i++) {
        float sum = 0.0f;
        for (int64_t j = 0; j < columns; j++) sum += std::exp(x[i * columns + j]);
        for (int64_t j = 0; j < columns; j++) y[i * columns + j] = x[i * columns + j] * 2.0f;
        positive[i] = sum > 0.0f;
    }
"""


def test_the_compilers_remarks_tell_which_loops_are_made_of_vectors(bubblewrap: Sandbox) -> None:
    source = with_body(SCALAR_AND_VECTOR)
    lines = source.source.splitlines()
    scalar, vector = (next(at for at, line in enumerate(lines, 1) if part in line) for part in ("std::exp", "2.0f"))
    rooms = Rooms(PROBLEM.limits.for_workloads(9), bubblewrap)
    first, again = (built(source, rooms, bubblewrap.name).notes for _ in range(2))
    assert first == again
    assert first.lines[0].startswith("arithmetic on vectors of up to")
    assert any(line.startswith(f"line {scalar} is not made of vectors") for line in first.lines)
    assert any(line.startswith("made of vectors: ") and f"line {vector} (" in line for line in first.lines)
    assert "calls expf" in first.lines


def test_what_a_build_prints_is_read_as_the_candidates_words() -> None:
    remarks = "k:99:1: missed: couldn't vectorize loop\nk:1:1: missed: " + "x" * 999
    bits, lines = notes_of(f"zmm\n--\nexpf\n$(rm)\n__cxa_finalize\n--\n{remarks}", "for (;;) {\n")
    assert (bits, lines) == (512, ("arithmetic on vectors of up to 512 bits", "calls expf"))
    assert notes_of("", "") == (0, ("no arithmetic on vectors",))
    many = "--\n--\n" + "".join(f"k:{at}:1: missed: couldn't vectorize loop\n" for at in range(1, 90))
    assert len(notes_of(many, "for (;;) ;\n" * 90).lines) < 8


def test_which_elements_are_wrong_is_told_by_rows_and_columns() -> None:
    wrong = np.zeros((7, 13), dtype=bool)
    assert extent("y", wrong) == "y: 0 of 91 elements are wrong"
    wrong[:, 8:] = True
    assert extent("y", wrong) == "y: 35 of 91 elements are wrong, all in columns 8 to 12 of 0 to 12"
    wrong[:5] = False
    assert extent("y", wrong) == (
        "y: 10 of 91 elements are wrong, all in rows 5 to 6 of 0 to 6 and columns 8 to 12 of 0 to 12"
    )
    wrong[0, 0] = wrong[6, 12] = True
    assert extent("y", wrong) == "y: 11 of 91 elements are wrong"
    assert extent("y", np.ones(3, dtype=bool)) == "y: all elements are wrong"
    assert extent("y", np.ones((0, 3), dtype=bool)) == "y: all elements are wrong"


def test_a_kernel_that_forgets_the_last_elements_is_told_where(bubblewrap: Sandbox) -> None:
    rest = "for (int64_t j = columns / 8 * 8; j < columns; j++) y[i * columns + j] = 7;"
    body = f"{CALL} for (int64_t i = 0; i < rows; i++) {rest}"
    word = judged(around(body), bubblewrap)
    assert word.status is Status.INCORRECT
    assert re.search(r"y: \d+ of \d+ elements are wrong, all in columns \d+ to \d+ of|y: all elements", word.detail)
