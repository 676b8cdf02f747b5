"""The prefix-routing problem: what a router is shown, what the yardstick says, traces, and what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import Candidate, ProblemError, Split, judge_inline, load_problem, measured_headroom
from speciate.search_spaces.prefix_routing._interface import CLUSTER, INTERFACE, REPLICA, REQUEST
from speciate.search_spaces.prefix_routing._routing import Yardstick, guarded
from speciate.search_spaces.prefix_routing._workloads import PrefixOptions, cluster, trace_of, workloads
from speciate.simulators.serving import PREFIX_REPLICA_FIELDS, PREFIX_REQUEST_FIELDS, Result, simulate_prefixes

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"requests": "300"}


def router(answer: str) -> Candidate:
    return Candidate.from_source(f"def place(head, view):\n    return {answer}\n")


def run(answer: int) -> Result:
    class One:
        def place(self, observation: Sequence[float]) -> int:
            return answer

    options = PrefixOptions(requests=300)
    trace = trace_of(options, workloads(options, "train")[0])
    return simulate_prefixes(cluster(trace.block_tokens), trace, One())


def write_trace(path: Path, n: int, *, longest: int = 2048) -> Path:
    lines = []
    for request in range(n):
        ids = [0, 10 + request // 3, 100_000 + request, 200_000 + request]
        ids = ids if request % 50 else [0, *range(10**6 + 1000 * request, 10**6 + 1000 * request + longest // 512 - 1)]
        told = {"timestamp": 100 * request, "input_length": 512 * len(ids), "output_length": 30, "hash_ids": ids}
        lines.append(json.dumps(told) + "\n")
    path.write_text("".join(lines))
    return path


def test_the_interface_is_the_simulators_layout() -> None:
    assert REQUEST.fields + CLUSTER.fields == PREFIX_REQUEST_FIELDS
    assert REPLICA.fields == PREFIX_REPLICA_FIELDS
    assert INTERFACE.hook("place").width(4) == len(PREFIX_REQUEST_FIELDS) + 4 * len(PREFIX_REPLICA_FIELDS)


def test_splits_differ_in_seed_and_in_parameters_and_clocks_start_anywhere() -> None:
    problem = load_problem("prefix-routing", SMALL)
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    rates = [{(w.params["rate"], w.params["burst"]) for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert rates[0] != rates[1] != rates[2] != rates[0]
    options = PrefixOptions(requests=300)
    starts = [trace_of(options, w).requests.arrival_s[0] for w in workloads(options, "train")]
    assert max(starts) > 2 * min(starts)


def test_the_yardstick_is_the_seed_program() -> None:
    problem = load_problem("prefix-routing", SMALL)
    assert judge_inline(problem, problem.seed()).score == 1.0


def test_routers_that_see_the_caches_beat_those_that_do_not_and_lie_in_niches_of_their_own() -> None:
    problem = load_problem("prefix-routing", SMALL)
    judged = {b.name: judge_inline(problem, b.candidate) for b in problem.baselines()}
    scores = {name: each.score or 0.0 for name, each in judged.items()}
    for aware in ("prefill-times-batch", "least-first-token", "weighted-scores", "exploit-or-explore"):
        assert scores[aware] < scores["session-affinity"] < scores["uniform-random"]
    assert scores["prefill-times-batch"] < scores["least-outstanding"]
    cells = {
        tuple(
            int((each.descriptors[axis.name] - axis.low) / (axis.high - axis.low) * axis.bins)
            for axis in problem.descriptors
        )
        for each in judged.values()
    }
    assert len(cells) >= 5


def test_the_bound_is_passed_by_none_and_feedback_tells_where_prefixes_were_lost() -> None:
    problem = load_problem("prefix-routing", SMALL)
    evaluation = judge_inline(problem, router("1"))
    for workload, measured in zip(problem.workloads("train"), evaluation.measurements, strict=True):
        bound = problem.bound(workload)
        assert bound is not None
        assert 0.02 < bound < measured.objective
    text = evaluation.measurements[0].feedback
    assert "replica 1 (speed 1): 100 % of the requests" in text
    assert "0 % were cached on another replica when placed" in text
    assert "GUARD: the p99" in text


def test_a_broken_guard_raises_the_objective_in_proportion() -> None:
    result = run(3)
    metrics = result.metrics()
    kept = Yardstick(metrics["mean_ttft_s"], metrics["p99_ttft_s"], metrics["mean_tpot_s"], 0.0)
    assert guarded(result, kept)[0] == pytest.approx(1.0)
    assert guarded(result, kept._replace(p99_s=kept.p99_s / 3))[0] == pytest.approx(2.0)
    assert guarded(result, kept._replace(tpot_s=kept.tpot_s / 2.5))[0] == pytest.approx(2.0)


def test_a_mooncake_trace_is_cut_into_windows_that_never_overlap_across_splits(tmp_path: Path) -> None:
    file = write_trace(tmp_path / "log.jsonl", 2400)
    problem = load_problem("prefix-routing", {"trace": str(file), **SMALL})
    spans = {
        split: {
            (int(w.params["first"]), int(w.params["first"]) + int(w.params["requests"]))
            for w in problem.workloads(split)
        }
        for split in SPLITS
    }
    assert max(end for _, end in spans["train"]) <= min(first for first, _ in spans["validation"])
    assert max(end for _, end in spans["validation"]) <= min(first for first, _ in spans["heldout"])
    evaluation = judge_inline(problem, problem.seed())
    assert evaluation.score == 1.0
    assert evaluation.descriptors["reuse"] > 0.2


def test_a_trace_that_is_too_short_or_too_long_a_request_is_refused_by_name(tmp_path: Path) -> None:
    short = load_problem("prefix-routing", {"trace": str(write_trace(tmp_path / "short.jsonl", 900))})
    with pytest.raises(ProblemError, match="expected at least 2000 requests in the file, got 900"):
        short.workloads("validation")
    long = load_problem("prefix-routing", {"trace": str(write_trace(tmp_path / "long.jsonl", 900, longest=1 << 19))})
    with pytest.raises(ProblemError, match=r"request 1 has 524\d+ tokens"):
        long.workloads("train")


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("prefix-routing")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"requests": "3"}, {"heldout_seeds": "1"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"prefix-routing, option '{next(iter(options))}'"):
        load_problem("prefix-routing", options)


def test_the_real_mooncake_conversations_give_workloads(data_folder: Path) -> None:
    file = data_folder / "mooncake-fast25" / "conversation_trace.jsonl"
    problem = load_problem("prefix-routing", {"trace": str(file), **SMALL})
    evaluation = judge_inline(problem, problem.seed())
    assert evaluation.score == 1.0
    assert np.isfinite([m.metrics["mean_ttft_s"] for m in evaluation.measurements]).all()
