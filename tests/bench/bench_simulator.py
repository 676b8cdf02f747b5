"""Requests the serving simulator handles in a CPU-second, with an in-process Python router.

Run it as ``python tests/bench/bench_simulator.py``. Goal: at least 40,000 at a stable load of 10,000 requests on
8 replicas, the router reading a full observation (120 numbers) at every decision. The best of several runs
counts: the others were disturbed. CPU time of a plain loop is printed beside it, to compare machines.

Goals further on: 10,000 with prefix caches, on conversations of about 24 blocks of 512 tokens a prompt; 20,000 where
prompts and answers are computed on replicas of their own.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving_support import HeadRoom, LeastOutstanding, LeastWork, PrefillTimesBatch, sharegpt_like
from speciate.search_spaces.traces import Lengths, SessionModel, generate_sessions
from speciate.simulators.serving import (
    CachingReplica,
    Fabric,
    Role,
    Router,
    Site,
    Trace,
    capacity,
    equal_cluster,
    mixed_speed_cluster,
    simulate,
    simulate_prefixes,
    simulate_split,
)

REQUESTS = 10_000
REPLICAS = 8
LOAD = 0.8
"""Of the capacity, first come first served."""
REPEATS = 7


def conversation(rate: float, requests: int, seed: int) -> Trace:
    """Lengths like the Azure conversation trace: 1,155 tokens in and 211 out on average, few of them long."""
    draw = np.random.default_rng(seed)
    arrival = np.cumsum(draw.exponential(1.0 / rate, requests))
    prompt = np.clip(np.rint(draw.lognormal(np.log(840), 0.8, requests)), 4, 8192)
    output = np.clip(np.rint(draw.lognormal(np.log(150), 0.8, requests)), 1, 1500)
    return Trace(arrival, prompt, output, output * np.exp(draw.normal(0.0, 0.6, requests)))


def loop_cpu_s() -> float:
    """CPU seconds of a million turns of a plain loop, the best of five."""
    times = []
    for _ in range(5):
        start = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number & 7
        times.append(time.process_time() - start)
    return min(times)


def best_rate(requests: int, run: Callable[[], object]) -> float:
    """Return requests a CPU-second of the best of ``REPEATS`` runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return requests / min(times)


def requests_per_cpu_s(trace: Trace, router: type[LeastOutstanding] | type[HeadRoom], replicas: int) -> float:
    """Return the best rate of ``REPEATS`` runs of ``trace``."""
    cluster = equal_cluster(replicas)
    return best_rate(len(trace), lambda: simulate(cluster, trace, router()))


def prefixes_per_cpu_s() -> float:
    """Return the rate with prefix caches: prompts of 12,000 tokens, eight replicas with room for 1,000 blocks each."""
    model = SessionModel(
        rate=0.5 * REPLICAS,
        requests=REQUESTS // 4,
        first=Lengths(median=9000.0, sigma=0.7, longest=40_000),
        longest_prompt=60_000,
        block_tokens=512,
    )
    trace = generate_sessions(model, 1)
    large = equal_cluster(1)[0].scaled(4.0, blocks=26_000)
    cluster = [CachingReplica(large, 1000)] * REPLICAS
    return best_rate(len(trace), lambda: simulate_prefixes(cluster, trace, PrefillTimesBatch()))


def split_per_cpu_s(rate: float) -> float:
    """Return the rate where prompts are computed on half the replicas and answers on the others."""
    spec = equal_cluster(1)[0]
    sites = [Site(spec, index // 2, Role.PREFILL if index % 2 else Role.DECODE) for index in range(REPLICAS)]
    fabric = Fabric(kv_bytes_per_token=131_072.0, within_bytes_per_s=32e9, across_bytes_per_s=12.5e9)
    trace = conversation(rate, REQUESTS, 1)
    return best_rate(len(trace), lambda: simulate_split(sites, fabric, trace, LeastWork()))


def candidate_cpu_s(router: Router) -> tuple[float, int]:
    """Return CPU seconds and decisions of 3 loads x 2 seeds x 4,000 requests on the mixed-speed cluster."""
    traces = [sharegpt_like(rate, 4000, seed) for rate in (4.4, 5.0, 5.6) for seed in (1, 2)]
    start = time.process_time()
    decisions = [simulate(mixed_speed_cluster(), trace, router).decisions for trace in traces]
    return time.process_time() - start, sum(made.keys + made.places for made in decisions)


def main() -> None:
    """Print the table."""
    print(f"plain loop of 1,000,000: {1e3 * loop_cpu_s():.1f} ms CPU")
    cluster = equal_cluster(REPLICAS)
    for name, generate in (("conversation lengths", conversation), ("ShareGPT-like lengths", sharegpt_like)):
        rate = LOAD * capacity(cluster, generate(1.0, 4000, 7))
        speed = requests_per_cpu_s(generate(rate, REQUESTS, 1), LeastOutstanding, REPLICAS)
        print(f"{name}, {rate:.1f} req/s ({LOAD:.0%} of capacity), {REPLICAS} replicas: {speed:,.0f} requests/CPU-s")
    print(f"prefix caches, prompts of 12,000 tokens, {REPLICAS} replicas: {prefixes_per_cpu_s():,.0f} requests/CPU-s")
    print(f"prompts and answers apart, 8 req/s, {REPLICAS} replicas: {split_per_cpu_s(8.0):,.0f} requests/CPU-s")
    start = time.process_time()
    large = conversation(36.0, 100_000, 1)
    simulate(equal_cluster(32), large, LeastOutstanding())
    print(f"100,000 requests on 32 replicas: {time.process_time() - start:.1f} CPU-s")
    seconds, decisions = candidate_cpu_s(HeadRoom())
    print(f"3 loads x 2 seeds x 4,000 requests, mixed speeds: {seconds:.2f} CPU-s, {decisions:,} decisions in-process")


if __name__ == "__main__":
    main()
