import ast
import asyncio
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent import Draw, Elite, GeneticProposer, Parent, RandomProposer, Task
from speciate.agent._crossovers import blend, cross_hook, cross_subtree
from speciate.agent._division import divisors, guard_divisions
from speciate.agent._genetic import ARMS, MAX_NODES, ON_REQUEST
from speciate.agent._grid import View
from speciate.agent._growth import Growth
from speciate.agent._mutations import guard, perturb, simplify, tune
from speciate.agent._program import Program, size_of
from speciate.agent._vocabulary import Vocabulary
from speciate.evaluators import Baseline, Candidate, Evaluation, Status
from synthetic_problem import FINISH_TIME, HEAD_ROOM, LEAST_LOADED, SEED, InProcess, RoutingProblem, candidate

PROBLEM = RoutingProblem()
VOCABULARY = Vocabulary.of(PROBLEM.interface, PROBLEM.probe())
PROPOSER = GeneticProposer(PROBLEM)
SOURCES = (SEED, LEAST_LOADED, HEAD_ROOM, FINISH_TIME)
STATEFUL = """from random import Random
LIMIT = 40
seen = {}
rng = Random(0)

def pressure(replica, need):
    free = replica.free_blocks - need
    return free / replica.total_blocks

def key(r):
    weight = r.prompt_tokens ** 0.5
    return weight + 0.1 * r.arrival

def place(head, view):
    best = None
    for i, replica in enumerate(view.replicas):
        if replica.running > LIMIT or pressure(replica, head.prompt_blocks) < 0.1:
            continue
        if best is None or pressure(replica, 0) > pressure(best, 0):
            best = replica
    seen[len(seen)] = 1
    return best.index if best is not None else HOLD
"""


def task(operator, sources, seed):
    evaluation = Evaluation(candidate="x", split="train", status=Status.OK, score=1.0)
    parents = tuple(Parent(i, candidate(source), evaluation) for i, source in enumerate(sources))
    return Task("run", 9, Draw(operator, tuple(range(len(parents))), seed), parents)


def write(proposer, each):
    return asyncio.run(proposer.write(each))


def sites(source):
    return {ast.unparse(site.node): site for site in Program.parse(source, VOCABULARY).sites}


def test_sizes_come_from_the_probe():
    assert VOCABULARY.size("place.replicas", "index").identity
    assert VOCABULARY.size("place.replicas", "speed").positive
    assert not VOCABULARY.size("place.replicas", "queued").positive
    assert 1000 < VOCABULARY.size("place.replicas", "total_blocks").typical < 6000


def test_only_what_a_decision_depends_on_is_a_place_of_change():
    found = sites(HEAD_ROOM)
    assert found["request.prompt_tokens"].root
    assert found["(replica.used_blocks + replica.reserved_blocks) / replica.total_blocks"].root
    assert "replica.free_blocks - replica.reserved_blocks - need < HEADROOM * replica.total_blocks" in found
    for text in ("replica.index", "score < best_score", "score", "HOLD", "1e+300"):
        assert text not in found


def test_rows_are_known_in_keys_comprehensions_and_helpers():
    found = sites(FINISH_TIME)
    assert found["r.free_blocks > head.prompt_blocks * 2"].kind == "truth"
    assert found["(work(head) + r.context_tokens * 0.5) / r.speed"].root
    assert found["request.prompt_tokens * 0.1 + request.predicted_output"].function == "work"
    assert "r.index" not in found


def test_locals_rows_and_arguments_of_any_name_are_typed():
    found = sites(STATEFUL)
    assert found["weight + 0.1 * r.arrival"].function == "key"
    assert found["free / replica.total_blocks"].function == "pressure"
    assert found["replica.running > LIMIT"].kind == "truth"
    assert not any("best" in text for text in found)


def test_quantities_that_are_unpacked_into_names_are_known_by_them():
    source = "def key(r):\n    size, age = (r.prompt_tokens, r.waited)\n    score = size\n    return score\n"
    found = sites(source)
    assert found["size"].root
    assert found["size"].typical == VOCABULARY.size("key.request", "prompt_tokens").typical
    assert {"size", "age"} <= found["size"].names.keys()
    assert "r.waited" not in found


def test_site_sees_only_what_is_bound_before_it():
    found = sites(HEAD_ROOM)
    need = found["head.prompt_blocks * GROWTH"]
    assert "need" not in need.names
    assert "need" in found["replica.free_blocks - replica.reserved_blocks - need"].names


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([arm.name for arm in ARMS]),
    st.sampled_from([*SOURCES, STATEFUL]),
    st.sampled_from([*SOURCES, STATEFUL]),
    st.integers(0, 2**40),
)
def test_every_child_is_a_new_whole_program_and_the_same_again(operator, first, second, seed):
    each = task(operator, (first, second), seed)
    proposal = write(PROPOSER, each)
    assert proposal == write(GeneticProposer(PROBLEM), each)
    child = proposal.candidate
    assert child is not None, proposal.note
    assert child.id not in (candidate(first).id, candidate(second).id)
    tree = ast.parse(child.source)
    assert size_of(tree) <= MAX_NODES
    arity = {node.name: len(node.args.args) for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert (arity["key"], arity["place"]) == (1, 2)
    assert Candidate.from_source(child.source).id == child.id


def test_a_human_design_beyond_the_usual_size_has_children():
    terms = " + ".join(f"{number}.5 * request.arrival" for number in range(60))
    large = f"{SOURCES[0]}\n\ndef spare(request):\n    return {terms}\n"
    assert size_of(ast.parse(large)) > MAX_NODES

    class Ample(RoutingProblem):
        def baselines(self):
            return [*super().baselines(), Baseline(name="large", title="large", candidate=candidate(large))]

    proposer = GeneticProposer(Ample())
    for seed in range(20):
        each = task("term", (large, SOURCES[1]), seed)
        assert write(PROPOSER, each).candidate is None
        assert write(proposer, each).candidate is not None


@pytest.mark.parametrize("proposer", [PROPOSER, RandomProposer(PROBLEM)], ids=["genetic", "random"])
def test_nearly_all_children_answer_the_probe(proposer):
    fine = 0
    for seed in range(150):
        sources = (SOURCES[seed % 4], SOURCES[seed // 4 % 4])
        child = write(proposer, task(ARMS[seed % len(ARMS)].name, sources, seed)).candidate
        policy = InProcess(child.source)
        policy.begin(PROBLEM.probe().rows)
        try:
            answers = [policy.hook(call.hook)(call.values) for call in PROBLEM.probe().calls]
        except (ArithmeticError, ValueError, TypeError):
            continue
        fine += all(math.isfinite(answer) for answer in answers)
    assert fine >= 147


def test_draws_choose_good_parents_oftener_and_all_arms():
    elites = tuple(Elite(ticket, ticket, float(ticket)) for ticket in range(12))
    draws = [PROPOSER.draw(View(100, elites), Random(seed)) for seed in range(1500)]
    counts = [sum(draw.parents[0] == ticket for draw in draws) for ticket in range(12)]
    assert counts[0] > 3 * counts[6]
    assert min(counts) > 0
    assert {draw.operator for draw in draws} == {arm.name for arm in ARMS} - ON_REQUEST
    assert all(len(set(draw.parents)) == len(draw.parents) for draw in draws)
    assert any("mate" in draw.extra for draw in draws)
    again = [PROPOSER.draw(View(100, elites), Random(seed)) for seed in range(1500)]
    assert draws == again


def test_draw_without_elites_starts_from_the_library():
    draw = PROPOSER.draw(View(0, ()), Random(1))
    assert draw.parents == ()
    child = write(PROPOSER, Task("run", 0, draw, ())).candidate
    assert child is not None


def test_parent_that_is_no_program_gives_a_reason():
    proposal = write(PROPOSER, task("term", ("def key(:", SEED), 1))
    assert proposal.candidate is None
    assert "no Python program" in proposal.note


def test_hook_crossover_takes_a_hook_with_what_it_uses():
    seen = set()
    for seed in range(20):
        program, mate = Program.parse(HEAD_ROOM, VOCABULARY), Program.parse(FINISH_TIME, VOCABULARY)
        assert cross_hook(program, mate, Growth(VOCABULARY, Random(seed)))
        text = program.text()
        names = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        if "GROWTH" in text:
            assert names == {"work", "key", "place"}
            assert "work(request)" in text
        else:
            assert "HEADROOM" not in text
            assert "request.prompt_tokens\n" in text
        seen.add("GROWTH" in text)
        InProcess(text).begin(3)
    assert seen == {True, False}


def test_hook_crossover_renames_constants_that_clash():
    other = "SCALE = 5.0\ndef key(request):\n    return SCALE * request.arrival\ndef place(head, view):\n    return 0\n"
    base = "SCALE = 2.0\ndef key(request):\n    return 1.0\ndef place(head, view):\n    return 0 if SCALE > 1 else 1\n"
    for seed in range(20):
        program = Program.parse(base, VOCABULARY)
        cross_hook(program, Program.parse(other, VOCABULARY), Growth(VOCABULARY, Random(seed)))
        text = program.text()
        if "arrival" in text:
            assert "SCALE_2 = 5.0" in text
            assert "SCALE_2 * request.arrival" in text
            assert "SCALE = 2.0" in text
            return
    pytest.fail("the key was never taken over")


def test_subtree_crossover_speaks_the_names_of_its_new_place():
    for seed in range(40):
        program, mate = Program.parse(HEAD_ROOM, VOCABULARY), Program.parse(STATEFUL, VOCABULARY)
        if not cross_subtree(program, mate, Growth(VOCABULARY, Random(seed))):
            continue
        policy = InProcess(program.text())
        policy.begin(3)
        for call in PROBLEM.probe().calls:
            try:
                policy.hook(call.hook)(call.values)
            except ArithmeticError:
                break


def test_constants_are_tuned_and_sentinels_are_not():
    for mutation in (tune, perturb):
        for seed in range(30):
            program = Program.parse(HEAD_ROOM, VOCABULARY)
            assert mutation(program, Growth(VOCABULARY, Random(seed)))
            assert "1e+300" in program.text()
            assert "HOLD" in program.text()


def test_whole_numbers_stay_whole():
    for seed in range(30):
        program = Program.parse(STATEFUL, VOCABULARY)
        perturb(program, Growth(VOCABULARY, Random(seed)))
        limit = next(node for node in program.tree.body if isinstance(node, ast.Assign))
        assert isinstance(ast.literal_eval(limit.value), int)


def test_blend_moves_along_the_line_of_two_equal_structures():
    a, b = HEAD_ROOM, HEAD_ROOM.replace("0.03", "0.05")
    program = Program.parse(a, VOCABULARY)
    assert blend(program, Program.parse(b, VOCABULARY), Growth(VOCABULARY, Random(1)))
    value = float(program.text().split("HEADROOM = ")[1].split("\n")[0])
    assert value != 0.03
    assert 0.0 <= value <= 0.06
    assert "GROWTH = 1.6" in program.text()
    assert not blend(Program.parse(a, VOCABULARY), Program.parse(SEED, VOCABULARY), Growth(VOCABULARY, Random(1)))


def test_guard_skips_rows_or_holds_back_and_simplify_takes_it_out_again():
    kinds = set()
    for seed in range(40):
        program = Program.parse(HEAD_ROOM, VOCABULARY)
        assert guard(program, Growth(VOCABULARY, Random(seed)))
        text = program.text()
        kinds.add("loop" if text.count("continue") == 2 else "return")
        InProcess(text).begin(3)
    assert kinds == {"loop", "return"}
    sizes = set()
    for seed in range(40):
        program = Program.parse(HEAD_ROOM, VOCABULARY)
        simplify(program, Growth(VOCABULARY, Random(seed)))
        sizes.add(size_of(ast.parse(program.text())))
    assert max(sizes) <= Program.parse(HEAD_ROOM, VOCABULARY).size
    assert min(sizes) < Program.parse(HEAD_ROOM, VOCABULARY).size


def test_new_divisors_are_guarded_and_old_ones_are_trusted():
    old = ast.parse("a / (r.running - 1) + b / 2")
    tree = ast.parse("a / (r.running - 7) + b / r.queued + c / r.speed + d / (abs(r.x) + 0.5) + e / (r.queued + 2)")
    guard_divisions(tree, divisors(old), VOCABULARY)
    assert ast.unparse(tree) == (
        "a / (r.running - 7) + b / max(abs(r.queued), 1e-06) + c / r.speed + d / (abs(r.x) + 0.5) + e / (r.queued + 2)"
    )


def test_random_arm_ignores_the_archive():
    proposer = RandomProposer(PROBLEM)
    full = View(50, (Elite(3, 1, 2.0),))
    assert proposer.draw(full, Random(4)) == proposer.draw(View(0, ()), Random(4))
    children = {write(proposer, Task("run", n, Draw("grow", (), n), ())).candidate.id for n in range(60)}
    assert len(children) > 50
