"""The analytic iteration model: its formulas, its tables and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    AllReduceTable,
    HeadTable,
    IterationModel,
    LanguageModel,
    iteration_model,
)

LLAMA = MODELS["Llama-3.1-8B"]


def made(model: str = "Llama-3.1-8B", gpu: str = "A100-80G", tensor_parallel: int = 1) -> IterationModel:
    return iteration_model(MODELS[model], GPUS[gpu], EFFICIENCIES[gpu], tensor_parallel=tensor_parallel)


@pytest.mark.parametrize(
    ("model", "kib_per_token", "billions"),
    [
        ("Llama-2-7B", 512, 6.74),
        ("Llama-2-70B", 320, 68.98),
        ("Llama-3.1-8B", 128, 8.03),
        ("Llama-3.1-70B", 320, 70.55),
        ("Llama-3.1-405B", 504, 405.9),
        ("Qwen2.5-7B", 56, 7.6),
        ("Qwen2.5-32B", 256, 32.8),
        ("Qwen2.5-72B", 320, 72.7),
        ("Qwen3-8B", 144, 8.19),
        ("Qwen3-32B", 256, 32.8),
        ("Qwen3-30B-A3B", 96, 30.5),
        ("Mixtral-8x7B", 128, 46.7),
    ],
)
def test_models_have_their_published_sizes(model: str, kib_per_token: int, billions: float) -> None:
    assert MODELS[model].kv_bytes_per_token == kib_per_token * 1024
    assert MODELS[model].weight_bytes / 2e9 == pytest.approx(billions, rel=0.01)


def test_kv_blocks_left_beside_the_weights() -> None:
    """vLLM 0.19 reports 2,588 on an RTX 4090 with 25,250,627,584 bytes."""
    assert LLAMA.kv_blocks(25_250_627_584) == pytest.approx(2588, rel=0.01)
    assert LLAMA.kv_blocks(10e9) == 0


def test_matrix_products_tend_to_bandwidth_and_to_compute() -> None:
    """One token is bound by reading 16 GB of weights, 4,096 by 2 operations a weight and token."""
    gpu, efficiency = GPUS["A100-80G"], EFFICIENCIES["A100-80G"]
    model = iteration_model(
        LLAMA, gpu, replace(efficiency, fixed_s=0.0, elementwise_fixed_s=0.0, elementwise_bandwidth=1e9, blend=20.0)
    )
    weights = LLAMA.weight_bytes / 2 - 2 * LLAMA.vocabulary * LLAMA.hidden
    assert model.token_s[1] == pytest.approx(2 * weights / (efficiency.bandwidth * gpu.bytes_per_s), rel=0.01)
    assert model.token_s[4096] == pytest.approx(4096 * 2 * weights / (efficiency.compute * gpu.flops), rel=0.02)


def test_attention_terms() -> None:
    gpu, efficiency, model = GPUS["A100-80G"], EFFICIENCIES["A100-80G"], made()
    per_token = LLAMA.kv_bytes_per_token / (efficiency.decode_bandwidth * gpu.bytes_per_s)
    assert model.context_s == pytest.approx(per_token)
    assert model.decode_s(8, 5000) - model.decode_s(8, 4000) == pytest.approx(1000 * per_token)
    per_pair = LLAMA.layers * 4 * LLAMA.query_width / (efficiency.prefill_compute * gpu.flops)
    assert model.pair_s == pytest.approx(per_pair)


@pytest.mark.parametrize("gpu", sorted(EFFICIENCIES))
@pytest.mark.parametrize("model", sorted(MODELS))
def test_cutting_an_iteration_in_two_never_saves_time(model: str, gpu: str) -> None:
    """The isolated latency is a lower bound only because of this."""
    table = np.array(made(model, gpu).token_s)
    sizes = np.array([1, 2, 7, 31, 64, 200, 511, 1024, 2000])
    assert np.all(table[sizes[:, None] + sizes] <= (table[sizes[:, None]] + table[sizes]) * (1 + 1e-12))
    assert np.all(np.diff(table) >= 0)


def test_experts_are_read_as_they_are_hit() -> None:
    """One token reads 8 of 128 experts, many read all; operations count the active ones."""
    sparse = MODELS["Qwen3-30B-A3B"]
    dense = LanguageModel("", 48, 2048, 32, 4, 8 * 768, 151936)
    gpu, efficiency = GPUS["H100"], replace(EFFICIENCIES["H100"], fixed_s=0.0, elementwise_fixed_s=0.0)
    few, many = (iteration_model(model, gpu, efficiency) for model in (dense, sparse))
    assert many.token_s[1] == pytest.approx(few.token_s[1], rel=1e-9)
    assert many.token_s[64] > 3 * few.token_s[64]


def test_tensor_parallelism_splits_the_work_and_adds_all_reduces() -> None:
    one, two = made("Llama-3.1-70B", "H100"), made("Llama-3.1-70B", "H100", 2)
    assert 0.5 * one.token_s[1] < two.token_s[1] < 0.7 * one.token_s[1]
    assert two.context_s == pytest.approx(0.5 * one.context_s)
    slow = AllReduceTable([1e3, 1e9], [1.0, 1.0])
    table = iteration_model(LLAMA, GPUS["H100"], EFFICIENCIES["H100"], tensor_parallel=2, allreduce=slow)
    assert table.token_s[1] > 2 * LLAMA.layers * 0.99
    with pytest.raises(ValueError, match="divide kv_heads=8, got tensor_parallel=3"):
        made(tensor_parallel=3)


def test_an_all_reduce_table_is_interpolated_on_logarithmic_axes() -> None:
    table = AllReduceTable([1e3, 1e5], [1e-5, 1e-3])
    assert table(np.array([1e4]))[0] == pytest.approx(1e-4)


def test_a_measured_head_replaces_the_formula() -> None:
    head = HeadTable([1, 101], [1e-3, 2e-3])
    model = iteration_model(LLAMA, GPUS["H100"], EFFICIENCIES["H100"], head=head)
    assert model.head_s[0] == 0.0
    assert model.head_s[51] == pytest.approx(1.5e-3)


def test_speed_and_host_time() -> None:
    model = made()
    fast = model.scaled(2.5)
    assert fast.decode_s(9, 999) == pytest.approx(model.decode_s(9, 999) / 2.5)
    assert (fast.pair_s, fast.mixed_context_s) == (model.pair_s / 2.5, model.mixed_context_s / 2.5)
    hosted = model.with_host(0.003)
    assert hosted.decode_s(9, 999) == pytest.approx(model.decode_s(9, 999) + 0.003)
    assert hosted.token_s[0] == 0.0
    with pytest.raises(ValueError, match="speed=0"):
        model.scaled(0)
    with pytest.raises(ValueError, match="host_s=-1"):
        model.with_host(-1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token_s": (0.0,)}, "token_s must hold at least 2"),
        ({"token_s": (0.0, 2.0, 1.0)}, "non-decreasing"),
        ({"head_s": (0.0, float("nan"))}, "head_s must hold"),
        ({"token_s": (0.0, 0.0)}, r"token_s\[1\] must be > 0"),
        ({"pair_s": -1.0}, "rates must be finite and >= 0"),
        ({"mixed_context_s": 0.0}, "mixed_context_s >= context_s"),
    ],
)
def test_refuses_times_no_engine_has(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(made(), **change)
