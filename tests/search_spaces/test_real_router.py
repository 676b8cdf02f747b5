"""Routers on the live testbed: the same files, the same observations, the simulator calibrated to it beside them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from speciate.evaluators import InlinePolicy, load_problem
from speciate.search_spaces.serving_router._interface import INTERFACE
from speciate.search_spaces.serving_router._options import RouterOptions
from speciate.search_spaces.serving_router._real import CLUSTERS, COMPARED, KEPT, OUTPUT, PROMPT, RouterTest
from speciate.search_spaces.serving_router._router import Hooks
from speciate.search_spaces.traces import StreamModel, generate
from speciate.simulators.serving import IterationModel, ReplicaSpec, simulate

from tests.conftest import needs_torch


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
    needs_torch()
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


def test_the_documented_cheat_lives_on_the_simulators_lack_of_delays() -> None:
    """As good as what it was made from while nobody has waited when it is asked; far worse a fifth of a ms later."""
    text = (Path(__file__).parents[2] / "docs/real/designs/trusts_a_wait_of_zero.py").read_text(encoding="utf-8")
    shelf = {baseline.name: baseline.candidate.source for baseline in load_problem("serving-router").baselines()}
    honest, cheat = (simulated_s(source, 0.0) for source in (shelf["earliest-finish"], text))
    assert cheat == pytest.approx(honest, rel=0.02)
    assert simulated_s(shelf["earliest-finish"], 2e-4) == pytest.approx(honest)
    assert simulated_s(text, 2e-4) > 1.5 * honest


def simulated_s(source: str, delay_s: float) -> float:
    """Mean latency on the scaled cluster, the router asked ``delay_s`` after each arrival."""
    cost = IterationModel(
        token_s=(0.0, *(0.005 + 5e-5 * n for n in range(128))),
        head_s=(0.0, *(5e-4 + 5e-5 * n for n in range(32))),
        context_s=1e-5,
        decode_fixed_s=2e-3,
        pair_s=1e-6,
        prefill_fixed_s=2e-3,
        mixed_context_s=1e-5,
    )
    slow, fast = CLUSTERS["mixed"]
    specs = [
        ReplicaSpec(cost, slow.blocks, max_batch=32, chunk_tokens=128),
        ReplicaSpec(cost, fast.blocks, max_batch=32, chunk_tokens=128).scaled(2.5),
    ]
    trace = generate(StreamModel(rate=22.0, requests=300, prompt=PROMPT, output=OUTPUT), seed=9001)
    policy = InlinePolicy(source, INTERFACE)
    policy.begin(len(specs))
    place = policy.hook("place")

    def asked_late(observed: Sequence[float]) -> float:
        arrival, waited, *request = observed[:5]
        now, *cluster = observed[5:]
        return place([arrival, waited + delay_s, *request, now + delay_s, *cluster])

    return float(simulate(specs, trace, Hooks(policy.hook("key"), asked_late)).latency_s.mean())


def test_real_seconds_must_be_a_length() -> None:
    assert RouterOptions().real_seconds == 15.0
    with pytest.raises(Exception, match="real_seconds"):
        load_problem("serving-router", {"real_seconds": "0"})
