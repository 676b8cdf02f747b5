import ast
from random import Random

import pytest
from speciate.agent import Draw, GeneticProposer, Parent, Task
from speciate.agent._program import Program
from speciate.agent._snapshots import Snapshots
from speciate.agent._vocabulary import Vocabulary
from speciate.evaluators import policy_interface, policy_probe
from support.llm_runs import judged
from synthetic_problem import FINISH_TIME, HEAD_ROOM, LEAST_LOADED, RoutingProblem

PROBLEM = RoutingProblem()
VOCABULARY = Vocabulary.of(policy_interface(PROBLEM), policy_probe(PROBLEM))


def places(program):
    sites = [(ast.dump(site.node), site.kind, site.function, site.typical, site.ranking) for site in program.sites]
    return sites, [ast.dump(each) for each in program.constants], len(program.loops), len(program.choices)


@pytest.mark.parametrize("source", [LEAST_LOADED, HEAD_ROOM, FINISH_TIME])
def test_kept_program_is_the_parsed_one_whatever_was_done_to_the_others(source):
    kept = Snapshots(VOCABULARY)
    for _ in range(3):
        program = kept.program(source)
        fresh = Program.parse(source, VOCABULARY)
        assert program.vocabulary is VOCABULARY
        assert places(program) == places(fresh)
        assert program.text() == fresh.text()
        inside = {id(node) for node in ast.walk(program.tree)}
        assert all(id(site.parent) in inside for site in program.sites)
        program.sites[0].put(ast.Constant(7))
        assert program.text() != fresh.text()


def test_only_the_latest_are_kept(monkeypatch):
    monkeypatch.setattr("speciate.agent._snapshots._KEPT", 2)
    kept = Snapshots(VOCABULARY)
    for number in range(5):
        kept.program(f"X = {number}\n{FINISH_TIME}")
    assert len(kept._kept) == 2


def test_children_do_not_depend_on_what_was_written_before():
    parents: tuple[Parent, ...] = (judged(0, FINISH_TIME, 2.0), judged(1, HEAD_ROOM, 3.0))

    def child(proposer, operator, seed):
        coroutine = proposer.write(Task("r", 9, Draw(operator, (0, 1), seed), parents))
        with pytest.raises(StopIteration) as ended:
            coroutine.send(None)
        return ended.value.value

    wanted = [(operator, Random(operator).getrandbits(16)) for operator in ("tune", "term", "crossover", "mix", "hook")]
    one = GeneticProposer(PROBLEM)
    told = [child(one, *each) for each in wanted]
    assert [child(one, *each) for each in reversed(wanted)] == told[::-1]
    assert [child(GeneticProposer(PROBLEM), *each) for each in wanted] == told
