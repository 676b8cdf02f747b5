import asyncio

import pytest
from speciate.agent import Budget, GeneticProposer, RandomProposer, RunSettings, create_run, open_archive, search
from speciate.evaluators import ProblemRef
from synthetic_problem import RoutingProblem, judge, routing_judge

PROBLEM = RoutingProblem()


def best(path, proposer, seed, starters):
    archive = open_archive(path, create=True)
    settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), seed=seed, budget=Budget(evaluations=120))
    run_id = create_run(archive, settings, PROBLEM, starters)
    asyncio.run(search(archive, run_id, PROBLEM, proposer, routing_judge))
    champion = archive.best(run_id)[0]
    return champion.score, archive.candidate(run_id, champion.candidate_id).candidate


@pytest.mark.slow
def test_genetic_search_beats_its_starters_and_the_random_arm(tmp_path):
    starters = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
    human = min(judge(candidate, None).score for candidate in starters)
    genetic, champion = best(tmp_path / "genetic", GeneticProposer(PROBLEM), 1, starters)
    chance, _ = best(tmp_path / "random", RandomProposer(PROBLEM), 1, starters[:1])
    assert genetic < 0.97 * human
    assert genetic < chance
    assert judge(champion, None).score == genetic
