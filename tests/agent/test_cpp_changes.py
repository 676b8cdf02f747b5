"""Changes of C++ that know its loops: what they read, what they write, and that it computes the same."""

import ctypes
import importlib
import re
import subprocess
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent._cpp import Code, Count, UnreadError, assigned, count_of
from speciate.agent._cpp_changes import CPP_CHANGES
from speciate.agent._cpp_values import reduction, reductions
from speciate.agent._source_genetic import CPP_ARMS, CUDA_ARMS, SourceProposer, Workshop
from speciate.agent._token_changes import File
from speciate.agent._tokens import C_LIKE
from speciate.evaluators import KernelProblem
from speciate.evaluators.kernel._checks import truth_of
from support.row_scale.problem import RowScale

from tests.conftest import missing

REAL = ("softmax", "matmul", "layernorm", "csr_spmv")
UNSAFE = frozenset({"retype"})
"""Operators that change what is computed; the others only change how, as far as they can tell."""
SEEDS = 4


def file(text: str) -> File:
    return File("kernel.cpp", text, C_LIKE)


def changed(name: str, text: str, seed: int = 0) -> str | None:
    return CPP_CHANGES[name](file(text), Random(seed))


def children(name: str, text: str, count: int = 40) -> set[str]:
    return {child for seed in range(count) if (child := changed(name, text, seed)) is not None}


def flat(text: str) -> str:
    return " ".join(text.split())


def body(text: str, parameters: str = "const float* x, float* y, int64_t n") -> str:
    return f'#include <cstdint>\n\nextern "C" void f({parameters}) {{\n{text}\n}}\n'


SUM = body("    float sum = 0.0f;\n    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];\n    y[0] = sum;")
PRODUCT = body(
    """    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            float sum = 0.0f;
            for (int64_t p = 0; p < n; p++) sum += x[i * n + p] * x[p * n + j];
            y[i * n + j] = sum;
        }
    }"""
)


def test_loops_are_read_as_they_count() -> None:
    assert count_of("int64_t i = 0; i < n; i++") == Count("int64_t", "i", "0", "n", "1")
    assert count_of("int i = a + 1; i <= n; i += 4") == Count("int", "i", "a + 1", "n + 1", "4")
    for head in (
        "; i < n; i++",
        "int i = n; i > 0; i--",
        "int i = 0, j = 1; i < n; i++",
        "auto& x : xs",
        "int i = 0; j < n; i++",
    ):
        assert count_of(head) is None
    code = Code(file(PRODUCT))
    assert [loop.counter.name for loop in code.loops] == ["i", "j", "p"]
    assert [loop.innermost for loop in code.loops] == [False, False, True]


def test_a_text_that_is_no_function_is_not_read() -> None:
    for text in (
        "void f() { for (int i = 0; i < 3; i++) ",
        "void f() { if (x }",
        "void f() {\n#if A\n a();\n#endif\n}",
    ):
        with pytest.raises(UnreadError):
            Code(file(text))
        assert all(changed(name, text) is None for name in CPP_CHANGES)


def test_names_that_are_given_values_are_told_from_those_that_are_declared() -> None:
    assert assigned("float a = 0; b = 1; c += a; y[i] = 2; d++; s.e = 3; *p = 4; for (int k = 0; k < 3; k++) {}") == {
        "b",
        "c",
        "d",
        "k",
    }


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("s += a[i];", "+"),
        ("s -= a[i] * 2;", "+"),
        ("s *= a[i];", "*"),
        ("if (a[i] > s) s = a[i];", ">"),
        ("s = a[i] < s ? a[i] : s;", "<"),
        ("s = std::max(s, a[i]);", ">"),
        ("s = fminf(a[i], s);", "<"),
        ("s += s * a[i];", None),
        ("s = a[i];", None),
        ("if (a[i] > s) s = b[i];", None),
        ("s[i] += 1;", None),
    ],
)
def test_a_sum_is_told_from_other_changes(text: str, sign: str | None) -> None:
    assert reduction(text, "s") == sign


def test_what_a_loop_uses_otherwise_is_not_reduced() -> None:
    text = body("    float s = 0, t = 0;\n    for (int64_t i = 0; i < n; i++) { s += x[i]; t += x[i]; y[i] = t; }")
    code = Code(file(text))
    assert reductions(code, code.loops[0]) == {"s": "+"}


def test_a_sum_is_split_into_parts_that_are_put_together() -> None:
    for child in children("split", SUM):
        width = re.search(r"constexpr int64_t wide1 = (\d+);", child)
        assert width is not None
        assert "float sum_lane1[wide1] = {};" in child
        assert "sum_lane1[lane1] += x[(i + lane1)] * x[(i + lane1)];" in child
        assert "lane1++) sum += sum_lane1[lane1];" in child
        assert "for (int64_t i = i_end1; i < n; i++) sum += x[i] * x[i];" in child


def test_a_loop_around_others_is_jammed_with_what_it_declares_in_lanes() -> None:
    outer = next(each for each in children("jam", PRODUCT) if "(j + lane1)" in each)
    assert "float sum[wide1];" in outer
    assert "sum[lane1] += x[i * n + p] * x[p * n + (j + lane1)];" in flat(outer)
    twice = next(each for each in children("jam", outer) if "[wide1][wide2]" in each or "[wide2][wide1]" in each)
    assert re.search(r"sum\[lane\d\]\[lane\d\] \+= x\[\(i \+ lane2\) \* n \+ p\]", twice)


def test_a_value_that_goes_from_round_to_round_is_not_jammed() -> None:
    text = body(
        """    float last = 0;
    for (int64_t i = 0; i < n; i++) {
        last = last * 0.5f + x[i];
        for (int64_t j = 0; j < n; j++) y[j] += last;
    }"""
    )
    assert not children("jam", text)
    assert not children("split", body("    for (int64_t i = 0; i < n; i++) { if (x[i] < 0) break; y[0] += x[i]; }"))


def test_loops_are_exchanged_and_tiled_only_where_the_inner_one_does_not_depend_on_the_outer() -> None:
    nest = body(
        "    for (int64_t i = 0; i < n; i++)\n        for (int64_t j = 0; j < {}; j++) y[i * n + j] = x[j * n + i];"
    )
    square, triangle = nest.replace("{}", "n"), nest.replace("{}", "i")
    assert "for (int64_t j = 0; j < n; j++) { for (int64_t i = 0; i < n; i++) {" in flat(
        changed("interchange", square) or ""
    )
    assert "(tile1 + tile_width1 < n ? tile1 + tile_width1 : n)" in (changed("tile", square) or "")
    assert not children("interchange", triangle) | children("tile", triangle)


def test_loops_are_put_together_and_taken_apart_where_no_value_goes_between() -> None:
    apart = body("    for (int64_t i = 0; i < n; i++) y[i] = x[i];\n    for (int64_t j = 0; j < n; j++) y[j] *= 2;")
    whole = changed("fuse", apart) or ""
    assert "for (int64_t i = 0; i < n; i++) { y[i] = x[i]; y[i] *= 2; }" in flat(whole)
    assert flat(changed("fission", whole) or "").count("for (int64_t i = 0; i < n; i++)") == 2
    head = "for (int64_t i = 0; i < n; i++)"
    assert not children("fuse", body(f"    float s = 0;\n    {head} s += x[i];\n    {head} y[i] = s;"))
    assert not children("fission", body(f"    float s = 0;\n    {head} {{ s += x[i]; y[i] = s; }}"))


def test_a_divisor_that_stays_the_same_becomes_a_factor_and_whole_numbers_are_left_alone() -> None:
    text = body("    float s = x[0];\n    for (int64_t i = 0; i < n; i++) y[i] = x[i] / s + i / n;")
    (child,) = children("hoist", text)
    assert "const auto kept1 = 1.0f / s;" in child
    assert "y[i] = x[i] * kept1 + i / n;" in child
    (element,) = children("hoist", body("    for (int64_t i = 0; i < n; i++) y[i] = x[i] * x[0] + x[0];"))
    assert "const auto kept1 = x[0];" in element
    assert "y[i] = x[i] * kept1 + kept1;" in element


def test_branches_types_and_promises() -> None:
    branch = "        if (x[i] > top) top = std::exp(x[i]);"
    text = body(f"    double top = x[0];\n    for (int64_t i = 0; i < n; i++) {{\n{branch}\n    }}")
    assert "top = x[i] > top ? std::exp(x[i]) : top;" in (changed("select", text) or "")
    assert "float top = x[0];" in (changed("retype", text) or "")
    assert "f(const float* __restrict x, float* __restrict y, int64_t n)" in (changed("restrict", text) or "")
    assert "__builtin_prefetch(&x[(i + ahead1)]);" in (changed("prefetch", text) or "")
    vector = changed("vectorize", text) or ""
    assert 'simd("notinbranch"))) float expf(float) noexcept;\nextern "C" void f(' in vector
    assert "top = expf(x[i]);" in vector
    assert changed("vectorize", vector) is None
    assert all(re.match(r"#pragma GCC (?:optimize|target)\(.*\)\n#include", each) for each in children("leave", text))


def test_sizes_that_have_a_name_or_a_pragma_are_changed_and_others_are_not() -> None:
    loop = "    #pragma GCC unroll 8\n    for (int64_t i = 0; i < 64; i++) y[i] = 3 * x[i];"
    text = body(f"    const int64_t block = 512;\n{loop}").replace("extern", "#define WIDE 4\nextern")
    found = children("resize", text)
    assert {re.sub(r"(unroll|block =|WIDE) \d+", r"\1", each) for each in found} == {
        re.sub(r"(unroll|block =|WIDE) \d+", r"\1", text)
    }
    sizes = {
        name: {int(size) for each in found for size in re.findall(rf"{name} (\d+)", each)}
        for name in ("block =", "unroll", "WIDE")
    }
    assert sizes == {
        "block =": {256, 511, 512, 513, 1024, 2048},
        "unroll": {4, 7, 8, 9, 16, 32},
        "WIDE": {2, 3, 4, 5, 8, 16},
    }
    assert not children("resize", body("    const float half = 0.5f;\n    y[3] = half;"))


def test_only_what_may_change_is_changed() -> None:
    framed = PRODUCT.replace("    for (int64_t i", "    // EVOLVE-BLOCK-START\n    for (int64_t i").replace(
        "\n}\n", "\n    // EVOLVE-BLOCK-END\n}\n"
    )
    head, tail = framed.split("    // EVOLVE-BLOCK-START\n")[0], "    // EVOLVE-BLOCK-END\n}\n"
    found = {child for name in CPP_CHANGES for child in children(name, framed)}
    assert len(found) > 10
    assert all(child.startswith(head) and child.endswith(tail) for child in found)


def test_a_kernel_in_cuda_gets_what_its_compiler_understands() -> None:
    assert {arm.name for arm in CUDA_ARMS} < {arm.name for arm in CPP_ARMS}
    text = PRODUCT.replace('extern "C"', 'constexpr int WIDE = 64;\nextern "C" __global__')
    cuda = {
        name: {CPP_CHANGES[name](File("kernel.cu", text, C_LIKE), Random(seed)) for seed in range(20)}
        for name in CPP_CHANGES
    }
    assert all(re.search(r"#pragma unroll \d+\n", each or "") for each in cuda["hint"])
    assert all("#pragma unroll\n" in each and "omp" not in each for each in cuda["jam"] if each)
    assert any("WIDE = 128;" in (each or "") for each in cuda["resize"])
    waiting = PRODUCT.replace("y[i * n + j] = sum;", "__syncthreads();")
    assert not children("jam", waiting)
    shared = "    for (int64_t i = 0; i < n; i++) { y[i] = x[i]; __syncthreads(); y[0] = y[i]; }"
    assert not children("fission", body(shared))
    assert children("fission", body(shared.replace("__syncthreads(); ", "")))


def test_every_arm_of_kernels_in_cpp_finds_something_and_the_same_again() -> None:
    problem = RowScale()
    assert (
        set(CPP_CHANGES) <= {arm.name for arm in CPP_ARMS} == set(SourceProposer(problem)._weights) - {"tune-constants"}
    )
    assert set(CPP_CHANGES) & set(SourceProposer(RowScale("numba"))._weights) == {"leave", "interchange", "resize"}
    workshop = Workshop(problem)
    first = [workshop.changed(problem.seed(), None, name, Random(3)) for name in CPP_CHANGES]
    assert first == [workshop.changed(problem.seed(), None, name, Random(3)) for name in CPP_CHANGES]
    assert sum(child is not None for child in first) > 5


WORDS = "for ( int i = 0 ; < n ++ ) { } s += x [ ] if else a , / float * 2 do while"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_text_makes_a_change_fail(words: list[str]) -> None:
    text = f"void f(float* x, int n) {{ {' '.join(words)} }}\n"
    for name in CPP_CHANGES:
        changed(name, text)


def real(folder: str) -> tuple[KernelProblem, dict[str, str]]:
    """Return a problem and children of its seed, by the names that their functions are given."""
    problem = importlib.import_module(f"speciate.kernels.{folder}").problem({})
    seed, function = problem.seed().source, problem.interface.function
    grown = {changed("jam", seed, 4) or seed, changed("split", seed, 4) or seed}
    texts = {
        child
        for name in sorted(CPP_CHANGES.keys() - UNSAFE - {"leave"})
        for parent in (seed, *sorted(grown))
        for child in list(children(name, parent, SEEDS))[:2]
    }
    return problem, {f"{function}_{at}": text for at, text in enumerate(sorted(texts))}


def together(function: str, named: dict[str, str]) -> str:
    """Return one file with all of the children, each in a namespace of its own."""
    parts = ["#include <algorithm>\n#include <cmath>\n#include <cstdint>\n"]
    for name, text in named.items():
        own = re.sub(rf"\b{function}\b", name, re.sub(r"(?m)^#include.*\n", "", text))
        parts.append(f"namespace in_{name} {{\n{own}}}\n")
    return "".join(parts)


@pytest.fixture(scope="module", params=REAL)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[KernelProblem, Path, list[str]]:
    problem, named = real(request.param)
    folder = tmp_path_factory.mktemp("cpp")
    (folder / "all.cpp").write_text(together(problem.interface.function, named))
    command = ["g++", "-std=gnu++17", "-O1", "-fopenmp-simd", "-fPIC", "-shared", "-o", "all.so", "all.cpp"]
    try:
        subprocess.run(command, cwd=folder, check=True)
    except FileNotFoundError:
        missing("g++ is not installed")
    return problem, folder / "all.so", list(named)


def test_children_of_real_seeds_compute_what_their_parent_does(built: tuple[KernelProblem, Path, list[str]]) -> None:
    problem, path, names = built
    interface, library = problem.interface, ctypes.CDLL(str(path))
    assert len(names) > 8
    rng = np.random.default_rng(3)
    for sizes in (*problem.test_sizes[1:4], problem.hidden_sizes(rng)):
        inputs = {key: np.ascontiguousarray(each) for key, each in problem.inputs(sizes, "normal", rng).items()}
        truth = truth_of(problem, inputs, sizes)
        for name in names:
            outputs = {each.name: np.full(each.dimensions(sizes), -1, each.dtype) for each in interface.outputs}
            arrays = [*(inputs[each.name] for each in interface.inputs), *outputs.values()]
            numbers = [*(ctypes.c_int64(sizes[each]) for each in interface.sizes)]
            scalars = [ctypes.c_double(each) for each in interface.scalars.values()]
            getattr(library, name)(*(ctypes.c_void_p(each.ctypes.data) for each in arrays), *numbers, *scalars)
            share, where = truth.worst(outputs)
            assert share <= 1.0, f"{name}: {where}"
