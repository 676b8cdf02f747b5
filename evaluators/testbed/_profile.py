"""What the parts of a replica's iterations cost, each timed by itself while the other replicas are as busy."""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch

from ._decoder import Decoder
from ._engine import Chunk, Sequence

Points = list[tuple[float, float]]
"""Work and seconds."""
Call = Callable[[], object]

_TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SEQUENCES = (1, 2, 4, 8, 16, 32, 64)
_CONTEXTS = (16, 48, 96, 192, 384)
"""Tokens of each decoding request."""
_BATCHES = (1, 4, 8, 16)
_CHUNKS = (
    *((16, 0), (32, 0), (64, 0), (96, 0), (32, 64), (64, 64), (32, 160), (96, 96)),
    *((192, 0), (192, 192), (192, 576)),
)
"""Tokens of a chunk, and of the prompt before it."""
_COPIES = (1, 2, 4, 8, 16)
"""Blocks copied to the host."""
_ROUNDS = 3
_SHARE_S = 0.015
"""Seconds that each point is repeated for in a round."""


def profile(decoder: Decoder) -> dict[str, Points]:
    """Return points of each component, over all layers: (tokens, s), (sequences, s), (context, s), (pairs, s).

    Where there is memory on the host, also (blocks, s) of a copy to it.

    Each point is the median of rounds in shuffled order, so that a busy moment of the machine does not fall on one
    component. What does not fit into the KV memory is left out.
    """
    points: dict[str, Points] = {"tokens": [], "head": [], "decode": [], "prefill": [], "copy": []}
    with torch.inference_mode():
        work = _work(decoder)
        taken: list[list[float]] = [[] for _ in work]
        for turn in range(_ROUNDS):
            for i in random.Random(turn).sample(range(len(work)), len(work)):
                taken[i].append(_seconds(decoder, work[i].call))
    for part, seconds in zip(work, taken, strict=True):
        points[part.name].append((part.amount, statistics.median(seconds)))
    return {name: sorted(each) for name, each in points.items()}


class Part(NamedTuple):
    """What is timed: the component, how much of it, and a call that does it."""

    name: str
    amount: float
    call: Call


def _work(decoder: Decoder) -> list[Part]:
    """Return all that is timed."""
    size = decoder.size
    work: list[Part] = []
    for tokens in (n for n in _TOKENS if n <= min(size.chunk_tokens, size.blocks * size.block_size)):
        work.append(Part("tokens", tokens, _dense(decoder, tokens)))
    for sequences in (n for n in _SEQUENCES if n <= size.max_batch):
        rows = torch.randn(sequences, size.decoder.hidden, device=decoder.device)
        work.append(Part("head", sequences, partial(decoder.head, rows)))
    for batch in _BATCHES:
        for context in _CONTEXTS:
            if batch * size.blocks_of(context) <= size.blocks and batch <= size.max_batch:
                work.append(Part("decode", batch * context, _decoding(decoder, batch, context)))
    for count, past in _CHUNKS:
        if count <= size.chunk_tokens and size.blocks_of(count + past) <= size.blocks:
            work.append(Part("prefill", count * (past + 0.5 * count), _prefilling(decoder, count, past)))
    for blocks in (n for n in _COPIES if n <= min(size.host_blocks, size.blocks)):
        places = list(range(blocks))
        work.append(Part("copy", blocks, partial(decoder.copy, places, places, out=True)))
    return work


def _dense(decoder: Decoder, tokens: int) -> Call:
    words = torch.arange(tokens, device=decoder.device) % decoder.size.decoder.vocabulary
    places = torch.arange(tokens, device=decoder.device)

    def call() -> object:
        x = decoder.embedding[words]
        for number in range(len(decoder.layers)):
            x = decoder.finish(number, x, decoder.project(number, x, places, places))
        return x

    return call


def _decoding(decoder: Decoder, batch: int, context: int) -> Call:
    need = decoder.size.blocks_of(context)
    requests = tuple(
        Sequence(i, context, 1, 1, cached=context - 1, blocks=list(range(i * need, (i + 1) * need)))
        for i in range(batch)
    )
    shape = decoder.size.decoder
    q = torch.randn(batch, shape.heads, shape.head_size, device=decoder.device)

    def call() -> object:
        held = decoder.held(requests)
        return [decoder.decode_attention(number, q, held) for number in range(len(decoder.layers))]

    return call


def _prefilling(decoder: Decoder, count: int, past: int) -> Call:
    blocks = list(range(decoder.size.blocks_of(past + count)))
    chunk = Chunk(Sequence(0, past + count, 1, 1, blocks=blocks), past, count)
    shape = decoder.size.decoder
    q = torch.randn(count, shape.heads, shape.head_size, device=decoder.device)
    return lambda: [decoder.chunk_attention(number, q, chunk) for number in range(len(decoder.layers))]


def _seconds(decoder: Decoder, call: Call) -> float:
    """Return the mean seconds of a call: what the machine takes from a replica is part of what its iterations take."""
    call()
    _wait(decoder)
    begun, calls = time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - begun < _SHARE_S:
        call()
        _wait(decoder)
        calls += 1
    return (time.perf_counter() - begun) / calls


def _wait(decoder: Decoder) -> None:
    if decoder.device.type == "cuda":
        torch.cuda.synchronize()
