"""Kernels on a GPU, which is a stand-in here: found, held by one, right or not, timed by its marks."""

import ctypes
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from mmap import PAGESIZE, mmap

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Cost,
    Limits,
    Place,
    Sandbox,
    SandboxError,
    Status,
    _gpu_worker,
    evaluator_of,
)
from speciate.evaluators._gpu_driver import Driver, DriverError
from speciate.evaluators._gpu_worker import FLUSH_SHARE, FLUSHES_MOST, Call, Cover, Mirror
from speciate.evaluators._room import Rooms
from speciate.evaluators.kernel import _gpus, _on_gpu, _triton_plan
from speciate.evaluators.kernel._arena import Slot, laid
from speciate.evaluators.kernel._bars import BarError
from speciate.evaluators.kernel._best_bar import BestBar, best_bar
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._cuda import CudaBuild, Image, Resources, emulated
from speciate.evaluators.kernel._gpu_runner import Code, DeviceCode, GpuBar, GpuKernel, TorchCode
from speciate.evaluators.kernel._gpu_timing import GpuTiming, timed_on_gpu
from speciate.evaluators.kernel._launches import launches_of
from speciate.evaluators.kernel._modelled import MODELLED
from speciate.evaluators.kernel._triton_build import Assembled
from speciate.evaluators.kernel._triton_plan import Laid, Plan, TritonCode, built_for, read
from speciate.evaluators.kinds import _kernel as kind
from speciate.runs import _health
from support.own_process import TESTS
from support.row_scale.problem import RowScale
from support.stand_in_driver import stand_in_driver

from tests.conftest import needs_nvcc, needs_triton

PASSED = TESTS / "support/triton_arguments.py"
ARGUMENTS = "x, y, positive, columns, epsilon"
SIZES = {"rows": 8, "columns": 320}
LIMITS = Limits(wall_s=60.0, cpu_s=30.0, decision_wall_s=1.0, start_wall_s=20.0, memory_bytes=1 << 30)


@pytest.fixture(scope="module")
def image(own_kernel_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    needs_nvcc()
    with stand_in_driver(tmp_path_factory.mktemp("driver")) as found:
        yield found


@pytest.fixture(scope="module")
def problem(image: bytes) -> RowScale:
    return RowScale("cuda")


def launched(image: bytes, line: str, scratch: str = "") -> DeviceCode:
    return DeviceCode(image, launches_of(f"{scratch}\n// launch: {line}({ARGUMENTS})\n", RowScale("cuda").interface))


def kernel_of(problem: RowScale, code: Code, seed: int = 7) -> GpuKernel:
    return GpuKernel(_gpus.usable()[0], code, problem.arena_bytes, LIMITS, seed)


def raced(problem: RowScale, image: bytes, name: str) -> GpuTiming:
    """Return the timing of a kernel against ``scale``, which takes half a millisecond."""
    bar = GpuBar("scale", _gpus.usable()[0], launched(image, "scale<<<rows, 64>>>"), problem.arena_bytes, LIMITS)
    with closing(bar), closing(kernel_of(problem, launched(image, f"{name}<<<rows, 64>>>"))) as kernel:
        return timed_on_gpu(problem, kernel, bar, SIZES, np.random.default_rng(0))


def test_gpus_are_found_where_there_is_a_driver(image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _gpus.usable()
    assert first.words == "Stand-in H100 (sm_90, 132 SMs, 0 MiB L2, 3352 GB/s)"
    assert (first.place, second.place) == ("0", "1")
    assert _health._gpus().told == f"{first.words}; {second.words}: kernels in CUDA and Triton are timed there"
    assert _gpus.state(first) == (1755.0, 2619.0, 41.0, 321.5, 700.0)
    monkeypatch.setenv(_gpus.VISIBLE, "1")
    _gpus.look.cache_clear()
    assert _gpus.usable() == (second._replace(place="1"),)
    monkeypatch.setattr(_gpus._gpu_driver, "LIBRARY", "libcuda-of-nobody.so")
    _gpus.look.cache_clear()
    assert _gpus.usable() == ()
    assert _health._gpus().told.startswith("none found: ")
    monkeypatch.setattr(_gpus._gpu_driver, "LIBRARY", "libc.so.6")
    _gpus.look.cache_clear()
    assert _gpus.usable() == ()
    assert re.match(r"none found \(libc\.so\.6: .*cuInit", _health._gpus().told)
    monkeypatch.undo()
    _gpus.look.cache_clear()


def test_each_candidate_has_a_gpu_of_its_own(image: bytes) -> None:
    both = _gpus.usable()
    with _gpus.claimed(both) as one, _gpus.claimed(both) as other:
        assert {one, other} == set(both)
        with pytest.raises(SandboxError, match="expected one of 2 GPUs to be free"), _gpus.claimed(both, 0.0):
            pass
    with _gpus.claimed(both[1:]) as again:
        assert again == both[1]


def test_a_right_kernel_is_timed_by_the_devices_marks(problem: RowScale, image: bytes) -> None:
    with closing(kernel_of(problem, launched(image, "quick<<<rows, 64>>>"))) as kernel:
        assert 0 < verify(problem, kernel) <= 1.0
    found = raced(problem, image, "quick")
    assert (found.ratio, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.kernel_s, found.bar_s) == pytest.approx((0.25e-3, 0.5e-3))
    assert found.graph_s == pytest.approx(0.025e-3), "its inputs are in the cache"
    assert found.state is not None
    assert 0 < found.copy_s < found.kernel_s


def test_a_kernel_may_be_launched_with_more_shared_memory_and_then_with_less(problem: RowScale, image: bytes) -> None:
    more, less = (f"// launch: scale<<<rows, 64, {shared}>>>({ARGUMENTS})\n" for shared in (90_000, 0))
    code = DeviceCode(image, launches_of(more + less, problem.interface))
    with closing(kernel_of(problem, code)) as kernel:
        assert 0 < verify(problem, kernel) <= 1.0


def test_what_a_kernel_keeps_in_the_cache_is_taken_from_it(problem: RowScale, image: bytes) -> None:
    assert raced(problem, image, "keeping").ratio == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "words"), [("later", "work goes on behind the end"), ("impossible", "impossible: one call takes")]
)
def test_times_that_cannot_be_are_cheating(problem: RowScale, image: bytes, name: str, words: str) -> None:
    with pytest.raises(CandidateFault, match=words) as caught:
        raced(problem, image, name)
    assert caught.value.status is Status.CHEATED


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("zero<<<rows, 64>>>", Status.INCORRECT, "times the error allowed"),
        ("idle<<<rows, 64>>>", Status.INCORRECT, "was never written"),
        ("beyond<<<rows, 64>>>", Status.INCORRECT, "wrote outside of its buffers, behind positive"),
        ("spoiling<<<rows, 64>>>", Status.INCORRECT, "changed its input x"),
        ("faulty<<<rows, 64>>>", Status.CRASHED, "CUDA_ERROR_ILLEGAL_ADDRESS"),
        ("endless<<<rows, 64>>>", Status.TIMEOUT, "a call on the GPU took longer than 1 s"),
        ("scale<<<rows, 1024>>>", Status.INVALID, "on Stand-in H100: cuLaunchKernel"),
        ("scale<<<rows, 64, 160000>>>", Status.INVALID, "on Stand-in H100: cuFuncSetAttribute"),
        ("wide<<<rows, 64>>>", Status.INVALID, "parameters of up to 8 bytes, it has some of [8, 8, 8, 8, 16]"),
        ("scratching<<<rows, 64>>>", Status.INVALID, "kernel scratching: expected 5 parameters"),
        ("nobody<<<rows, 64>>>", Status.INVALID, "on Stand-in H100: cuModuleGetFunction"),
    ],
)
def test_a_kernel_that_is_not_right_or_not_launched_fails(
    line: str, status: Status, words: str, problem: RowScale, image: bytes
) -> None:
    with closing(kernel_of(problem, launched(image, line))) as kernel, pytest.raises(CandidateFault) as caught:
        verify(problem, kernel)
    assert caught.value.status is status
    assert words in str(caught.value)


def test_scratch_has_guards_too(problem: RowScale, image: bytes) -> None:
    text = f"// scratch: more float32[rows]\n// launch: scratching<<<rows, 64>>>({ARGUMENTS}, more)\n"
    code = DeviceCode(image, launches_of(text, problem.interface))
    with closing(kernel_of(problem, code)) as kernel, pytest.raises(CandidateFault, match="outside of scratch more"):
        verify(problem, kernel)


def test_a_process_that_does_not_load_is_no_fault_of_the_kernel(problem: RowScale, image: bytes) -> None:
    gpu = _gpus.usable()[0]
    with pytest.raises(SandboxError, match="the process that drives Stand-in H100"):
        GpuKernel(gpu._replace(place=""), launched(image, "scale<<<rows, 64>>>"), problem.arena_bytes, LIMITS, 7)


def test_device_code_that_no_driver_takes_is_the_kernels_fault(problem: RowScale, image: bytes) -> None:
    with pytest.raises(CandidateFault, match="on Stand-in H100: cuModuleLoadData: ") as caught:
        kernel_of(problem, launched(b"/nowhere\0", "scale<<<rows, 64>>>"))
    assert caught.value.status is Status.INVALID


@pytest.mark.usefixtures("image")
def test_an_old_driver_makes_no_graphs_and_one_that_does_not_tell_parameters_is_refused() -> None:
    driver = Driver()
    assert driver.makes_graphs
    driver._library = object()
    assert not driver.makes_graphs
    with pytest.raises(DriverError, match="for CUDA 12\\.4 or newer"):
        driver.parameters(ctypes.c_void_p(), 1)


def test_a_form_that_is_long_in_launching_is_launched_behind_more_flushes(
    image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, memory = Driver(), mmap(-1, PAGESIZE)
    driver.open(0)
    mirror = Mirror(driver, memory, 1 << 10)
    cover, filled, fill = Cover(mirror), [], driver.fill
    monkeypatch.setattr(driver, "fill", lambda *given: (filled.append(given[-1]), fill(*given)))
    for clock, flushes in ((0.0, 1), (5e-4, 11), (1.0, FLUSHES_MOST), (0.0, 1)):
        with monkeypatch.context() as patch:
            patch.setattr(_gpu_worker.time, "perf_counter", iter((0.0, clock)).__next__)
            cover.launched(lambda: None)
        mirror.flush_s = 1e-4
        call = Call(mirror, (0, PAGESIZE), lambda: None, [])
        call.flushes = cover.flushes
        filled.clear()
        call.made()
        assert filled == [FLUSH_SHARE << 10] * flushes
        assert 0 < mirror.flush_s < 1


def test_a_form_whose_library_is_not_here_is_no_bar(
    problem: RowScale, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = TorchCode(str(problem.folder / "bars.py"), "numpy_form", problem.interface)
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(BarError, match="bar numpy_form: ModuleNotFoundError: No module named 'torch'"):
        GpuBar("numpy_form", _gpus.usable()[0], code, problem.arena_bytes, LIMITS)


@pytest.fixture
def built_for_the_stand_in(image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(candidate, launches, rooms, sandbox) -> Image:
        needs = Resources("scale", "sm_90", registers=32, spill_bytes=0, stack_bytes=0, shared_bytes=768)
        return Image(image, (needs,), 4, cached=False, cost=Cost())

    def build(candidate: Candidate, interface, rooms, sandbox) -> CudaBuild:
        launches = launches_of(candidate.source, interface)
        device = compiled(candidate, launches, rooms, sandbox)
        return CudaBuild(launches, device, emulated(candidate, launches, rooms, sandbox))

    monkeypatch.setattr(kind, "built_cuda", build)
    monkeypatch.setattr(kind, "compiled", compiled)


def test_a_cuda_problem_is_timed_where_there_is_a_gpu(
    problem: RowScale, bubblewrap: Sandbox, built_for_the_stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowScale, "bars", ())
    loaded: list[object] = []

    class Watched(GpuKernel):
        def __init__(self, gpu: _gpus.Gpu, code: Code, *rest):
            loaded.extend(code.told["images"])
            super().__init__(gpu, code, *rest)

    def chosen(*given) -> BestBar:
        found = best_bar(*given)
        assert not loaded, "a candidate that takes all of the device's memory fails every bar"
        return found

    monkeypatch.setattr(_on_gpu, "GpuKernel", Watched)
    monkeypatch.setattr(_on_gpu, "best_bar", chosen)
    assert problem.objective.unit == "of the best known form's time on Stand-in H100"
    assert (problem.noisy, problem.is_modelled, problem.version) == (True, False, "1 on Stand-in H100")
    assert RowScale("cuda", "H100").is_modelled
    (workload,) = problem.workloads("train")
    with evaluator_of("kernel").open(problem, problem.seed(), Place(problem.limits, bubblewrap)) as session:
        found = problem.measure(session.subject, workload)
    assert session.labels == ["Stand-in H100"]
    assert MODELLED not in session.labels
    assert found.objective == pytest.approx(1.0)
    assert found.metrics["device_s"] == pytest.approx(0.5e-3)
    assert found.metrics["modelled_s"] > 0
    assert found.metrics["temperature_c"] == 41.0
    assert found.feedback.startswith("500 us a call on Stand-in H100, measured on cold inputs, 1.000 times that")
    assert found.trace[0].startswith("modelled on H100, not measured")
    assert loaded
    floor = problem.bound(workload)
    assert floor is not None
    assert 0 < floor < 1


@pytest.fixture(scope="module")
def in_triton(image: bytes) -> RowScale:
    needs_triton()
    return RowScale("triton")


def planned(problem: RowScale, source: str, sandbox: Sandbox, slots: Sequence[Slot] = ()) -> TritonCode:
    candidate = Candidate.from_source(source, path="kernel.py")
    rooms, place = Rooms(problem.limits, sandbox), Place(problem.limits, sandbox)
    return built_for(problem, candidate, slots or [laid(problem.interface, SIZES)], rooms, place).code


def test_a_call_in_triton_is_launched_as_tritons_own_launcher_does_it(in_triton: RowScale, bubblewrap: Sandbox) -> None:
    aligned, shifted = (laid(in_triton.interface, SIZES, 4096, shift) for shift in (0, 1))
    code = planned(in_triton, PASSED.read_text(encoding="utf-8"), bubblewrap, [aligned, shifted])
    assert all(each.startswith(b"\x7fELF") for each in code.images.values())
    (x, y, _), told = (span.start for span in aligned.buffers), code.call(aligned)
    assert told["scratch"] == {"tensor 0": 28, "tensor 1": 256, "global of launch 0": 8 * 2 * 128}
    first, second = told["launches"]
    assert [(each["kernel"], each["grid"], each["block"]) for each in (first, second)] == [
        ("first", (8, 2, 1), (256, 1, 1)),
        ("second", (1, 1, 1), (128, 1, 1)),
    ]
    assert min(first["shared"], second["shared"]) > 0
    assert first["arguments"] == [
        ("buffer", x),
        ("buffer", y + 4 * SIZES["columns"]),
        ("number", SIZES["columns"]),
        ("number", int(np.float32(1e-5).view(np.uint32))),
        ("number", 1),
        ("number", 2**64 - 7),
        ("scratch", ("tensor 0", 0)),
        ("number", int(np.float16(1.5).view(np.uint16))),
        ("scratch", ("global of launch 0", 0)),
        ("number", 0),
    ]
    assert second["arguments"] == [("scratch", ("tensor 1", 64)), ("buffer", x), ("number", 0), ("number", 0)]
    apart = code.call(shifted)["launches"]
    assert apart[0]["arguments"][0] == ("buffer", shifted.buffers[0].start)
    assert apart[1]["image"] != second["image"], "stores of one and of four elements"


HOST = """
import ctypes
import torch
import triton
import triton.language as tl

KEPT = []

@triton.jit
def copy(x, y):
    tl.store(y, tl.load(x))

def row_scale(x, y, positive, rows, columns, epsilon):
    """


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("copy[(rows + int(x[0, 0]),)](x, y)", "torch: __int__ outside of kernels"),
        ("copy[(1 + (ctypes.c_int.from_address(x.data_ptr()).value != 0),)](x, y)", "two calls launch differently"),
        ("KEPT or KEPT.append(torch.empty(9)); copy[(1,)](x, KEPT[0])", "memory of an earlier call; take torch.empty"),
        ("copy[(1,)](x.mul_(2), y)", "torch: mul_ outside of kernels"),
        ("pass", "the function launched no kernel"),
        ("copy[(1,)](x, y, num_ctas=2)", "num_ctas: blocks are launched one by one"),
    ],
)
def test_a_call_in_triton_that_cannot_be_carried_out_is_told_so(
    body: str, words: str, in_triton: RowScale, bubblewrap: Sandbox
) -> None:
    with pytest.raises(CandidateFault, match=re.escape(words)) as caught:
        planned(in_triton, f"{HOST}{body}\n", bubblewrap)
    assert caught.value.status is Status.INVALID


def test_what_a_sandbox_tells_of_launches_is_anybodys_word(in_triton: RowScale) -> None:
    slot = laid(in_triton.interface, SIZES)
    launch = {"kernel": "k", "hash": "h", "grid": [7], "warps": 4, "stages": 3, "shared_bytes": 0, "beside": [0, 0]}
    kernels = {"h": {"ptx": "", "architecture": 90, "fused": True}}

    def told(argument: list[object], **changes: object) -> bytes:
        plan = {"launches": [{**launch, "arguments": [argument], **changes}], "own": [64]}
        return json.dumps({"calls": [plan], "kernels": kernels}).encode()

    calls = [Laid.of(slot)]
    (plan,) = read(told(["own", 0, 64]), calls, in_triton.interface).calls
    assert plan.scratch() == {"tensor 0": 64}
    wrong = [told(["own", 0, 65]), told(["own", 1, 0]), told(["buffer", 2, 33]), told(["buffer", 3, 0])]
    wrong += [told(["own", 0, 0]).replace(b"[64]", b"[0]")]
    wrong += [told(["bits", 2**64, 0]), told(["bits", -1, 0]), told(["bits", 0, 0], hash="g"), b"", b"{}"]
    wrong += [json.dumps({"calls": [], "kernels": kernels}).encode()]
    for reply in wrong:
        with pytest.raises(CandidateFault, match="the list of its launches") as caught:
            read(reply, calls, in_triton.interface)
        assert caught.value.status is Status.PROTOCOL
    for reply, words in (
        (told(["bits", 0, 0], grid=[1, 70000]), "launch of k: expected a grid of 1 to"),
        (told(["bits", 0, 0], beside=[1 << 27, 0]), "expected at most 256 MiB of its own"),
    ):
        with pytest.raises(CandidateFault, match=words) as caught:
            read(reply, calls, in_triton.interface)
        assert caught.value.status is Status.INVALID


def _with_halves(plan: Plan) -> Plan:
    return Plan.model_validate_json(plan.model_dump_json().replace("quotients", "halves"))


@pytest.fixture
def assembled_for_the_stand_in(image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def assembled(kernels, architectures, rooms) -> dict[str, Assembled]:
        assert architectures == (90,)
        return dict.fromkeys(kernels, Assembled("", image))

    monkeypatch.setattr(_triton_plan, "assembled", assembled)


def test_a_problem_in_triton_is_judged_and_timed_where_there_is_a_gpu(
    in_triton: RowScale, bubblewrap: Sandbox, assembled_for_the_stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowScale, "bars", ())
    assert (in_triton.noisy, in_triton.is_modelled, in_triton.version) == (True, False, "1 on Stand-in H100")
    assert RowScale("triton", "H100").is_modelled
    (workload,) = in_triton.workloads("train")
    with evaluator_of("kernel").open(in_triton, in_triton.seed(), Place(in_triton.limits, bubblewrap)) as session:
        found, code = in_triton.measure(session.subject, workload), session.subject.code
    assert session.labels == ["Stand-in H100"]
    assert found.objective == pytest.approx(1.0)
    assert found.metrics["device_s"] == pytest.approx(0.25e-3 + 0.025e-3)
    assert found.metrics["modelled_s"] > 0
    assert found.feedback.startswith("275 us a call on Stand-in H100, measured on cold inputs, 1.000 times that")
    assert found.trace[0].startswith("modelled on H100, not measured")
    assert any("quotients on sm_90" in line for line in found.trace)
    assert isinstance(code, TritonCode)
    halved = {call: _with_halves(plan) for call, plan in code.plans.items()}
    with closing(kernel_of(in_triton, code._replace(plans=halved), session.subject.seed)) as kernel:
        with pytest.raises(CandidateFault, match=r"on Stand-in H100: .* y\[0, 0\]: expected") as caught:
            verify(in_triton, kernel)
        assert caught.value.status is Status.INCORRECT
