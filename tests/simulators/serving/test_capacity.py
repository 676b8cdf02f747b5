"""The capacity probe."""

import numpy as np
import pytest
from serving_support import RoundRobin, sharegpt_like, small_trace, tiny_replica
from speciate.simulators.serving import capacity, equal_cluster, simulate


def test_capacity_scales_with_replicas_and_speed() -> None:
    one = capacity(equal_cluster(1), sharegpt_like(1.0, 600, 1))
    assert capacity(equal_cluster(2), sharegpt_like(1.0, 1200, 1)) == pytest.approx(2 * one, rel=0.1)
    fast = [equal_cluster(1)[0].scaled(3.0)]
    assert capacity(fast, sharegpt_like(1.0, 600, 1)) == pytest.approx(3 * one, rel=1e-9)


def test_capacity_is_what_an_overloaded_replica_delivers() -> None:
    sustained = capacity(equal_cluster(1), sharegpt_like(1.0, 1500, 1))
    finish = np.sort(simulate(equal_cluster(1), sharegpt_like(2 * sustained, 1500, 1), RoundRobin()).finish_s)
    delivered = 900 / (finish[1200] - finish[300])
    assert delivered == pytest.approx(sustained, rel=0.05)


def test_capacity_does_not_depend_on_the_arrivals() -> None:
    cluster = equal_cluster(2)
    assert capacity(cluster, sharegpt_like(1.0, 300, 1)) == capacity(cluster, sharegpt_like(9.0, 300, 1))


def test_a_trace_too_short_to_probe_with_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1 requests, use some hundreds"):
        capacity([tiny_replica()], small_trace(1, 1))
