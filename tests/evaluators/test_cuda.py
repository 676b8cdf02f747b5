"""CUDA kernels without a GPU: how they are launched, what nvcc tells of them, and what the emulator finds out."""

from collections.abc import Iterator

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Cost,
    Place,
    ProblemError,
    Sandbox,
    SourceFile,
    Status,
    evaluator_of,
    judge_inline,
)
from speciate.evaluators._room import Rooms
from speciate.evaluators.kernel._build import CACHE_VARIABLE
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._cuda import ARCHITECTURES, CudaBuild, Image, built_cuda, check_text, emulated
from speciate.evaluators.kernel._launches import launches_of
from speciate.evaluators.kernel._toolkit import toolkit
from speciate.evaluators.kinds import _kernel as kind
from support.row_scale.problem import RowScale

PROBLEM = RowScale("cuda")
INTERFACE = PROBLEM.interface
SEED = PROBLEM.seed()
SIZES = {"rows": 5, "columns": 300}


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def nvcc() -> None:
    if toolkit() is None:
        pytest.skip("no CUDA compiler on this machine")


def cuda(text: str) -> Candidate:
    return Candidate(files=(SourceFile(path="kernel.cu", text=text),), language="cuda")


def changed(*changes: tuple[str, str]) -> Candidate:
    text = SEED.source
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return cuda(text)


def test_launches_are_reckoned_from_the_sizes() -> None:
    text = """
constexpr int TILE = 16;
// scratch: part float64[rows * (columns + TILE - 1) / TILE]
  // launch: first<<<((columns + TILE - 1) / TILE, max(rows, 2)), (TILE, 2), TILE * 8>>>(x, part, rows % 3, epsilon);
// launch: second<<<min(rows, 4), 32>>>(part, y, positive, 7)
"""
    found = launches_of(text, INTERFACE)
    first, second = found.plan(SIZES)
    assert first == ("first", (19, 5, 1), (16, 2, 1), 128, ("x", "part", 2, 1e-5))
    assert second == ("second", (4, 1, 1), (32, 1, 1), 0, ("part", "y", "positive", 7))
    assert found.scratch_bytes(SIZES) == {"part": 8 * (5 * 315 // 16)}
    assert found.signature(found.launches[0]) == ("const float*", "double*", "int64_t", "double")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "got none"),
        ("// launch: k<<<rows>>>(x)", "kernel<<<grid, block>>>"),
        ("// launch: k<<<__import__('os'), 1>>>(x)", "expected whole numbers, rows, columns"),
        ("// launch: k<<<rows.real, 1>>>(x)", "expected whole numbers"),
        ("// launch: k<<<2 ** 70, 1>>>(x)", "expected whole numbers"),
        ("// launch: k<<<(1, 1, 1, 1), 1>>>(x)", "one to three numbers"),
        ("// launch: k<<<1, 1>>>(x + 1)", "or one of x, y, positive, epsilon by itself"),
        ("// launch: k<<<1, 1>>>(nobody)", "got 'nobody'"),
        (f"// launch: k<<<{'1+' * 300}1, 1>>>(x)", "at most 400 characters"),
        ("// scratch: x float32[4]", "one of the interface's"),
        ("// scratch: a half[4]", "expected `// scratch: name dtype[count]`"),
        ("// scratch: a int32[4]\n// scratch: a int32[4]", "a name of its own"),
        ("// launch: k<<<1, 1>>>(x)\n" * 40, "at most 32"),
    ],
)
def test_what_is_no_launch_is_told_with_what_was_expected(line: str, words: str) -> None:
    with pytest.raises(CandidateFault, match="invalid") as caught:
        launches_of(line, INTERFACE)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("// launch: k<<<rows - 6, 1>>>(x)", "a number from 0 to 2^62, got -1"),
        ("// launch: k<<<rows - 5, 1>>>(x)", "expected a grid of 1 to"),
        ("// launch: k<<<1, rows * columns>>>(x)", "at most 1024 threads"),
        ("// launch: k<<<1, (1, 1, 65)>>>(x)", "expected a grid of 1 to"),
        ("// launch: k<<<1, 1, columns * 1024>>>(x)", "bytes of shared memory"),
        ("// launch: k<<<1 / (rows - 5), 1>>>(x)", "a division by zero"),
        ("// scratch: a int32[columns << 40]\n// launch: k<<<1, 1>>>(x)", "expected whole numbers"),
        ("// scratch: a int32[columns * 1000000]\n// launch: k<<<1, 1>>>(x)", "at most 256 MiB"),
    ],
)
def test_a_launch_that_no_device_takes_is_told_with_its_sizes(line: str, words: str) -> None:
    with pytest.raises(CandidateFault) as caught:
        launches_of(line, INTERFACE).plan(SIZES)
    assert caught.value.status is Status.INVALID
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "#ifdef __CUDA_ARCH__\n#endif",
        "#if 1\n#endif",
        " %: if 1",
        "#inc\\\nlude <unistd.h>",
        "#include <torch/extension.h>",
        "/* */ # include <unistd.h>",
        "int a = __CUDACC_VER_MAJOR__;",
        "#define glue(a, b) a##b",
        'void f() { asm("nop"); }',
        "char* p = emulated::dynamic_shared;",
    ],
)
def test_a_text_that_may_differ_between_compilers_is_refused(text: str) -> None:
    with pytest.raises(CandidateFault, match="expected"):
        check_text(cuda(text))
    assert evaluator_of("kernel").screen(PROBLEM, changed(("// A block", f"{text}\n// A block"))) is not None


def test_a_kernel_is_compiled_and_right_and_what_it_needs_is_told(bubblewrap: Sandbox, nvcc: None) -> None:
    with evaluator_of("kernel").open(PROBLEM, SEED, Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        assert verify(PROBLEM, kernel) <= 1.0
        assert kernel.cuda is not None
        assert [each.architecture for each in kernel.cuda.image.resources] == list(ARCHITECTURES)
        for each in kernel.cuda.image.resources:
            assert each.kernel == "scale"
            assert 8 <= each.registers <= 64
            assert each.shared_bytes == 64 * 12
            assert (each.stack_bytes, each.spill_bytes) == (0, 0)
        assert kernel.cuda.image.access_bytes == 4
        assert "emulated" in session.labels
        with pytest.raises(ProblemError, match="compiled, not run: right in the emulator"):
            PROBLEM.measure(kernel, PROBLEM.workloads("train")[0])


def test_what_does_not_compile_is_told_in_the_compilers_words(bubblewrap: Sandbox, nvcc: None) -> None:
    word = judge_inline(PROBLEM, changed(("above[0];", "below[0];")))
    assert word.status is Status.INVALID
    assert 'identifier "below" is undefined' in word.detail


def test_a_kernel_that_is_launched_and_not_defined_is_named(bubblewrap: Sandbox, nvcc: None) -> None:
    rooms = Rooms(PROBLEM.limits.for_workloads(9), bubblewrap)
    with pytest.raises(CandidateFault, match="launch of scale: expected a kernel of that name"):
        built_cuda(
            changed(('extern "C" __global__ void scale(', "__global__ void scale(")), INTERFACE, rooms, "bubblewrap"
        )


WRONG = {
    "a barrier is missing": ([("        __syncthreads();\n        if", "        if")], Status.INCORRECT, ""),
    "only some threads reach a barrier": (
        [
            (
                "    __syncthreads();\n    const double root",
                "    if (threadIdx.x < 9) __syncthreads();\n    const double root",
            )
        ],
        Status.CRASHED,
        "9 of its threads at __syncthreads",
    ),
    "a barrier is waited for in vain": (
        [("    const double root", "    if (threadIdx.x < 9) __syncwarp();\n    const double root")],
        Status.CRASHED,
        "9 in a warp operation whose other lanes do not come",
    ),
    "a lane is asked that has returned": (
        [
            (
                "    const double root",
                "    if (threadIdx.x == 40) return;\n    __shfl_sync(~0u, 1, 8);\n    const double root",
            )
        ],
        Status.CRASHED,
        "waits for ever",
    ),
    "an index is beyond its array": (
        [("squares[threadIdx.x] = 0.0", "squares[threadIdx.x + 1] = 0.0")],
        Status.CRASHED,
        "thread (63, 0, 0): an index is outside of its array, line 12",
    ),
    "a vector lies off its alignment": (
        [("row[i] > 0.0f", "((const float4*)(row + i))->x > 0.0f")],
        Status.CRASHED,
        "not a multiple of its type's alignment",
    ),
    "it writes behind its output": (
        [("positive[blockIdx.x] =", "positive[blockIdx.x + 1] =")],
        Status.CRASHED,
        "writes an address outside of its buffers",
    ),
    "it reads before its input": (
        [("row[i] > 0.0f", "row[i - 300] > 0.0f")],
        Status.CRASHED,
        "reads an address outside of its buffers",
    ),
    "it changes its input": (
        [("above[threadIdx.x] = 0;", "above[threadIdx.x] = 0; *(float*)x = 1;")],
        Status.CRASHED,
        "writes to its input x",
    ),
    "blocks meet where one of them writes": (
        [("positive[blockIdx.x] = above[0]", "positive[blockIdx.x] = above[0], y[0] += 0.0f")],
        Status.CRASHED,
        "a race: blocks",
    ),
    "blocks wait for one another": (
        [
            ("// launch", "// scratch: turn int32[1]\n// launch"),
            ("columns, epsilon)", "columns, epsilon, turn)"),
            ("double epsilon)", "double epsilon, int32_t* turn)"),
            ("    const double root", "    while (atomicAdd(turn, 0) != blockIdx.x);\n    const double root"),
        ],
        Status.TIMEOUT,
        "",
    ),
    "it writes behind its shared memory": (
        [
            ("<<<rows, THREADS>>>", "<<<rows, THREADS, 64>>>"),
            (
                "    __shared__ int32_t above",
                "    extern __shared__ float more[];\n    more[17] = 1;\n    __shared__ int32_t above",
            ),
        ],
        Status.CRASHED,
        "wrote behind its 64 bytes of dynamic shared memory",
    ),
    "it writes outside of its scratch": (
        [
            ("// launch", "// scratch: more float32[rows]\n// launch"),
            ("columns, epsilon)", "columns, epsilon, more)"),
            ("double epsilon)", "double epsilon, float* more)"),
            ("above[threadIdx.x] = 0;", "above[threadIdx.x] = 0; more[-1] = 1;"),
        ],
        Status.CRASHED,
        "wrote outside of scratch more",
    ),
    "its parameters are of other types": (
        [("int64_t columns, double epsilon)", "int columns, double epsilon)")],
        Status.INVALID,
        "",
    ),
}


@pytest.mark.parametrize(("changes", "status", "words"), WRONG.values(), ids=WRONG)
def test_the_emulator_finds_out_a_kernel_that_is_wrong(
    changes: list[tuple[str, str]], status: Status, words: str, bubblewrap: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nvcc, which has nothing to do with it and costs most of the time."""
    unbuilt = Image(b"", (), 0, cached=False, cost=Cost())

    def only_emulated(candidate, interface, rooms, sandbox):
        launches = launches_of(candidate.source, interface)
        return CudaBuild(launches, unbuilt, emulated(candidate, launches, rooms, sandbox))

    monkeypatch.setattr(kind, "built_cuda", only_emulated)
    with (
        pytest.raises(CandidateFault) as caught,
        evaluator_of("kernel").open(PROBLEM, changed(*changes), Place(PROBLEM.limits, bubblewrap)) as session,
    ):
        verify(PROBLEM, session.subject)
    assert caught.value.status is status
    assert words in str(caught.value)
