"""Requests and replicas are checked when they are made."""

import numpy as np
import pytest
from serving_support import tiny_replica
from speciate.simulators.serving import ReplicaSpec, Trace, a10_replica, equal_cluster, mixed_speed_cluster


def test_predictions_are_rounded_to_whole_tokens_of_at_least_one() -> None:
    trace = Trace([0, 1, 2], [5, 5, 5], [1, 2, 3], [0.2, 7.6, -3])
    assert trace.predicted_output.tolist() == [1, 8, 1]
    assert trace.predicted_output.dtype == np.int64
    assert len(trace) == 3


def test_a_trace_cannot_be_changed_nor_changes_with_its_source() -> None:
    source = np.array([0.0, 1.0])
    trace = Trace(source, [1, 1], [1, 1], [1, 1])
    source[0] = 0.5
    assert trace.arrival_s[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        trace.arrival_s[0] = 1.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([], [], [], []), "n >= 1"),
        (([1, 0], [1, 1], [1, 1], [1, 1]), "sorted"),
        (([-1], [1], [1], [1]), ">= 0"),
        (([float("nan")], [1], [1], [1]), "finite"),
        (([0], [1, 2], [1], [1]), r"prompt_tokens must have the shape of arrival_s \(1,\), got \(2,\)"),
        (([0], [0], [1], [1]), "prompt_tokens must be whole tokens >= 1, got 0"),
        (([0], [1], [1.5], [1]), "output_tokens must be whole tokens >= 1, got 1.5"),
        (([0], [1], [1], [float("inf")]), "predicted_output must be finite"),
    ],
)
def test_refuses_what_is_no_trace(columns: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trace(*columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": 0}, "blocks must be >= 1, got 0"),
        ({"max_batch": 24}, "chunk_tokens > max_batch must hold"),
        ({"chunk_tokens": 300}, "the iteration model covers 256 tokens and 64 sequences"),
        ({"speed": 0.0}, "speed must be > 0"),
    ],
)
def test_refuses_what_is_no_replica(change: dict[str, float], message: str) -> None:
    base = tiny_replica()
    fields = {"blocks": 40, "block_size": 4, "max_batch": 8, "chunk_tokens": 24, **change}
    with pytest.raises(ValueError, match=message):
        ReplicaSpec(base.cost, **fields)


def test_the_clusters_of_the_problems() -> None:
    base = a10_replica()
    assert [(spec.speed, spec.blocks) for spec in equal_cluster(3)] == [(1.0, 2756)] * 3
    mixed = mixed_speed_cluster()
    assert [(spec.speed, spec.blocks) for spec in mixed] == [(1.0, 2756), (1.0, 2756), (0.5, 2756), (2.5, 9000)]
    for spec in mixed:
        assert spec.cost.decode_s(16, 9000) == pytest.approx(base.cost.decode_s(16, 9000) / spec.speed)
