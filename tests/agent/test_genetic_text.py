"""The proposers for programs of unknown types: whole children, the frame untouched, the same again."""

import ast
import asyncio
import tomllib
from functools import cache
from random import Random
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent import Draw, Elite, Parent, Task
from speciate.agent._blocks import framed, free_regions
from speciate.agent._digits import digits_of
from speciate.agent._literals import constants_of
from speciate.agent._python_changes import Bench, tune
from speciate.agent._python_changes import moved as python_moved
from speciate.agent._python_source import Source
from speciate.agent._source_genetic import ARMS, SourceProposer, SourceRandom, Workshop
from speciate.agent._token_changes import moved
from speciate.agent._tokens import C_LIKE, SHELL, grammar_of, reads, tokens
from speciate.evaluators import (
    Candidate,
    Evaluation,
    Status,
    judge_inline,
)
from support.bins import LONGEST_FIRST, ROUND_ROBIN
from support.bins import problem as bins
from support.whole import Whole

MAIN_PY = '''"""Packs bins."""
import sys

# EVOLVE-BLOCK-START
SLACK = 0.5  # how full is full


def order(items, weight=2):
    """Largest first."""
    return sorted(items, key=lambda item: (-item * weight, item))


def fits(item, left):
    if item > left and left < SLACK * 10:
        return False
    return item <= left - 0.25
# EVOLVE-BLOCK-END


def main():
    items = [float(word) for word in sys.stdin.read().split()]
    print(len([item for item in order(items) if fits(item, 10.0)]), 1 + 2)


main()
'''
MAIN_C = """#include <stdio.h>
#define DEPTH 16
// do not touch: 3 < 4
/* EVOLVE-BLOCK-START */
static double key(int size, double age) {
    double score = size * 0.5 + age;
    score += 1.5e-3 * size; /* 7 */
    if (size < 64 && age >= 2.0f) {
        return score - 1;
    }
    return score;
}
/* EVOLVE-BLOCK-END */
int main(void) { printf("%d 9\\n", (int)key(1 + 2, 3.0)); return 0; }
"""
OTHER_C = MAIN_C.replace("score += 1.5e-3 * size;", "score = score / 3 + DEPTH;").replace("0.5 + age", "0.75 + age")
SETTINGS = """# how the server runs: 12 threads
threads = 4
cache_bytes = 65536  # 64 KiB
keep_alive = true
ratio = 0.25
name = "pool 7"
"""
SCRIPT = """#!/bin/sh
# level 1 is fast
LEVEL=6
if [ "$1" -lt 10 ]; then LEVEL=9; fi
exec gzip -n "-$LEVEL" --block 128k
"""


OTHER_PY = MAIN_PY.replace("0.5", "0.9").replace("> left", "> 2 * left")
PYTHON = Whole("python", {"main.py": MAIN_PY}, {"main.py": OTHER_PY})
C = Whole("c", {"main.c": MAIN_C}, {"main.c": OTHER_C})
SHELL_AND_SETTINGS = Whole("shell", {"run.sh": SCRIPT, "server.toml": SETTINGS})
HELPER = "int twice(int x) { return 2 * x + 1; }\n"
PROBLEMS = {
    "plan": bins({}),
    "python": PYTHON,
    "c": C,
    "files": SHELL_AND_SETTINGS,
    "framed": Whole("c", {"main.c": MAIN_C, "helper.c": HELPER}),
}

IDLE = {("plan", "condition"), ("plan", "blend")}
"""The plans of the tests have no conditions, and no two are alike but for their numbers."""


def parent(ticket: int, candidate: Candidate) -> Parent:
    word = Evaluation(candidate=candidate.id, split="train", status=Status.OK, score=1.0)
    return Parent(ticket, candidate, word)


@cache
def children(name: str) -> tuple[Candidate, ...]:
    """Return children, each of an earlier one: what a search without a judge would do."""
    problem = PROBLEMS[name]
    proposer, again = SourceProposer(problem), SourceProposer(problem)
    pool = list(Workshop(problem).library)
    found = []
    for seed in range(100):
        rng = Random(seed)
        chosen = [parent(number, rng.choice(pool)) for number in range(rng.choice((1, 2)))]
        tickets = tuple(each.ticket for each in chosen)
        draw = Draw(rng.choice(ARMS).name, tickets, rng.getrandbits(40), extra={"mate": 0})
        task = Task("run", seed, draw, tuple(chosen))
        proposal = asyncio.run(proposer.write(task))
        assert proposal == asyncio.run(again.write(task))
        if proposal.candidate is not None:
            assert proposal.candidate.id not in {each.candidate.id for each in chosen}
            pool.append(proposal.candidate)
            found.append(proposal.candidate)
    return tuple(found)


@pytest.mark.parametrize("name", PROBLEMS)
def test_children_are_new_whole_and_the_same_again(name):
    found = children(name)
    assert len(found) > 85
    assert len({child.id for child in found}) > 45
    for child in found:
        for file in child.files:
            if file.path.endswith(".py"):
                ast.parse(file.text)
            elif file.path.endswith(".toml"):
                tomllib.loads(file.text)
            else:
                assert reads(file.path, file.text, grammar_of(file.path, child.language))


@pytest.mark.parametrize(("name", "text"), [("python", MAIN_PY), ("c", MAIN_C)])
def test_nothing_outside_the_block_ever_changes(name, text):
    start, end = free_regions(text)[0]
    for child in children(name):
        [region] = free_regions(child.source)
        assert child.source[: region.start] == text[:start]
        assert child.source[region.end :] == text[end:]
        assert child.source[region.start : region.end] != text[start:end]


def test_comments_and_strings_stay():
    quiet = [token.text for token in tokens(MAIN_C, C_LIKE) if token.kind == "quiet" and token.text.startswith("//")]
    for child in children("c"):
        assert all(text in child.source for text in quiet)
    for child in children("files"):
        script, server = child.files
        assert "# level 1 is fast" in script.text
        assert "# how the server runs: 12 threads" in server.text
        assert 'name = "pool 7"' in server.text
        assert '"-$LEVEL"' in script.text


def test_every_file_of_a_candidate_is_changed_in_its_turn():
    found = children("files")
    assert any(child.files[0].text != SCRIPT for child in found)
    assert any(child.files[1].text != SETTINGS for child in found)
    assert {child.files[0].path for child in found} == {"run.sh"}


def test_a_file_without_a_block_is_frame_where_another_has_one():
    assert all(child.files[1].text == HELPER for child in children("framed"))


@pytest.mark.parametrize(
    ("name", "arm"), [(name, arm.name) for name in ("plan", "python") for arm in ARMS if (name, arm.name) not in IDLE]
)
def test_each_operator_finds_something_to_change_in_python(name, arm):
    workshop = Workshop(PROBLEMS[name])
    pool = [*workshop.library, *children(name)]
    rng = Random(5)
    made = [workshop.changed(rng.choice(pool), rng.choice(pool), arm, rng) for _ in range(200)]
    assert any(child is not None for child in made)


def test_a_plan_keeps_its_function_and_mostly_answers():
    fine = total = 0
    for child in children("plan"):
        function = next(node for node in ast.parse(child.source).body if isinstance(node, ast.FunctionDef))
        assert (function.name, len(function.args.args)) == ("plan", 2)
        total += 1
        fine += judge_inline(PROBLEMS["plan"], child).status is Status.OK
    assert fine > total / 3


def test_a_term_has_the_shape_of_what_it_is_added_to():
    workshop = Workshop(bins({}))
    candidate = Candidate.from_source(LONGEST_FIRST)
    made = [workshop.changed(candidate, None, "term", Random(seed)) for seed in range(80)]
    assert sum(child is not None for child in made) > 40
    assert all(judge_inline(bins({}), child).status is Status.OK for child in made if child is not None)


def test_selection_of_a_worse_seed_leads_somewhere():
    """From round robin alone, without the better design to borrow from, rounds of the best of ten improve."""
    problem = bins({})
    problem.baselines = lambda: ()
    workshop = Workshop(problem)
    start = Candidate.from_source(LONGEST_FIRST.replace("-lengths", "lengths").replace("argmin", "argmax"))
    best, score, rng = start, judge_inline(problem, start).score, Random(1)
    first = score
    for _ in range(60):
        child = workshop.changed(best, best, rng.choice(ARMS).name, rng)
        word = judge_inline(problem, child) if child is not None else None
        if word is not None and word.status is Status.OK and word.score < score:
            best, score = child, word.score
    assert score < 0.5 * first


def test_draws_choose_good_parents_oftener_and_all_arms():
    class View:
        commits = 9
        history = ()
        elites = tuple(Elite(ticket, ticket, float(ticket)) for ticket in range(8))
        fronts = MappingProxyType({})

    proposer = SourceProposer(bins({}))
    draws = [proposer.draw(View(), Random(seed)) for seed in range(800)]
    counts = [sum(draw.parents[0] == ticket for draw in draws) for ticket in range(8)]
    assert counts[0] > 2 * counts[5]
    assert {draw.operator for draw in draws} == {arm.name for arm in ARMS}
    assert all(len(set(draw.parents)) == len(draw.parents) for draw in draws)
    assert draws == [proposer.draw(View(), Random(seed)) for seed in range(800)]
    View.elites = ()
    assert proposer.draw(View(), Random(1)).parents == ()


def test_chance_never_hands_out_a_human_design_and_is_the_same_again():
    problem = bins({})
    known = {Candidate.from_source(text).id for text in (ROUND_ROBIN, LONGEST_FIRST)}
    found = []
    for seed in range(40):
        task = Task("run", seed, Draw("walk", (), seed), ())
        proposal = asyncio.run(SourceRandom(problem).write(task))
        assert proposal == asyncio.run(SourceRandom(problem).write(task))
        found.append(proposal.candidate)
    assert all(child is not None and child.id not in known for child in found)
    assert len({child.id for child in found if child is not None}) > 20


def test_a_parent_that_is_no_program_gives_a_note():
    task = Task("run", 0, Draw("tune", (0,), 1), (parent(0, Candidate.from_source("def plan(:")),))
    proposal = asyncio.run(SourceProposer(bins({})).write(task))
    assert proposal.candidate is None
    assert "nothing new" in proposal.note


@given(st.text(alphabet="ab \n\"'/*#{}()<>=-+.0123456789xeEfL\\\t", max_size=80))
def test_tokens_put_together_are_the_text(text):
    for grammar in (C_LIKE, SHELL):
        assert "".join(token.text for token in tokens(text, grammar)) == text


@given(st.sampled_from(["7", "64", "0x1F", "1.5e-3", "2.0f", "10UL", "0", "0.0", "65536", "128k"]), st.integers(0, 999))
def test_a_moved_number_is_written_as_it_was(number, seed):
    new = moved(number, Random(seed))
    [token] = tokens(new, C_LIKE)
    assert token.kind == "number"
    assert new.lstrip("0123456789.xabcdefABCDEF-+")[:2] == number.lstrip("0123456789.xabcdefABCDEF-+")[:2]
    assert ("." in number or "e" in number) == ("." in new or "e" in new) or number.startswith("0x")


@settings(max_examples=60)
@given(st.text(alphabet="ab\n", max_size=30), st.text(alphabet="xy\n", max_size=30))
def test_a_filled_frame_keeps_all_but_the_block(inside, outside):
    frame = "a\n# EVOLVE-BLOCK-START\nold\n# EVOLVE-BLOCK-END\nz"
    reply = f"{outside}\n// EVOLVE-BLOCK-START!\n{inside}\n// EVOLVE-BLOCK-END\n{outside}"
    assert framed(frame, reply) == f"a\n# EVOLVE-BLOCK-START\n{inside}\n# EVOLVE-BLOCK-END\nz"
    assert framed(frame, outside) is None
    assert framed(outside, reply) == reply


def test_a_number_of_many_digits_keeps_them_and_is_moved_in_its_last_ones_too():
    moves = {digits: [nearby(digits, seed) for seed in range(400)] for digits in (4, 9)}
    sizes = {digits: [abs(value / WRITTEN[digits] - 1.0) for value in found] for digits, found in moves.items()}
    assert sum(size < 1e-6 for size in sizes[9]) > 40
    assert sum(size > 1e-2 for size in sizes[9]) > 40
    assert sum(digits_of(repr(value)) >= 8 for value in moves[9]) > 350
    assert max(digits_of(repr(value)) for value in moves[4]) <= 4
    assert sum(size < 1e-3 for size in sizes[4]) < 20
    assert {digits_of(each_token(seed)) for seed in range(30)} <= {7, 8, 9}


WRITTEN = {4: 0.1667, 9: 0.166666672}


def nearby(digits, seed):
    return python_moved(WRITTEN[digits], Bench(Random(seed), bins({}).interface), digits)


def each_token(seed):
    text = moved("0.166666672f", Random(seed))
    assert text.endswith("f")
    return text[:-1]


def test_a_text_of_many_digits_has_them_after_every_change_of_its_numbers():
    """Written with zeros at their end they count too: that is how a text says how finely it is meant."""
    text = "A = 0.500000000\nB = 0.25\n\n\ndef order(items):\n    return sorted(items, key=lambda item: A * item)\n"
    found = {literal.value: literal.digits for literal in constants_of(Candidate.from_source(text), ANY).literals}
    assert found == {0.5: 9, 0.25: 2}
    source = Source(text)
    children = [tune(source, Bench(Random(seed), bins({}).interface)) for seed in range(60)]
    values = [child.split("\n")[0].removeprefix("A = ") for child in children if child is not None]
    changed = [value for value in values if value != "0.500000000"]
    assert sum(digits_of(value) > 4 for value in changed) > 0.9 * len(changed) > 20


ANY = frozenset({"candidate.py"})
