"""Tasks of other frameworks: read from their own files, judged as our kernels are, and never run in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    JudgeTask,
    Place,
    ProblemError,
    ProblemRef,
    Sandbox,
    SourceFile,
    Status,
    evaluator_of,
    judge,
    load_problem,
    release_bars,
)
from speciate.evaluators.check._kernel_designs import KernelDesigns
from speciate.evaluators.kernel._checks import truth_of, verify
from speciate.evaluators.kernel._labels import calls_a_library
from speciate.evaluators.tasks import TaskProblem, release_oracles
from speciate.evaluators.tasks._kernelbench import as_candidate, kernelbench_task
from speciate.evaluators.tasks._literals import capped, literals, rewritten
from speciate.evaluators.tasks._robust_backward import robust_backward_task

FOLDER = Path(__file__).parent.parent / "foreign_tasks"
ROWS = FOLDER / "kernelbench" / "1_ScaledRows.py"
PICKED = FOLDER / "kernelbench" / "2_PickedRows.py"


@pytest.fixture(autouse=True, scope="module")
def _released(own_kernel_cache: None) -> Iterator[None]:
    yield
    release_bars()
    release_oracles()


def loaded(path: Path, **options: str) -> TaskProblem:
    found = load_problem(str(path), options)
    assert isinstance(found, TaskProblem)
    return found


def written(problem: TaskProblem, text: str) -> Candidate:
    return Candidate(files=(SourceFile(path=problem.interface.entry, text=text),), language=problem.interface.language)


def error_of(problem: TaskProblem, candidate: Candidate, sandbox: Sandbox) -> float:
    """Return the largest error of a candidate's checked calls, as a share of what is allowed."""
    evaluator = evaluator_of("kernel")
    assert evaluator.screen(problem, candidate) is None
    with evaluator.open(problem, candidate, Place(problem.limits, sandbox)) as session:
        return verify(problem, session.subject)


def shapes(problem: TaskProblem) -> dict[str, tuple[Any, ...]]:
    return {buffer.name: (buffer.dtype, *buffer.shape) for buffer in problem.interface.buffers}


def test_sizes_are_rewritten_in_the_text_so_that_what_follows_from_them_follows() -> None:
    source = ROWS.read_text()
    found = literals(source, "task")
    assert {each.name: each.value for each in found} == {"rows": 65536, "width": 512}
    small = rewritten(source, found, {"rows": 96, "width": 64})
    assert "rows = 96\nwidth = 64\noutputs = width // 4\n" in small
    assert len(small.splitlines()) == len(source.splitlines())
    assert rewritten(source, found, {}) == source


def test_literals_in_tuples_and_behind_other_letters_are_found_where_they_stand() -> None:
    source = 'é = "ü"; shape = (3, 4096)\nn: int = 2 * 100 - 8\nflag = True\nx = y = 7\nname = len("abc")\n'
    found = literals(source, "task")
    assert {each.name: each.value for each in found} == {"shape_0": 3, "shape_1": 4096, "n": 192}
    assert rewritten(source, found, {"shape_1": 64, "n": 5}).startswith('é = "ü"; shape = (3, 64)\nn: int = 5\n')
    assert (capped(393216, 64), capped(100, 64), capped(64, 64), capped(3, 64)) == (48, 50, 64, 3)


def test_the_reference_becomes_a_candidate_of_the_tasks_own_contract() -> None:
    text = as_candidate(ROWS.read_text())
    assert "class ModelNew(nn.Module):" in text
    assert "super(ModelNew, self)" in text
    assert "get_inputs" not in text
    assert "get_init_inputs" not in text


def test_a_reference_that_holds_sizes_itself_is_judged_at_one_size() -> None:
    def held(body: str) -> bool:
        source = f"import torch\nn = 4096\nclass Model(torch.nn.Module):\n    def forward(self, x): return {body}\n"
        return kernelbench_task(Path("task.py"), source + "def get_inputs(): return [torch.rand(n)]\n").one_size

    assert held("x.reshape(n // 2, 2)")
    assert not held("[x for n in range(3)]")


def test_weights_and_derived_sizes_are_part_of_the_call_and_cuda_is_the_cpu(bubblewrap: Sandbox) -> None:
    problem = loaded(ROWS)
    assert problem.name == "kernelbench-1-scaledrows"
    assert set(shapes(problem)) == {
        *("x", "linear_weight", "linear_bias", "norm_weight", "norm_bias"),
        *("norm_running_mean", "norm_running_var", "norm_num_batches_tracked", "out"),
    }
    assert shapes(problem)["out"][0] == "float32"
    for sizes in problem.test_sizes:
        drawn = problem.inputs(sizes, "normal", np.random.default_rng(1))
        assert drawn["x"].shape[1] == 4 * drawn["linear_weight"].shape[0] == drawn["linear_weight"].shape[1]
    assert "```python" in problem.brief()
    assert calls_a_library(problem.seed(), "torch")


def test_a_seed_fixes_what_is_drawn_and_answers_are_reckoned_in_float64(bubblewrap: Sandbox) -> None:
    problem = loaded(ROWS)
    sizes = problem.test_sizes[0]
    one, same, other = (problem.inputs(sizes, "normal", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["x"], other["x"])
    assert not np.array_equal(one["linear_weight"], other["linear_weight"])
    exact = problem.reference(one, sizes, np.float64)["out"]
    single = problem.reference(one, sizes, np.float32)["out"]
    assert (exact.dtype, single.dtype) == (np.float64, np.float32)
    assert 0 < np.abs(exact - single).max() < 1e-6
    hidden = np.matmul(one["x"].astype(np.float64), one["linear_weight"].T) + one["linear_bias"]
    hidden = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5) * one["norm_weight"] + one["norm_bias"]
    powers = np.exp(0.5 * hidden - (0.5 * hidden).max(1, keepdims=True))
    assert np.abs(exact - powers / powers.sum(1, keepdims=True)).max() < 1e-12


def test_the_reference_is_right_and_timed_against_itself(bubblewrap: Sandbox) -> None:
    problem = loaded(ROWS)
    word = judge(JudgeTask(problem=ProblemRef(name=str(ROWS)), candidate=problem.seed(), sandbox=bubblewrap.name))
    assert word.status is Status.OK, word.detail
    assert "times that of reference" in word.measurements[0].feedback
    assert word.measurements[0].descriptors["origin"] == 1.0


PICKED_BY_HAND = """
import torch
class ModelNew(torch.nn.Module):
    def forward(self, values, targets):
        place = values.argmax(dim=1)
        rows = torch.arange(len(values))
        return values[rows, place], place, values[rows, targets]
"""


def test_several_outputs_and_whole_numbers_keep_their_kinds(bubblewrap: Sandbox) -> None:
    problem = loaded(PICKED)
    assert problem.interface.sizes == ("batch", "classes")
    assert shapes(problem) == {
        "values": ("float32", "batch", "classes"),
        "targets": ("int64", "batch"),
        "out_0": ("float32", "batch"),
        "out_1": ("int64", "batch"),
        "out_2": ("float32", "batch"),
    }
    assert error_of(problem, written(problem, PICKED_BY_HAND), bubblewrap) <= 1.0
    narrow = PICKED_BY_HAND.replace("return values[rows, place], place,", "return values[rows, place], place.int(),")
    with pytest.raises(CandidateFault, match=r"output 1: expected torch.int64 of shape .*, got torch.int32"):
        error_of(problem, written(problem, narrow), bubblewrap)


def test_what_does_not_do_its_work_is_wrong(bubblewrap: Sandbox) -> None:
    """All of them are judged by ``speciate check``; the one that needs the closest look is here."""
    problem = loaded(ROWS)
    attacks = {each.design.name: each.design for each in KernelDesigns().attacks(problem, problem.seed(), 0.0, ())}
    constants = {each.name: each for each in KernelDesigns().constants(problem)}
    assert len(attacks) == 7
    assert set(constants) == {"answers nothing", "writes zeros", "writes ones", "copies its first input"}
    with pytest.raises(CandidateFault, match="incorrect"):
        error_of(problem, attacks["answers in half precision"].candidate, bubblewrap)


def test_outputs_that_are_filled_stay_unwritten_where_nothing_is_answered(bubblewrap: Sandbox) -> None:
    """And who allows an error of a hundredth allows half precision: that is no attack there."""
    problem = loaded(GATED)
    (idle,) = (each for each in KernelDesigns().constants(problem) if each.name == "answers nothing")
    with pytest.raises(CandidateFault, match="incorrect"):
        error_of(problem, idle.candidate, bubblewrap)
    attacks = {each.design.name for each in KernelDesigns().attacks(problem, problem.seed(), 0.0, ())}
    assert "answers NaN" in attacks
    assert "answers in half precision" not in attacks


def test_inputs_of_another_maker_are_refused(bubblewrap: Sandbox) -> None:
    problem = loaded(PICKED)
    sizes = problem.test_sizes[0]
    drawn = problem.inputs(sizes, "normal", np.random.default_rng(1))
    assert truth_of(problem, drawn, sizes).worst(problem.reference(drawn, sizes, np.float32))[0] <= 1.0
    with pytest.raises(ValueError, match="expected inputs that this task drew"):
        problem.reference(dict(drawn), sizes, np.float64)


BROKEN = {
    "a mistake in it": ("def forward(self, x): return x.no_such_method()", "has no attribute 'no_such_method'"),
    "a draw in it": ("def forward(self, x): return torch.dropout(x, 0.5, True)", "otherwise the second time"),
    "a dtype that no buffer has": ("def forward(self, x): return x.short()", "expected a dense tensor of float32"),
    "no answer": ("def forward(self, x): return None", "answers nothing and changes none of its inputs"),
    "an object for an answer": ("def forward(self, x): return object()", "expected tensors, got object"),
}


@pytest.mark.parametrize(("body", "told"), BROKEN.values(), ids=BROKEN)
def test_a_task_that_does_not_work_is_one_clear_line(
    body: str, told: str, tmp_path: Path, bubblewrap: Sandbox
) -> None:
    file = tmp_path / "task.py"
    file.write_text(
        f"import torch\nclass Model(torch.nn.Module):\n    {body}\nn = 64\ndef get_inputs(): return [torch.rand(n)]\n"
    )
    with pytest.raises(ProblemError, match=told) as caught:
        loaded(file)
    assert "\n" not in str(caught.value)


def test_options_that_a_task_does_not_have_are_one_clear_line() -> None:
    with pytest.raises(ProblemError, match=r"option shrink: expected a whole number of at least 1, got 'half'"):
        loaded(ROWS, shrink="half")
    with pytest.raises(ProblemError, match="expected the options language, seed, shrink, got speed"):
        loaded(ROWS, speed="9")
    with pytest.raises(ProblemError, match="expected one of python, cpp, got 'rust'"):
        loaded(ROWS, language="rust")
    with pytest.raises(ProblemError, match=r"expected options language=cpp and seed=FILE together"):
        loaded(ROWS, language="cpp")


def test_a_tasks_own_python_sees_no_file_and_no_network(tmp_path: Path, bubblewrap: Sandbox) -> None:
    file = tmp_path / "task.py"
    file.write_text(
        "import os, torch\nclass Model(torch.nn.Module):\n    def forward(self, x): return x\n"
        f"def get_inputs():\n    return [torch.rand(7 if os.path.exists({str(file)!r}) else 5)]\n"
    )
    problem = loaded(file)
    assert problem.interface.inputs[0].dimensions(problem.test_sizes[0]) == (5,)


SHIFTED = FOLDER / "gpu_mode" / "problems" / "shifted_rows"
SHIFTED_BY_HAND = """
from task import input_t, output_t

def custom_kernel(data: input_t) -> output_t:
    values, total, shifted = data
    for row in range(len(values)):
        shifted[row] = values[row] - values[row].sum() / values.shape[1]
        total[row] += (shifted[row] ** 2).sum()
    return shifted, total
"""


def test_buffers_that_a_call_brings_along_are_outputs_and_those_read_first_are_inputs_too(bubblewrap: Sandbox) -> None:
    problem = loaded(SHIFTED)
    assert problem.name == "gpu-mode-shifted-rows"
    assert shapes(problem) == {
        "data_0": ("float32", "rows", "columns"),
        "data_1": ("float32", "rows"),
        "data_2": ("float32", "rows", "columns"),
        "data_1_after": ("float32", "rows"),
    }
    assert [buffer.name for buffer in problem.interface.inputs] == ["data_0", "data_1"]
    assert error_of(problem, written(problem, SHIFTED_BY_HAND), bubblewrap) <= 1.0
    spoils = SHIFTED_BY_HAND.replace("return", "values[0, 0] += 1\n    return")
    with pytest.raises(CandidateFault, match="the kernel changed its input data_0"):
        error_of(problem, written(problem, spoils), bubblewrap)


def test_what_a_task_lists_is_shrunk_and_its_public_seeds_are_not_used(bubblewrap: Sandbox) -> None:
    problem = loaded(SHIFTED)
    timed = [sizes for split in problem.sizes.values() for sizes in split.values()]
    assert len({tuple(sizes.values()) for sizes in timed}) == 3
    assert all(128 <= sizes["rows"] * sizes["columns"] * 8 <= 16 << 20 for sizes in timed)
    assert {"rows": 3, "columns": 17} in problem.test_sizes
    drawn = [problem.inputs({"rows": 3, "columns": 17}, "normal", np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(drawn[0]["data_0"], drawn[1]["data_0"])
    assert not np.array_equal(drawn[0]["data_0"], drawn[2]["data_0"])


def test_a_folder_that_is_no_task_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"expected a problem folder with .* or a task of KernelBench"):
        loaded(tmp_path)
    file = tmp_path / "task.yml"
    file.write_text("benchmarks: []\n")
    with pytest.raises(ProblemError, match=r"task.yml: benchmarks: "):
        loaded(tmp_path)
    file.write_text("benchmarks: [{n: 1}]\n")
    with pytest.raises(ProblemError, match=r"expected a file reference.py beside it"):
        loaded(tmp_path)
    file.write_text("files: [{name: reference.py, source: ../../../etc/hostname}]\nbenchmarks: [{n: 1}]\n")
    with pytest.raises(ProblemError, match="expected a file of the task's folder or of the one above it"):
        loaded(tmp_path)
    file.write_text("multi_gpu: true\nbenchmarks: [{n: 1}]\n")
    with pytest.raises(ProblemError, match="expected a task for one device"):
        loaded(tmp_path)
    file.write_text("files: [\n")
    with pytest.raises(ProblemError, match="expected YAML") as caught:
        loaded(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_task_in_cpp_is_called_with_pointers_to_its_tensors(tmp_path: Path, bubblewrap: Sandbox) -> None:
    file = tmp_path / "seed.cpp"
    file.write_text(
        "#include <cstdint>\n"
        'extern "C" void kernel(const float* data_0, const float* data_1, float* data_2, float* data_1_after,\n'
        "                       int64_t rows, int64_t columns) {\n"
        "    for (int64_t i = 0; i < rows; i++) {\n"
        "        double mean = 0, total = data_1[i];\n"
        "        for (int64_t j = 0; j < columns; j++) mean += data_0[i * columns + j];\n"
        "        for (int64_t j = 0; j < columns; j++) {\n"
        "            double moved = data_0[i * columns + j] - mean / columns;\n"
        "            data_2[i * columns + j] = moved;\n"
        "            total += moved * moved;\n"
        "        }\n"
        "        data_1_after[i] = total;\n"
        "    }\n"
        "}\n"
    )
    problem = loaded(SHIFTED, language="cpp", seed=str(file))
    assert problem.interface.signatures()[0] in problem.brief()
    assert error_of(problem, problem.seed(), bubblewrap) <= 1.0
    assert problem.written_reference().language == "python"


LEAKY = FOLDER / "robust_kbench" / "leaky_gate"
LEAKY_BY_HAND = """
def forward_fn(x, weight, slope):
    hidden = x @ weight.T
    left, right = hidden[:, : len(weight) // 2], hidden[:, len(weight) // 2 :]
    return left.clamp(min=0) * right + slope * left.clamp(max=0) * right
"""


def test_what_a_model_hands_to_its_function_is_the_call(bubblewrap: Sandbox) -> None:
    problem = loaded(LEAKY)
    assert problem.name == "robust-kbench-leaky-gate"
    assert [*shapes(problem)] == ["x", "weight", "out"]
    assert shapes(problem)["x"] == ("float32", "batch", "features")
    assert {(each["batch"], each["features"]) for each in problem.test_sizes} == {(3, 17), (3, 96), (40, 17), (40, 96)}
    assert "class Model" not in problem.seed().source
    assert error_of(problem, written(problem, LEAKY_BY_HAND), bubblewrap) <= 1.0


LEAKY_GRADIENTS = """
def backward_fn(x, weight, slope, halves, grad_output):
    left, right = (x @ weight.T).chunk(halves, dim=-1)
    steep = slope + (1 - slope) * (left > 0)
    hidden = torch.cat([grad_output * right * steep, grad_output * left * steep], dim=-1)
    return hidden.T @ x, hidden @ weight
"""


def test_a_backward_task_asks_for_the_gradients_that_its_class_returns(bubblewrap: Sandbox) -> None:
    problem = loaded(LEAKY / "func_backward.py")
    assert problem.name == "robust-kbench-leaky-gate-backward"
    assert [*shapes(problem)] == ["x", "weight", "grad_output", "out_0", "out_1"]
    assert shapes(problem)["out_0"] == shapes(problem)["weight"]
    assert "class Model" not in problem.seed().source
    assert "class AutogradFunction" not in problem.seed().source
    assert error_of(problem, problem.seed(), bubblewrap) <= 1.0
    by_hand = written(problem, "import torch\n" + LEAKY_GRADIENTS)
    assert error_of(problem, by_hand, bubblewrap) <= 1.0
    turned = written(problem, by_hand.source.replace("(left > 0)", "(left < 0)"))
    with pytest.raises(CandidateFault, match="out_0"):
        error_of(problem, turned, bubblewrap)


def test_a_gradient_that_passes_through_is_an_answer_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "config_backward.json").write_text('{"multi_input_configs": [{"rows": 3}]}', encoding="utf-8")
    (tmp_path / "func_backward.py").write_text(
        "import torch\n"
        "class AutogradFunction(torch.autograd.Function):\n"
        "    def forward(ctx, x, y):\n        ctx.save_for_backward(x, y)\n        return x + y\n"
        "    def backward(ctx, grad_output):\n        x, y = ctx.saved_tensors\n"
        "        grad_x, grad_y = AutogradFunction.backward_fn(grad_output, x, y)\n        return grad_x, grad_y\n"
        "def forward_fn(x, y):\n    return x + y\n"
        "class Model(torch.nn.Module):\n    def forward(self, x, y, fn=forward_fn):\n        return fn(x, y)\n"
        "def get_inputs(rows):\n    return [torch.randn(rows, 64), torch.randn(rows, 64)]\n",
        encoding="utf-8",
    )
    assert [*shapes(loaded(tmp_path))] == ["grad_output", "x", "y", "out_0", "out_1"]


BACKWARD = (LEAKY / "func_backward.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("backward_fn(x, weight, slope, ctx.halves,", "backward_fn(x, slope, ctx.halves,", "not handed matrix"),
        ("(x, weight, slope, ctx.halves, grad_output)", "(x + 0, weight, slope, grad_output)", "not `x \\+ 0`"),
        ("slope, ctx.halves, grad_output)", "slope, ctx.halves, ctx.slope)", "to be handed grad_output, and no two"),
        ("slope, ctx.halves, grad_output)", "slope, ctx.slope, grad_output)", "and no two things of one name"),
        ("grad_weight, grad_x = AutogradFunction", "found = AutogradFunction", "return found as backward_fn gave"),
        ("return grad_x, grad_weight, None", "return 2 * grad_x, grad_weight, None", "return grad_weight, grad_x as"),
        ("def backward(ctx, grad_output)", "def backward(ctx, first, second)", "with one gradient"),
        ("class AutogradFunction", "class Function", "a class AutogradFunction at its top level"),
    ],
)
def test_a_backward_task_that_cannot_be_read_says_what_is_missing(
    there: str, instead: str, told: str, tmp_path: Path
) -> None:
    assert there in BACKWARD
    (tmp_path / "func_backward.py").write_text(BACKWARD.replace(there, instead), encoding="utf-8")
    with pytest.raises(ProblemError, match=told):
        loaded(tmp_path)


def test_a_backward_reference_begins_as_its_file_does(tmp_path: Path) -> None:
    file = tmp_path / "func_backward.py"
    file.write_text("from __future__ import annotations\n" + BACKWARD, encoding="utf-8")
    (tmp_path / "config_backward.json").write_text("{}", encoding="utf-8")
    compile(robust_backward_task(file).seed({}), "kernel.py", "exec")


def test_an_input_that_is_saved_otherwise_than_it_came_is_no_reference(tmp_path: Path) -> None:
    case = {"multi_input_configs": [{"batch": 3}], "multi_shared_configs": [{"features": 17}]}
    (tmp_path / "config_backward.json").write_text(json.dumps(case), encoding="utf-8")
    text = BACKWARD.replace("ctx.save_for_backward", "rows = rows.abs()\n        ctx.save_for_backward")
    (tmp_path / "func_backward.py").write_text(text, encoding="utf-8")
    with pytest.raises(ProblemError, match="input 0 of backward_fn to be saved as forward was called with it"):
        loaded(tmp_path)


GATED = FOLDER / "flashinfer" / "definitions" / "gate" / "gated_rows_h128.json"
GATED_BY_HAND = """
import torch

def run(rows, gates, scale, out, total):
    gate = 1 / (1 + torch.exp(-gates * scale))
    torch.mul(rows, gate[:, None], out=out)
    total.copy_(sum(gate.double()))
"""


def test_a_definition_is_handed_its_outputs_and_halves_are_held_exactly(bubblewrap: Sandbox) -> None:
    problem = loaded(GATED)
    assert problem.name == "flashinfer-gated-rows-h128"
    assert shapes(problem) == {
        "rows": ("uint16", "batch", "hidden"),
        "gates": ("float32", "batch"),
        "out_0": ("float32", "batch", "hidden"),
        "out_1": ("float32", 1),
    }
    assert problem.interface.functions[0].parameters == ("rows", "gates", "scale", "out", "total")
    assert min(sizes["batch"] for split in problem.sizes.values() for sizes in split.values()) == 7
    assert "_reference(*given[:3])" in problem.seed().source
    assert error_of(problem, written(problem, GATED_BY_HAND), bubblewrap) <= 1.0


def trace_set(folder: Path, tensors: bytes | None) -> Path:
    """Return a definition whose one workload takes an input from a file, which holds ``tensors``."""
    definition = {
        "name": "picked",
        "axes": {"n": {"type": "var"}},
        "inputs": {"x": {"shape": ["n"], "dtype": "float32"}, "at": {"shape": ["n"], "dtype": "int64"}},
        "outputs": {"y": {"shape": ["n"], "dtype": "float32"}},
        "reference": "def run(x, at):\n    return x[at]\n",
    }
    at = {"type": "safetensors", "path": "./blob/at.safetensors", "tensor_key": "at"}
    given = {"x": {"type": "random"}, "at": at}
    for name, text in {
        "definitions/op/picked.json": json.dumps(definition),
        "workloads/op/picked.jsonl": json.dumps({"workload": {"axes": {"n": 4}, "inputs": given}}),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if tensors is not None:
        (folder / "blob").mkdir(exist_ok=True)
        (folder / "blob" / "at.safetensors").write_bytes(tensors)
    return folder / "definitions" / "op" / "picked.json"


def safetensors(values: list[int]) -> bytes:
    entry = {"dtype": "I64", "shape": [len(values)], "data_offsets": [0, 8 * len(values)]}
    head = json.dumps({"at": entry}).encode()
    return len(head).to_bytes(8, "little") + head + np.array(values, dtype="<i8").tobytes()


def test_stored_tensors_are_used_as_they_are(tmp_path: Path, bubblewrap: Sandbox) -> None:
    problem = loaded(trace_set(tmp_path, safetensors([3, 0, 0, 2])))
    (sizes, *_) = problem.test_sizes
    drawn = problem.inputs(sizes, "normal", np.random.default_rng(1))
    assert drawn["at"].tolist() == [3, 0, 0, 2]
    (answer,) = problem.reference(drawn, sizes, np.float64).values()
    assert answer.tolist() == drawn["x"][[3, 0, 0, 2]].tolist()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, r"expected the workload's tensors there; fetch them first"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a Git LFS pointer"),
        (b"\xff" * 64, "expected a safetensors file with a tensor 'at'"),
        (safetensors([1, 2, 3]), r"expected int64 of shape \(4,\), got int64 of shape \(3,\)"),
    ],
)
def test_stored_tensors_that_are_not_here_are_one_clear_line(content: bytes | None, told: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=told) as caught:
        loaded(trace_set(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_definition_that_names_no_such_axis_is_one_clear_line(tmp_path: Path) -> None:
    file = trace_set(tmp_path, None)
    file.write_text(file.read_text().replace('"shape": ["n"]', '"shape": ["m"]'))
    with pytest.raises(ProblemError, match="expected shapes of the axes n, got m"):
        loaded(file)
    file.write_text(file.read_text().replace('"var"', '"free"'))
    with pytest.raises(ProblemError, match=r"axes\.n\.type: "):
        loaded(file)
