"""The serving-disaggregation problem: what is asked, the yardstick, the workloads, and what is refused."""

from collections.abc import Sequence
from itertools import chain, combinations, product
from typing import NamedTuple

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    ProblemError,
    Split,
    Workload,
    evaluator_of,
    judge_inline,
    load_problem,
    measured_headroom,
)
from speciate.search_spaces.serving_disaggregation._bound import fewest_late, late_alone, late_at_least, prompt_work_s
from speciate.search_spaces.serving_disaggregation._disaggregation import (
    LeastWork,
    ServingDisaggregation,
    chosen_roles,
    sites,
)
from speciate.search_spaces.serving_disaggregation._interface import CLUSTER, INTERFACE, PLAN, REPLICA, REQUEST, SITE
from speciate.search_spaces.serving_disaggregation._workloads import (
    NODES,
    DisaggregationOptions,
    Forecast,
    fabric,
    specs,
    trace_of,
    workloads,
)
from speciate.simulators.serving import (
    SPLIT_REPLICA_FIELDS,
    SPLIT_REQUEST_FIELDS,
    Role,
    Site,
    Trace,
    isolated_latencies,
    simulate_split,
)

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"requests": "250"}
FORECAST = Forecast(9.0, 1500.0, 200.0)


def design(role: str, prefill: str = "0", decode: str = "0") -> Candidate:
    return Candidate.from_source(
        f"def role(site, plan):\n    return {role}\n"
        f"def prefill(request, view):\n    return {prefill}\n"
        f"def decode(request, view):\n    return {decode}\n"
    )


def test_the_interface_is_the_simulators_layout() -> None:
    assert (*REQUEST.fields, "now") == SPLIT_REQUEST_FIELDS
    assert CLUSTER.fields == ("now", "ttft_slo", "tpot_slo")
    assert REPLICA.fields == SPLIT_REPLICA_FIELDS
    for hook in ("prefill", "decode"):
        assert INTERFACE.hook(hook).width(6) == len(SPLIT_REQUEST_FIELDS) + 2 + 6 * len(SPLIT_REPLICA_FIELDS)


def test_a_planner_is_shown_the_replicas_in_order_with_their_rank() -> None:
    seen: list[list[float]] = []

    def ask(observation: Sequence[float]) -> float:
        seen.append(list(observation))
        return 0.0

    assert chosen_roles(ask, FORECAST, (1.0, 0.05)) == (Role.MIXED,) * 6
    assert {len(each) for each in seen} == {len(SITE.fields) + len(PLAN.fields)}
    assert [each[0] for each in seen] == [0, 1, 2, 3, 4, 5]
    assert [each[1] for each in seen] == [0, 1, 2, 3, 4, 5]
    assert [each[2] for each in seen] == list(NODES)
    assert seen[0][3] < seen[2][3]
    assert seen[0][-6:-3] == list(FORECAST)
    assert seen[0][-2:] == [1.0, 0.05]


@pytest.mark.parametrize("role", [1.0, 2.0])
def test_roles_that_leave_nobody_for_one_kind_of_work_make_the_last_one_mixed(role: float) -> None:
    roles = chosen_roles(lambda observation: role, FORECAST, (1.0, 0.05))
    assert roles == (*(Role(int(role)),) * 5, Role.MIXED)


def test_splits_differ_in_seed_and_in_parameters_and_clocks_start_anywhere() -> None:
    problem = load_problem("serving-disaggregation", SMALL)
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    loads = [{(w.params["rate"], w.params["tpot_slo_s"]) for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert loads[0].isdisjoint(loads[1] | loads[2])
    assert loads[1].isdisjoint(loads[2])
    options = DisaggregationOptions(requests=250)
    starts = [trace_of(options, w)[0].arrival_s[0] for w in workloads(options, "train")]
    assert max(starts) > 2 * min(starts)


def test_the_mix_of_long_and_short_prompts_changes_and_the_forecast_is_about_right() -> None:
    options = DisaggregationOptions(requests=4000)
    trace, forecast = trace_of(options, workloads(options, "train")[0])
    parts = [part.mean() for part in np.array_split(trace.prompt_tokens, 40)]
    assert max(parts) > 2 * min(parts)
    assert forecast.prompt_tokens == pytest.approx(trace.prompt_tokens.mean(), rel=0.4)
    assert forecast.output_tokens == pytest.approx(trace.output_tokens.mean(), rel=0.4)
    assert forecast.rate == pytest.approx(7.5, rel=0.4)


def test_the_yardstick_is_the_seed_program() -> None:
    problem = load_problem("serving-disaggregation", SMALL)
    assert isinstance(problem, ServingDisaggregation)
    workload = problem.workloads("train")[0]
    trace, _ = trace_of(problem.options, workload)
    mine = simulate_split(sites((Role.MIXED,) * 6), fabric(problem.options), trace, LeastWork())
    judged = judge_inline(problem, problem.seed()).measurements[0]
    assert judged.metrics["mean_latency_s"] == float(mine.latency_s.mean())
    assert judged.metrics["latency_guard"] == 1.0


def test_splits_beat_colocation_and_kinds_of_designs_lie_in_niches_of_their_own() -> None:
    problem = load_problem("serving-disaggregation", {"requests": "400"})
    judged = {b.name: judge_inline(problem, b.candidate) for b in problem.baselines()}
    scores = {name: each.score or 0.0 for name, each in judged.items()}
    assert min(scores["by-length"], scores["pools-with-overflow"]) < scores["colocated"] < scores["uniform-random"]
    assert scores["fast-decoder"] < 0.6 * scores["by-length"]
    cells = {
        tuple(int(each.descriptors[axis.name] * axis.bins) for axis in problem.descriptors) for each in judged.values()
    }
    assert len(cells) >= 4


def test_a_slow_network_makes_splitting_worse_and_leaves_colocation_as_it_is() -> None:
    slow, fast = (load_problem("serving-disaggregation", {"across_gb_per_s": rate, **SMALL}) for rate in ("0.3", "100"))
    split = design("PREFILL if site.rank < 2 else DECODE", "int(request.prompt_tokens) % 2", "int(view.now * 7) % 6")
    mixed = design("MIXED", "int(view.now * 7) % 6")
    scores = [[judge_inline(problem, each).score or 0.0 for problem in (slow, fast)] for each in (split, mixed)]
    assert scores[0][0] > scores[0][1] + 0.05
    assert scores[1][0] == scores[1][1]


def test_one_replica_for_all_is_late_and_told_so_and_no_design_passes_the_bound() -> None:
    problem = load_problem("serving-disaggregation", SMALL)
    evaluation = judge_inline(problem, design("MIXED", "2"))
    measured = evaluation.measurements[-1]
    assert measured.objective > 0.9
    assert "replica 2 (MIXED): 100 % of the prompts" in measured.feedback
    assert "GUARD: the mean latency is too high" in measured.feedback
    for workload in problem.workloads("train"):
        bound = problem.bound(workload)
        assert bound is not None
        assert 0.0 <= bound < 0.1


def test_who_is_late_alone_is_counted_in_the_bound() -> None:
    one = Trace([0.0, 1.0], [100, 60_000], [20, 20], [20, 20])
    assert late_alone(one, specs(), (1.0, 0.05)).tolist() == [False, True]
    assert late_at_least(one, specs(), (1.0, 0.05)) == 0.5
    assert late_at_least(one, specs(), (1.0, 0.001)) == 1.0


def test_the_fewest_late_are_those_of_trying_every_choice_of_whom_to_give_up() -> None:
    draw, found = np.random.default_rng(5), set()
    for _ in range(200):
        arrival_s = np.sort(draw.uniform(0.0, 3.0, 7))
        work_s = draw.choice([0.1, 0.3, 0.6, 0.9], 7)
        fewest = min(
            7 - len(kept)
            for kept in chain.from_iterable(combinations(range(7), size) for size in range(8))
            if in_time(arrival_s[list(kept)], work_s[list(kept)])
        )
        assert fewest_late(arrival_s.tolist(), work_s.tolist(), 1.0) == fewest
        found.add(fewest)
    assert len(found) >= 3


def in_time(arrival_s: np.ndarray, work_s: np.ndarray) -> bool:
    end_s = 0.0
    for arrived_s, work in zip(arrival_s, work_s, strict=True):
        end_s = max(end_s, arrived_s) + work
        if end_s > arrived_s + 1.0:
            return False
    return True


def test_a_prompt_takes_up_the_cluster_no_longer_than_its_share_of_the_fastest_replica_alone() -> None:
    prompt = np.array([1, 300, 2048, 8192])
    work_s = prompt_work_s(specs(), prompt)
    alone_s = isolated_latencies(specs()[0], prompt, np.ones_like(prompt))
    shares = work_s * sum(1.0 / spec.cost.token_s[2048] for spec in specs()) * specs()[0].cost.token_s[2048] / alone_s
    assert (shares <= 1.0).all()
    assert shares[2:] == pytest.approx(1.0, abs=0.06)


class Fixed(NamedTuple):
    """Sends each request where a list says: the requests are told apart by their prompts."""

    prompts: tuple[int, ...]
    at: tuple[int, ...]

    def prefill(self, observation: Sequence[float]) -> int:
        return self.at[self.prompts.index(int(observation[0]))]

    def decode(self, observation: Sequence[float]) -> int:
        return 0


def test_the_bound_holds_for_every_assignment_of_a_crowd_to_two_replicas() -> None:
    pair, slo_s = specs()[1:3], (1.0, 0.05)
    prompts = (8000, 8001, 8002, 6000, 6001, 7000)
    crowd = Trace([0.0, 0.0, 0.1, 0.2, 0.2, 0.3], list(prompts), [5] * 6, [5] * 6)
    fewest = 1.0
    for roles in ((Role.MIXED, Role.MIXED), (Role.PREFILL, Role.MIXED), (Role.MIXED, Role.PREFILL)):
        cluster = [Site(spec, 0, role) for spec, role in zip(pair, roles, strict=True)]
        for at in product(range(2), repeat=6):
            result = simulate_split(cluster, fabric(DisaggregationOptions()), crowd, Fixed(prompts, at))
            fewest = min(fewest, 1.0 - result.attained(*slo_s).mean())
    assert 0.0 < late_at_least(crowd, pair, slo_s) <= fewest < 1.0


def test_the_bound_is_above_zero_in_a_crush_and_no_baseline_passes_it_anywhere() -> None:
    problem = load_problem("serving-disaggregation", SMALL)
    crush = Workload(name="crush", split="train", seed=3, params={"rate": 60.0, "tpot_slo_s": 0.075})
    assert (problem.bound(crush) or 0.0) > 0.1
    for baseline in problem.baselines():
        policy = evaluator_of("policy").inline(problem, baseline.candidate)
        for workload in (crush, *problem.workloads("train")):
            assert problem.measure(policy, workload).objective >= (problem.bound(workload) or 0.0)


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("serving-disaggregation")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert f"{measured.score:.3f}" in problem.brief()


@pytest.mark.parametrize("options", [{"requests": "3"}, {"across_gb_per_s": "0"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"serving-disaggregation, option '{next(iter(options))}'"):
        load_problem("serving-disaggregation", options)
