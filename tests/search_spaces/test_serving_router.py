"""The serving-router problem: what a router is shown, where workloads come from, and what is refused."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import Baseline, Candidate, ProblemError, Split, judge_inline, load_problem
from speciate.evaluators._contract import TRACE_CHARACTERS
from speciate.search_spaces.serving_router._interface import CLUSTER, INTERFACE, REPLICA, REQUEST
from speciate.search_spaces.serving_router._router import LeastOutstanding, Yardstick, guarded
from speciate.search_spaces.serving_router._workloads import trace_of
from speciate.simulators.serving import CLUSTER_FIELDS, REPLICA_FIELDS, REQUEST_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")


def write_log(file: Path, requests: int) -> Path:
    rng = np.random.default_rng(5)
    seconds = np.cumsum(rng.exponential(0.2, requests))
    clock = [f"{18 + int(s) // 3600}:{int(s) // 60 % 60:02d}:{s % 60:010.7f}" for s in seconds]
    rows = (f"2023-11-16 {at},{rng.integers(5, 2000)},{rng.integers(2, 500)}" for at in clock)
    file.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "\n".join(rows) + "\n")
    return file


def test_the_interface_is_the_simulators_layout() -> None:
    assert REQUEST.fields == REQUEST_FIELDS
    assert CLUSTER.fields == CLUSTER_FIELDS
    assert REPLICA.fields == REPLICA_FIELDS
    assert INTERFACE.hook("place").width(4) == 64


def test_the_brief_names_every_quantity() -> None:
    brief = load_problem("serving-router").brief()
    for record in (REQUEST, CLUSTER, REPLICA):
        for field in record.fields:
            assert f"`{field}`" in brief


@pytest.mark.parametrize("scenario", ["mixed", "equal"])
def test_every_constant_that_may_be_tuned_is_in_its_file(scenario: str) -> None:
    shelf: dict[str, Baseline] = {b.name: b for b in load_problem("serving-router", {"scenario": scenario}).baselines()}
    assert len(shelf) >= 13
    for baseline in shelf.values():
        for parameter in baseline.parameters:
            assert f"\n{parameter.name} = " in baseline.candidate.source


def test_splits_differ_in_seed_and_in_a_parameter() -> None:
    problem = load_problem("serving-router")
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    loads = [{tuple(w.params.values()) for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert loads[0] != loads[1] != loads[2] != loads[0]


def test_a_log_is_cut_without_overlap_and_stretched_to_the_stated_load(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", 4000)
    problem = load_problem("serving-router", {"trace": str(log)})
    spans: list[tuple[int, int]] = []
    for split in SPLITS:
        workloads = problem.workloads(split)
        assert len({w.seed for w in workloads}) >= 2
        cuts = {(int(w.params["first"]), int(w.params["requests"])) for w in workloads}
        spans += sorted((first, first + size) for first, size in cuts)
    assert spans == sorted(spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    slow, fast = (trace_of(problem.options, w) for w in problem.workloads("train")[:2])  # type: ignore[attr-defined]
    assert np.ptp(slow.arrival_s) / np.ptp(fast.arrival_s) == pytest.approx(1.0 / 0.85)


def test_the_clock_tells_no_router_how_long_a_run_has_lasted() -> None:
    problem = load_problem("serving-router", {"requests": "300"})
    origins = [trace_of(problem.options, w).arrival_s[0] for w in problem.workloads("heldout")]  # type: ignore[attr-defined]
    assert min(origins) > 1e4
    assert max(origins) / min(origins) > 5


def test_a_log_is_judged_end_to_end(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", 2500)
    problem = load_problem("serving-router", {"trace": str(log)})
    assert judge_inline(problem, problem.seed()).score == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scenario": "round"}, "option 'scenario'"),
        ({"requests": "many"}, "option 'requests'"),
        ({"requests": "3"}, "option 'requests'"),
        ({"colour": "blue"}, "options are: scenario, trace"),
        ({"tuned": "/nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        list(load_problem("serving-router", options).baselines())


def test_a_log_too_short_for_two_windows_a_split_is_refused(tmp_path: Path) -> None:
    problem = load_problem("serving-router", {"trace": str(write_log(tmp_path / "log.csv", 900))})
    with pytest.raises(ProblemError, match="expected at least 2000 requests in the file, got 900"):
        problem.workloads("validation")


def test_a_file_of_tuned_constants_is_used_and_a_strange_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[tuned.least_kv]\nvalues = { SPEED_POWER = 0.75 }\n")
    shelf = {b.name: b for b in load_problem("serving-router", {"tuned": str(file)}).baselines()}
    assert "SPEED_POWER = 0.75" in shelf["least-kv"].candidate.source
    strange = tmp_path / "strange.toml"
    strange.write_text("[tuned.least_kv]\nvalues = { NO_SUCH = 0.75 }\n")
    with pytest.raises(ProblemError, match="least_kv"):
        load_problem("serving-router", {"tuned": str(strange)}).baselines()


def test_a_broken_guard_raises_the_objective_in_proportion() -> None:
    yardstick = Yardstick(mean_s=10.0, p99_s=100.0, max_wait_s=50.0)
    kept = {"mean_latency_s": 8.0, "p99_latency_s": 200.0, "max_wait_s": 100.0}
    assert guarded(kept, yardstick)[0] == 8.0
    assert guarded(kept | {"p99_latency_s": 300.0}, yardstick)[0] == pytest.approx(12.0)
    assert guarded(kept | {"max_wait_s": 200.0}, yardstick)[0] == pytest.approx(16.0)


def test_the_yardstick_is_the_seed_program() -> None:
    problem = load_problem("serving-router", {"requests": "400"})
    assert judge_inline(problem, problem.seed()).score == 1.0
    assert LeastOutstanding().key([3.5, 0.0, 1.0, 1.0, 1.0]) == 3.5


def test_shortest_first_moves_the_size_bias_and_admission_the_central_wait() -> None:
    problem = load_problem("serving-router", {"requests": "1500"})
    shelf = {b.name: judge_inline(problem, b.candidate).descriptors for b in problem.baselines()}
    assert shelf["headroom-size-by-output"]["size_bias"] > shelf["headroom-fcfs"]["size_bias"]
    assert shelf["least-outstanding"]["central_wait"] == 0.0
    assert shelf["headroom-fcfs"]["central_wait"] > 0.2


def test_a_router_that_never_places_is_measured_as_what_it_is() -> None:
    problem = load_problem("serving-router", {"requests": "200"})
    holds = Candidate.from_source("def key(request):\n    return 0\ndef place(head, view):\n    return HOLD\n")
    evaluation = judge_inline(problem, holds)
    assert evaluation.score is not None
    assert evaluation.score > 5
    assert evaluation.measurements[0].metrics["forced"] == 200
    assert "placed by force" in evaluation.measurements[0].feedback


def test_the_trace_tells_the_phases_and_the_worst_requests_of_a_workload() -> None:
    problem = load_problem("serving-router", {"requests": "400"})
    one = Candidate.from_source("def key(request):\n    return 0\ndef place(head, view):\n    return 2\n")
    measured = judge_inline(problem, one).measurements[0]
    head, first, *rest = measured.trace
    queued = re.search(r"queued at its replica ([\d.]+)", head)
    assert queued is not None
    assert float(queued[1]) == pytest.approx(measured.metrics["mean_wait_s"], abs=0.01)
    assert "lost in its replica's queue; placed on 2 after 0.0 s" in first
    beside = re.search(r"queued\+running (.*)", first)
    assert beside is not None
    waiting, busy = (int(count) for count in beside[1].split(", ")[2].removeprefix("2: ").split("+"))
    assert beside[1].startswith("0: 0+0, 1: 0+0, ")
    assert 0 < waiting + busy < 400
    lost = [float(took) - float(alone) for took, alone in re.findall(r"took ([\d.]+) s, alone ([\d.]+) s", first)]
    assert lost[0] > measured.metrics["mean_wait_s"]
    assert 0 < len(rest) < 5
    assert all(len(line) <= TRACE_CHARACTERS for line in measured.trace)
