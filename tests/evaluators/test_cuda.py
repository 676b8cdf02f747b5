"""CUDA kernels without a GPU: how they are launched, what nvcc tells of them, and what the emulator finds out."""

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Cost,
    Place,
    Sandbox,
    SourceFile,
    Status,
    evaluator_of,
    judge_inline,
)
from speciate.evaluators._room import Rooms
from speciate.evaluators.check._kernel_designs import KernelDesigns
from speciate.evaluators.check._trials import Design
from speciate.evaluators.kernel._arena import POISONS, Contents, guard_words, laid
from speciate.evaluators.kernel._case import Case
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._cuda import ARCHITECTURES, CudaBuild, Image, built_cuda, check_text, emulated
from speciate.evaluators.kernel._launches import launches_of
from speciate.evaluators.kernel._modelled import TRACE_BYTES
from speciate.evaluators.kernel._trace import launches, written
from speciate.evaluators.kinds import _kernel as kind
from support.row_scale.problem import RowScale

from tests.conftest import needs_nvcc

pytestmark = pytest.mark.usefixtures("own_kernel_cache")

PROBLEM = RowScale("cuda")
INTERFACE = PROBLEM.interface
SEED = PROBLEM.seed()
SIZES = {"rows": 5, "columns": 300}


@pytest.fixture
def nvcc() -> None:
    needs_nvcc()


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
        "#inc\\ \nlude <unistd.h>",
        'auto a = "/*";\n#if 1\n#endif\nauto b = "*/";',
        "int a = 1'0 + '\"' + 2 + '\"';",
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
        found, again = (PROBLEM.measure(kernel, PROBLEM.workloads("train")[0]) for _ in range(2))
        assert found == again
        assert set(session.labels) == {"emulated", "modelled"}
        assert found.feedback.startswith("modelled on H100, not measured")
        assert found.objective >= 1.0 == PROBLEM.bound(PROBLEM.workloads("train")[0])
        assert any("scale on sm_90" in line for line in found.trace)


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
    "only some threads reach a barrier": ("if (threadIdx.x < 9) __syncthreads();", "9 of its threads at __syncthreads"),
    "a lane waits in vain": (
        "if (threadIdx.x < 9) __syncwarp();",
        "9 in a warp operation whose other lanes do not come",
    ),
    "a lane has returned": ("if (threadIdx.x == 40) return; __shfl_sync(~0u, 1, 8);", "waits for ever"),
    "a lane is left out": ("__shfl_sync(0xffu << threadIdx.x / 8 * 8, 1, 0, 32);", "takes no part"),
    "lanes name different masks": ("__ballot_sync(threadIdx.x % 2 ? ~0u : 0xffffu, 1);", "masks"),
    "an index is beyond its array": (
        "squares[threadIdx.x + 1] = 0.0;",
        "thread (63, 0, 0): an index is outside of its array",
    ),
    "a vector lies off its alignment": (
        "above[0] = ((const float4*)(x + 1))->x;",
        "not a multiple of its type's alignment",
    ),
    "it reads before its input": ("above[0] = x[-1];", "reads an address outside of its buffers"),
    "it writes behind its output": ("positive[rows] = 1;", "writes an address outside of its buffers"),
    "it changes its input": ("*(float*)x = 1;", "writes to its input x"),
    "it writes behind its shared memory": ("dynamic[17] = 1;", "behind its 64 bytes of dynamic shared memory"),
    "it writes outside of its scratch": ("more[-1] = 1;", "wrote outside of scratch more"),
    "blocks race": ("more[0] += 1;", "a race: blocks"),
    "blocks race by atomics and reads": ("atomicAdd(more, 1.0f); positive[blockIdx.x] = more[0];", "a race: blocks"),
}
RIGHT = {
    "blocks meet by atomics": "atomicAdd(more + 1, 1.0f);",
    "the last block reads what the others published": (
        "if (threadIdx.x == 0) { more[2 + blockIdx.x] = 1.0f; __threadfence(); "
        "if (atomicAdd((int32_t*)more + 1, 1) == (int32_t)gridDim.x - 2) "
        "for (int i = 0; i < gridDim.x; i++) positive[blockIdx.x] += (int32_t)more[2 + i]; }"
    ),
}


def with_branches() -> Candidate:
    """Return the seed with all of that in it, each for a number of rows of its own: one build does for all."""
    bodies = [body for body, _ in WRONG.values()] + list(RIGHT.values())
    branches = "".join(f"    if (rows == {FIRST + i}) {{ {body} }}\n" for i, body in enumerate(bodies))
    return changed(
        (
            "// launch: scale<<<rows, THREADS>>>(",
            "// scratch: more float32[rows + 2]\n// launch: scale<<<rows, THREADS, 64>>>(more, rows, ",
        ),
        ("scale(const", "scale(float* more, int64_t rows, const"),
        ("    __shared__ double squares", "    extern __shared__ float dynamic[];\n    __shared__ double squares"),
        ("    const double root", f"{branches}    const double root"),
    )


FIRST = 10


@pytest.mark.parametrize("name", [*WRONG, *RIGHT])
def test_the_emulator_tells_what_no_device_would_forgive(name: str, bubblewrap: Sandbox, only_emulated: None) -> None:
    at = [*WRONG, *RIGHT].index(name)
    case = Case({"rows": FIRST + at, "columns": 3}, "normal", 0)
    rng = np.random.default_rng(at)
    with evaluator_of("kernel").open(PROBLEM, with_branches(), Place(PROBLEM.limits, bubblewrap)) as session:
        slot = laid(INTERFACE, case.sizes)
        contents = Contents(session.subject.arena, slot, PROBLEM.inputs(case.sizes, "normal", rng), guard_words(rng))
        session.subject.prepare([slot])
        contents.write(POISONS[0])
        if name in RIGHT:
            session.subject.run()
            return
        with pytest.raises(CandidateFault, match="crashed") as caught:
            session.subject.run()
    assert WRONG[name][1] in str(caught.value)


TRACED = """
#include <cstdint>
// launch: traced<<<1, 32>>>(x, y, positive)
extern "C" __global__ void traced(const float* x, float* y, int32_t* positive) {
    const float4 v = ((const float4*)x)[threadIdx.x], w = ((const float4*)x)[threadIdx.x + 32];
    ((float4*)y)[threadIdx.x] = make_float4(v.x + w.x, v.y + w.y, v.z + w.z, v.w + w.w);
    float sum = 0.0f;
    for (int i = threadIdx.x; i < 192 - threadIdx.x / 16 * 32; i += 32) sum += x[i];
    y[threadIdx.x] = sum;
    y[threadIdx.x + 32] = x[positive[threadIdx.x] & 7];
}
"""
FOUR_TURNS = [False, True, True, True]


def test_a_vector_is_one_access_and_loads_that_need_not_wait_are_asked_for_together(
    bubblewrap: Sandbox, only_emulated: None
) -> None:
    sizes, rng = {"rows": 32, "columns": 8}, np.random.default_rng(0)
    with evaluator_of("kernel").open(PROBLEM, cuda(TRACED), Place(PROBLEM.limits, bubblewrap)) as session:
        kernel = session.subject
        slot = laid(INTERFACE, sizes, TRACE_BYTES)
        contents = Contents(kernel.arena, slot, PROBLEM.inputs(sizes, "normal", rng), guard_words(rng))
        kernel.prepare([slot])
        contents.write(POISONS[0])
        traces = []
        for _ in range(2):  # Threads run in another order in each call, but where they are written down.
            kernel.record(TRACE_BYTES // 8)
            kernel.run()
            (launch,) = launches(written(kernel.arena, TRACE_BYTES))
            (program,) = launch.programs
            traces.append([(each.kind, each.item_bytes, each.joined) for each in program.accesses])
    assert traces[0] == traces[1]
    assert [access[:2] for access in traces[0]] == [
        *[("load", 16), ("load", 16), ("store", 16)],
        *[("load", 4)] * 6,
        *[("store", 4), ("load", 4), ("load", 4), ("store", 4)],
    ]
    waits_for_an_index = [False, False, False]
    together = [False, True, False, *FOUR_TURNS, *FOUR_TURNS[:2], False, *waits_for_an_index]
    assert [joined for _, _, joined in traces[0]] == together


HOSTILE = [each.design for each in KernelDesigns().attacks(PROBLEM, SEED, 0.0, ())]
HOSTILE += KernelDesigns().constants(PROBLEM)
HOSTILE.append(Design("lacks a barrier", changed(("        __syncthreads();\n        if", "        if")), "attack"))


@pytest.fixture
def only_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nvcc, which has nothing to do with what is right and costs most of the time."""
    unbuilt = Image(b"", (), 0, cached=False, cost=Cost())

    def build(candidate, interface, rooms, sandbox):
        launches = launches_of(candidate.source, interface)
        return CudaBuild(launches, unbuilt, emulated(candidate, launches, rooms, sandbox))

    monkeypatch.setattr(kind, "built_cuda", build)


def fault_of(candidate: Candidate, sandbox: Sandbox, **limits: float) -> CandidateFault:
    evaluator, allowed = evaluator_of("kernel"), PROBLEM.limits.model_copy(update=limits)
    assert evaluator.screen(PROBLEM, candidate) is None
    with (
        pytest.raises(CandidateFault) as caught,
        evaluator.open(PROBLEM, candidate, Place(allowed, sandbox)) as session,
    ):
        verify(PROBLEM, session.subject)
    return caught.value


@pytest.mark.parametrize("design", HOSTILE, ids=lambda design: design.name)
def test_every_design_that_does_not_do_its_work_can_be_launched(design) -> None:
    assert evaluator_of("kernel").screen(PROBLEM, design.candidate) is None
    launches_of(design.candidate.source, INTERFACE).plan(SIZES)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("lacks a barrier", Status.INCORRECT),
        ("does nothing", Status.INCORRECT),
        ("answers in half precision", Status.INCORRECT),
        ("loops for ever", Status.TIMEOUT),
        ("has blocks race", Status.CRASHED),
    ],
)
def test_a_kernel_in_cuda_that_does_not_do_its_work_fails(
    name: str, status: Status, bubblewrap: Sandbox, only_emulated: None
) -> None:
    design = next(each for each in HOSTILE if each.name == name)
    waited_for = {"decision_cpu_s": 1.0} if status is Status.TIMEOUT else {}
    assert fault_of(design.candidate, bubblewrap, **waited_for).status is status
