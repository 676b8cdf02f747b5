"""Readers for the recorded vLLM runs and the kernel profiles that belong to them."""

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from speciate.simulators.serving import HeadTable, KernelProfile, Trace

Floats = npt.NDArray[np.float64]

MODEL = "Llama-3.1-8B"
PROJECTIONS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
ELEMENTWISE = ("layernorm", "layernorm", "rotary_emb", "act_fn")
LONGEST = 4096
"""Attention rows with longer contexts than any request of the logs are left out."""


@dataclass(frozen=True)
class VllmLog:
    """One recorded run. Times are seconds after the first request reached the engine."""

    trace: Trace
    first_token_s: Floats
    finish_s: Floats

    def means(self, keep: npt.NDArray[np.bool_]) -> dict[str, float]:
        return means(self.trace, self.first_token_s, self.finish_s, keep)


def means(trace: Trace, first_token_s: Floats, finish_s: Floats, keep: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Mean TTFT, TPOT and E2E (s) of the requests in ``keep``."""
    tpot = (finish_s - first_token_s) / np.maximum(trace.output_tokens - 1, 1)
    return {
        "ttft": float((first_token_s - trace.arrival_s)[keep].mean()),
        "tpot": float(tpot[keep].mean()),
        "e2e": float((finish_s - trace.arrival_s)[keep].mean()),
    }


def read_log(folder: Path, gpu: str) -> VllmLog:
    """Arrivals are on the wall clock and engine events on another: the fastest hand-over aligns the two."""
    lines = (folder / f"{gpu}_{MODEL}" / "requests.jsonl").read_text().splitlines()
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row["arrival_time"])

    def column(name: str) -> Floats:
        return np.array([float(row[name]) for row in rows])

    arrival = column("arrival_time")
    start = arrival[0]
    offset = float((column("queued_ts") - (arrival - start)).min())
    output = column("output_toks")
    trace = Trace(arrival - start, column("input_toks"), output, output)
    return VllmLog(trace, column("first_token_ts") - offset, column("last_token_ts") - offset)


def _table(path: Path, size: str) -> Callable[[str], dict[int, float]]:
    layers: dict[str, dict[int, float]] = defaultdict(dict)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            layers[row["layer"]][int(row[size])] = float(row["time_us"]) * 1e-6
    return layers.__getitem__


def _summed(layer: Callable[[str], dict[int, float]], names: tuple[str, ...]) -> tuple[Floats, Floats]:
    sizes = sorted(layer(names[0]))
    return np.array(sizes, dtype=float), np.array([sum(layer(name)[size] for name in names) for size in sizes])


def read_profile(folder: Path, gpu: str) -> tuple[KernelProfile, HeadTable]:
    """The profile of one layer, and the measured head and sampler."""
    stem = folder / f"profile_{gpu}_{MODEL}_bf16_tp1"
    dense = _table(Path(f"{stem}_dense.csv"), "tokens")
    gemm_tokens, gemm_s = _summed(dense, PROJECTIONS)
    degrees = np.ones(len(gemm_tokens), dtype=np.int64)
    split = folder / f"profile_{gpu}_{MODEL}_bf16_tp2_dense.csv"
    if split.exists():
        more_tokens, more_s = _summed(_table(split, "tokens"), PROJECTIONS)
        gemm_tokens, gemm_s = np.concatenate([gemm_tokens, more_tokens]), np.concatenate([gemm_s, more_s])
        degrees = np.concatenate([degrees, np.full(len(more_tokens), 2)])
    element_tokens, element_s = _summed(dense, ELEMENTWISE)
    sequences, head_s = _summed(_table(Path(f"{stem}_per_sequence.csv"), "sequences"), ("lm_head", "sampler"))
    rows = np.loadtxt(f"{stem}_attention.csv", delimiter=",", skiprows=1)
    chunk, past, requests, context, time_us = rows.T
    near = (past <= LONGEST) & (context <= LONGEST)
    decode = (chunk == 0) & (requests > 0)
    prefill = (chunk > 0) & (requests == 0)
    mixed = (chunk > 0) & (requests > 0) & near
    attended, seconds = requests * context, time_us * 1e-6
    profile = KernelProfile(
        gemm_tokens=gemm_tokens,
        gemm_s=gemm_s,
        gemm_tensor_parallel=degrees,
        elementwise_tokens=element_tokens,
        elementwise_s=element_s,
        decode_context=attended[decode],
        decode_s=seconds[decode],
        prefill_chunk=chunk[prefill],
        prefill_past=past[prefill],
        prefill_s=seconds[prefill],
        mixed_context=attended[mixed],
        mixed_chunk=chunk[mixed],
        mixed_past=past[mixed],
        mixed_s=seconds[mixed],
    )
    return profile, HeadTable(sequences.tolist(), head_s.tolist())
