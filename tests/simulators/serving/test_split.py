"""Prefill and decode on replicas of their own: against a slow second implementation, and what is known of it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from serving_support import Drawn, LeastWork, Noting, small_trace, split_reference_run, tiny_replica
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    DecisionError,
    EventLimitError,
    Fabric,
    ReplicaSpec,
    Role,
    Site,
    SplitResult,
    Trace,
    isolated_latency,
    iteration_model,
    simulate,
    simulate_split,
)

SMALL_FABRIC = Fabric(kv_bytes_per_token=1000.0, within_bytes_per_s=1e6, across_bytes_per_s=1e5, latency_s=0.003)
ROLES = ("PD", "PMD", "PPD", "MDP", "MM", "DPDM")
NAMES = {"M": Role.MIXED, "P": Role.PREFILL, "D": Role.DECODE}


def sites(roles: str, specs: Sequence[ReplicaSpec], *, nodes: Sequence[int] | None = None) -> list[Site]:
    places = nodes or range(len(roles))
    return [Site(spec, node, NAMES[role]) for role, spec, node in zip(roles, specs, places, strict=True)]


def engine() -> ReplicaSpec:
    """A model of 32 billion parameters on two H100s."""
    cost = iteration_model(MODELS["Qwen2.5-32B"], GPUS["H100"], EFFICIENCIES["H100"], tensor_parallel=2)
    return ReplicaSpec(cost=cost, blocks=18_000)


def prompts_and_answers(rate: float) -> Trace:
    """Lengths like the Azure conversations': prompts of a median of 1,300 tokens, answers of 150."""
    draw = np.random.default_rng(1)
    arrival = np.cumsum(draw.exponential(1.0 / rate, 400))
    prompt = np.clip(np.rint(draw.lognormal(np.log(1300), 0.8, 400)), 4, 8192)
    output = np.clip(np.rint(draw.lognormal(np.log(150), 0.8, 400)), 1, 1500)
    return Trace(arrival, prompt, output, output)


def link(bytes_per_s: float) -> Fabric:
    return Fabric(MODELS["Qwen2.5-32B"].kv_bytes_per_token, bytes_per_s, bytes_per_s)


def run_pair(roles: str, rate: float, fabric: Fabric) -> SplitResult:
    return simulate_split(sites(roles, [engine()] * 2, nodes=[0, 0]), fabric, prompts_and_answers(rate), LeastWork())


def goodput(roles: str, tpot_s: float, fabric: Fabric) -> float:
    """Return the largest rate (requests a second) at which nine tenths keep both objectives, the first one 1 s."""
    rate = 0.5
    while run_pair(roles, rate + 0.5, fabric).attained(1.0, tpot_s).mean() >= 0.9:
        rate += 0.5
    return rate


@pytest.mark.parametrize("seed", range(18))
def test_equals_the_reference_in_every_time_count_and_observation(seed: int) -> None:
    """All roles, low load to overload, slow links, memory that fills at either end."""
    roles = ROLES[seed % len(ROLES)]
    other = tiny_replica(blocks=36 + seed, max_batch=3 + seed % 6, chunk_tokens=10 + seed).scaled(0.7)
    cluster = sites(
        roles, [tiny_replica(), other, tiny_replica(blocks=37), other][: len(roles)], nodes=[0, 0, 1, 1][: len(roles)]
    )
    trace = small_trace(seed, rate=0.3 + seed % 5 * 0.8)
    for make in (LeastWork, lambda: Drawn(seed, len(roles))):
        seen, noting = Noting(make()), Noting(make())
        world = split_reference_run(cluster, SMALL_FABRIC, trace, seen)
        result = simulate_split(cluster, SMALL_FABRIC, trace, noting)
        result.check()
        np.testing.assert_allclose(noting.observations, seen.observations, rtol=0, atol=1e-8)
        for name in ("admitted", "first_token", "finish"):
            times = [getattr(job, name) for job in world.jobs]
            np.testing.assert_allclose(getattr(result, f"{name}_s"), times, rtol=0, atol=1e-8)
        assert result.preemptions.tolist() == [job.preemptions for job in world.jobs]
        assert {request: int(result.decode_at[request]) for request in np.flatnonzero(result.moved)} == {
            request: target for request, (target, _) in world.moved.items()
        }


def test_the_reference_runs_cover_preemption_waiting_for_memory_and_for_the_link() -> None:
    """Else the test above would prove little."""
    cluster = sites("PD", [tiny_replica(blocks=37), tiny_replica(blocks=37)])
    result = simulate_split(cluster, SMALL_FABRIC, small_trace(4, rate=3.5), LeastWork())
    assert result.preemptions.sum() > 5
    assert ((result.begun_s - result.first_token_s)[result.moved] > 0.05).any()
    assert result.moved.any()
    assert not result.moved.all()


def test_all_mixed_is_the_plain_cluster() -> None:
    class First:
        def key(self, request: Sequence[float]) -> float:
            return request[0]

        def place(self, observation: Sequence[float]) -> int:
            return 0

        def prefill(self, observation: Sequence[float]) -> int:
            return 0

    trace = prompts_and_answers(4.0)
    split = simulate_split(sites("M", [engine()]), SMALL_FABRIC, trace, First())  # type: ignore[arg-type]
    plain = simulate([engine()], trace, First())
    assert np.array_equal(split.finish_s, plain.finish_s)
    assert np.array_equal(split.first_token_s, plain.first_token_s)


def test_a_request_alone_takes_its_prompt_its_way_and_its_decode() -> None:
    """Closed form, for a prompt of 20 tokens and an answer of 9 on two replicas in two nodes."""
    replica = tiny_replica()
    result = simulate_split(sites("PD", [replica] * 2), SMALL_FABRIC, Trace([0.0], [20], [9], [9]), LeastWork())
    first = isolated_latency(replica, 20, 1)
    assert result.first_token_s[0] == pytest.approx(first, rel=1e-12)
    assert result.ended_s[0] - first == pytest.approx(0.003 + 20 * 1000.0 / 1e5, rel=1e-12)
    cost = replica.cost
    second = cost.token_s[1] + cost.head_s[1] + cost.prefill_fixed_s + cost.pair_s * (20 + 0.5)
    later = sum(cost.decode_s(1, 20.0 + token) for token in range(2, 9))
    assert result.finish_s[0] - result.ended_s[0] == pytest.approx(second + later, rel=1e-9)


def test_a_replica_sends_one_cache_at_a_time_and_keeps_it_until_it_is_sent() -> None:
    trace = Trace([0.0, 0.0], [20, 20], [5, 5], [5, 5])
    slow = Fabric(1000.0, 1e4, 1e4, latency_s=0.0)
    result = simulate_split(sites("PD", [tiny_replica(chunk_tokens=64)] * 2), slow, trace, LeastWork())
    assert result.first_token_s[0] == result.first_token_s[1]
    assert result.begun_s[1] == result.ended_s[0] == pytest.approx(result.first_token_s[0] + 2.0)
    # 13 blocks of 4 hold two prompts of 20 tokens, and not a third until one of them has left.
    three = Trace([0.0] * 3, [20] * 3, [5] * 3, [5] * 3)
    tight = [tiny_replica(blocks=13, chunk_tokens=64), tiny_replica(chunk_tokens=64)]
    waits = simulate_split(sites("PD", tight), slow, three, LeastWork())
    assert waits.admitted_s[2] == pytest.approx(waits.ended_s[0])


def test_splitting_wins_under_a_tight_time_per_token_and_loses_under_a_loose_one() -> None:
    """The relation of DistServe, and of a roofline: 0.71 of the rate at 40 to 100 ms, 1.5 to 1.67 times at 25 to 30."""
    fast = link(300e9)
    tight, loose = (goodput("PD", tpot_s, fast) / goodput("MM", tpot_s, fast) for tpot_s in (0.025, 0.1))
    assert tight > 1.5
    assert loose < 0.8


def test_splitting_does_not_raise_raw_throughput() -> None:
    """What a split cluster finishes in a second of overload is less than what a colocated one does."""
    split, mixed = (run_pair(roles, 40.0, link(300e9)) for roles in ("PD", "MM"))
    assert split.finish_s.max() > 1.2 * mixed.finish_s.max()


def test_splitting_loses_where_links_are_slow() -> None:
    fast, slow = (goodput("PD", 0.025, link(rate)) for rate in (300e9, 1e9))
    assert slow < 0.5 * fast


def test_prompts_do_not_disturb_decoding_elsewhere() -> None:
    """The time per token of the worst hundredth falls; that of the first token rises, with half the replicas for it."""

    def p99(result: SplitResult) -> float:
        return float(np.percentile(result.tpot_s[result.trace.output_tokens > 20], 99))

    split, mixed = (run_pair(roles, 6.0, link(300e9)) for roles in ("PD", "MM"))
    assert p99(split) < 0.7 * p99(mixed)
    assert split.ttft_s.mean() > mixed.ttft_s.mean()


def test_roles_that_serve_nobody_and_fabrics_that_carry_nothing_are_refused() -> None:
    trace = small_trace(1)
    for roles in ("PP", "DD"):
        with pytest.raises(ValueError, match="some replica must compute prompts and some must decode"):
            simulate_split(sites(roles, [tiny_replica()] * 2), SMALL_FABRIC, trace, LeastWork())
    with pytest.raises(ValueError, match="must be finite and > 0"):
        Fabric(1000.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="latency_s >= 0"):
        Fabric(1000.0, 1.0, 1.0, latency_s=-1.0)
    with pytest.raises(ValueError, match=r"request \d+ .* needs \d+ KV blocks"):
        simulate_split(sites("PD", [tiny_replica(), tiny_replica(blocks=3)]), SMALL_FABRIC, trace, LeastWork())


@pytest.mark.parametrize("answer", [2, -1, 0.5])
def test_an_answer_that_is_no_replica_is_refused(answer: float) -> None:
    class Says(LeastWork):
        def decode(self, observation: Sequence[float]) -> float:  # type: ignore[override]
            return answer

    with pytest.raises(DecisionError, match="expected a replica from 0 to 1"):
        simulate_split(sites("PD", [tiny_replica()] * 2), SMALL_FABRIC, small_trace(1), Says())


def test_a_run_that_passes_its_event_limit_is_given_up() -> None:
    with pytest.raises(EventLimitError, match="gave up after 20 events"):
        simulate_split(sites("PD", [tiny_replica()] * 2), SMALL_FABRIC, small_trace(1), LeastWork(), event_limit=20)


DIGEST = """
from serving_support import LeastWork, small_trace, tiny_replica
from speciate.simulators.serving import Fabric, Role, Site, simulate_split
sites = [Site(tiny_replica(), 0, Role.PREFILL), Site(tiny_replica(), 1, Role.DECODE)]
print(simulate_split(sites, Fabric(1000.0, 1e6, 1e5), small_trace(3), LeastWork()).digest())
"""


def test_the_digest_is_the_same_in_another_process_and_with_another_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert len(found) == 1
    assert len(found.pop()) == 33
