"""Pragmas before loops: where they go, what they say, and that nothing else changes."""

import re
from random import Random

from speciate.agent._loop_hints import hint
from speciate.agent._source_genetic import SourceProposer, Workshop
from speciate.agent._token_changes import File
from speciate.agent._tokens import C_LIKE
from support.row_scale.problem import RowScale

SOURCE = """void f(const float* x, float* y, long n) {
    float sum = 0.0f;
    for (long i = 0; i < n; i++) {
        y[i] += x[i];
        sum += x[i] * x[i];
    }
    // for (;;) is no loop
    for (long i = 0; i < n; i++) y[i] *= sum;
}
"""


def hinted(text: str, seed: int) -> str | None:
    return hint(File("kernel.cpp", text, C_LIKE), Random(seed))


def without_pragmas(text: str) -> str:
    return re.sub(r"(?m)^[ \t]*#pragma[^\n]*\n", "", text)


def test_a_hint_changes_nothing_but_pragmas_and_stands_right_before_a_loop() -> None:
    children = {hinted(SOURCE, seed) for seed in range(60)}
    assert len(children) > 8
    for child in children:
        assert child is not None
        assert without_pragmas(child) == SOURCE
        assert re.search(r"    #pragma (?:omp simd|GCC)[^\n]*\n    for \(", child)


def test_only_plain_sums_of_the_loop_itself_are_reduced() -> None:
    said = {match for seed in range(200) for match in re.findall(r"reduction\((.*?)\)", hinted(SOURCE, seed) or "")}
    assert said == {"+:sum"}


def test_hints_are_replaced_and_taken_away_but_never_piled_up() -> None:
    text, seen = SOURCE, set()
    for seed in range(200):
        text = hinted(text, seed) or text
        pragmas = text.count("#pragma")
        seen.add(pragmas)
        assert pragmas <= 2
    assert {1, 2} <= seen


def test_a_text_without_loops_or_a_frame_around_them_is_left_alone() -> None:
    assert hinted("int f() { return 1; }\n", 0) is None
    framed = f"{SOURCE}// EVOLVE-BLOCK-START\nint g() {{ return 2; }}\n// EVOLVE-BLOCK-END\n"
    assert hinted(framed, 0) is None


def test_the_genetic_proposer_hints_kernels_in_cpp_and_no_others() -> None:
    cpp, python = RowScale(), RowScale("numba")
    assert "hint" in SourceProposer(cpp)._weights
    assert "hint" not in SourceProposer(python)._weights
    workshop = Workshop(cpp)
    child = workshop.changed(cpp.seed(), None, "hint", Random(1))
    assert child is not None
    assert without_pragmas(child.source) == cpp.seed().source
