"""Routers on the live testbed: the same files, the same observations, the simulator calibrated to it beside them."""

from importlib.util import find_spec

import pytest
from speciate.evaluators import InlinePolicy, load_problem
from speciate.search_spaces.serving_router._interface import INTERFACE
from speciate.search_spaces.serving_router._options import RouterOptions
from speciate.search_spaces.serving_router._real import CLUSTERS, COMPARED, KEPT, OUTPUT, PROMPT, RouterTest

from tests.conftest import missing


def test_a_request_of_the_greatest_length_fits_on_every_replica() -> None:
    for sizes in CLUSTERS.values():
        assert all(size.blocks_of(PROMPT.longest + OUTPUT.longest) <= size.blocks for size in sizes)
        assert all(size.chunk_tokens > size.max_batch for size in sizes)


def test_each_repetition_has_a_stream_of_its_own() -> None:
    test = RouterTest("mixed", 20.0)
    streams = [test.workloads(repetition)[0] for repetition in range(3)]
    assert len({stream.seed for stream in streams}) == len({stream.name for stream in streams}) == 3
    assert {stream.params["seconds"] for stream in streams} == {20.0}


def test_a_router_is_served_really_and_simulated_on_the_same_stream() -> None:
    if find_spec("torch") is None:
        missing("torch is not installed: pip install 'speciate[real]'")
    problem = load_problem("serving-router", {"scenario": "equal", "real_seconds": "1"})
    test = problem.real()
    assert test is not None
    assert test.metrics == COMPARED
    shelf = {baseline.name: baseline.candidate.source for baseline in problem.baselines()}
    workload = test.workloads(0)[0]
    with test.open() as bed:
        assert float(bed.facts["capacity_rps"]) > 0
        for name in ("least-work", "headroom-earliest-finish"):
            policy = InlinePolicy(shelf[name], INTERFACE)
            real, simulated = bed.measure(policy, workload), bed.simulate(policy, workload)
            assert set(KEPT) <= set(real.metrics)
            assert set(simulated.metrics) == set(KEPT)
            assert real.objective == real.metrics["mean_latency_s"] > real.metrics["mean_ttft_s"] > 0
            assert bed.simulate(policy, workload) == simulated
            assert real.metrics["mean_thought_s"] > 0


def test_real_seconds_must_be_a_length() -> None:
    assert RouterOptions().real_seconds == 20.0
    with pytest.raises(Exception, match="real_seconds"):
        load_problem("serving-router", {"real_seconds": "0"})
