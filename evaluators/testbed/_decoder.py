"""The model of a replica, in torch: a decoder with random weights whose keys and values lie in paged blocks.

Nothing it says means anything, but all of it is computed: projections, rotary positions, attention over the cached
tokens of each request, gated feed-forward layers, and a head over the vocabulary. Only the process of a replica
imports this module; the rest of the package does without torch.
"""

import math
from typing import NamedTuple

import torch
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from ._engine import Chunk, Plan, Sequence
from ._sizes import Device, ReplicaSize

_ROTARY_BASE = 10_000.0


class Layer(NamedTuple):
    """Weights of one layer: ``(hidden, n)`` or ``(n, hidden)`` each."""

    query_key_value: torch.Tensor
    out: torch.Tensor
    gate_up: torch.Tensor
    down: torch.Tensor


class Held(NamedTuple):
    """Where the cached tokens of a batch of decoding requests are: T of them, of B requests, the longest L."""

    slots: torch.Tensor
    """Of each token, shape (T,)."""
    owner: torch.Tensor
    """Row of its request, shape (T,)."""
    valid: torch.Tensor
    """Which places of a padded batch hold one, shape (B, L)."""


class Decoder:
    """The model and its KV memory. Make it in a process of its own: it sets torch to one thread."""

    def __init__(self, size: ReplicaSize, device: Device, seed: int):
        torch.set_num_threads(1)
        self.size = size
        self.device = torch.device(device)
        shape, draw = size.decoder, torch.Generator().manual_seed(seed)

        def weights(rows: int, columns: int) -> torch.Tensor:
            return (torch.randn(rows, columns, generator=draw) / math.sqrt(rows)).to(self.device)

        self.embedding = weights(shape.vocabulary, shape.hidden)
        self.layers = [
            Layer(
                weights(shape.hidden, 3 * shape.hidden),
                weights(shape.hidden, shape.hidden),
                weights(shape.hidden, 2 * shape.ffn),
                weights(shape.ffn, shape.hidden),
            )
            for _ in range(shape.layers)
        ]
        held = (shape.layers, size.blocks * size.block_size, shape.heads, shape.head_size)
        self.keys = torch.zeros(held, device=self.device)
        self.values = torch.zeros(held, device=self.device)
        kept = (shape.layers, size.host_blocks, size.block_size, shape.heads, shape.head_size)
        self.host_keys, self.host_values = torch.zeros(kept), torch.zeros(kept)
        half = torch.arange(0, shape.head_size, 2) / shape.head_size
        angles = torch.outer(torch.arange(held[1]), _ROTARY_BASE**-half)
        self.cosines = angles.cos().to(self.device)[:, None]
        self.sines = angles.sin().to(self.device)[:, None]

    def step(self, plan: Plan) -> list[int]:
        """Compute one iteration. Returns the next word of each decoding request, then of each chunk, in order."""
        with torch.inference_mode():
            return self._step(plan)

    def _step(self, plan: Plan) -> list[int]:
        words = [each.tokens[each.cached] for each in plan.decodes]
        places = [each.cached for each in plan.decodes]
        slots = [self._slot(each, each.cached) for each in plan.decodes]
        for chunk in plan.chunks:
            span = range(chunk.past, chunk.past + chunk.count)
            words += chunk.sequence.tokens[span.start : span.stop]
            places += span
            slots += [self._slot(chunk.sequence, place) for place in span]
        x = self.embedding[self._tensor(words)]
        positions, written = self._tensor(places), self._tensor(slots)
        held = self.held(plan.decodes)
        for number in range(len(self.layers)):
            q = self.project(number, x, positions, written)
            attended = [self.decode_attention(number, q[: len(plan.decodes)], held)] if plan.decodes else []
            first = len(plan.decodes)
            for chunk in plan.chunks:
                attended.append(self.chunk_attention(number, q[first : first + chunk.count], chunk))
                first += chunk.count
            x = self.finish(number, x, torch.cat(attended))
        return self.head(x[self._tensor(_last_rows(plan))])

    def project(
        self, number: int, x: torch.Tensor, positions: torch.Tensor, written: torch.Tensor
    ) -> torch.Tensor:
        """Return the queries of ``x``, shape (n, heads, head size), and write its keys and values into their slots."""
        shape = self.size.decoder
        joined = rms_norm(x, (shape.hidden,)) @ self.layers[number].query_key_value
        q, k, v = joined.view(len(x), 3, shape.heads, shape.head_size).unbind(1)
        cosine, sine = self.cosines[positions], self.sines[positions]
        self.keys[number].index_copy_(0, written, _rotated(k, cosine, sine))
        self.values[number].index_copy_(0, written, v)
        return _rotated(q, cosine, sine)

    def finish(self, number: int, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """Return what the layer makes of ``x`` and its attention."""
        layer, hidden = self.layers[number], self.size.decoder.hidden
        x = x + attended.reshape(len(x), hidden) @ layer.out
        gate, up = (rms_norm(x, (hidden,)) @ layer.gate_up).chunk(2, dim=1)
        return x + (silu(gate) * up) @ layer.down

    def copy(self, blocks: list[int], host: list[int], *, out: bool) -> None:
        """Copy keys and values of ``blocks`` to blocks of the host's memory (``out``), or back; waits for it."""
        pairs = ((self.keys, self.host_keys), (self.values, self.host_values))
        here, there = self._tensor(blocks), torch.tensor(host)
        for held, kept in pairs:
            pages = held.view(kept.shape[0], self.size.blocks, *kept.shape[2:])
            if out:
                kept.index_copy_(1, there, pages.index_select(1, here).cpu())
            else:
                pages.index_copy_(1, here, kept.index_select(1, there).to(self.device))

    def held(self, decodes: "tuple[Sequence, ...]") -> Held:
        """Return where the cached tokens of ``decodes`` are, the ones about to be written included."""
        if not decodes:
            none = self._tensor([])
            return Held(none, none, none)
        longest = max(len(each.blocks) for each in decodes)
        table = self._tensor([each.blocks + [0] * (longest - len(each.blocks)) for each in decodes])
        size = self.size.block_size
        slots = (table[:, :, None] * size + torch.arange(size, device=self.device)).view(len(decodes), -1)
        lengths = self._tensor([each.cached + 1 for each in decodes])
        valid = torch.arange(slots.shape[1], device=self.device) < lengths[:, None]
        return Held(slots[valid], valid.nonzero()[:, 0], valid)

    def decode_attention(self, number: int, q: torch.Tensor, held: Held) -> torch.Tensor:
        """Return the attention of one token a request over what it has cached, shape (B, heads, head size).

        Nothing is padded but the scores: the time goes with the tokens held, not with the longest request.
        """
        keys = self.keys[number].index_select(0, held.slots)
        scores = (keys * q.index_select(0, held.owner)).sum(-1) / math.sqrt(q.shape[-1])
        padded = scores.new_full((*held.valid.shape, q.shape[1]), -math.inf)
        padded[held.valid] = scores
        weights = padded.softmax(1)[held.valid]
        values = self.values[number].index_select(0, held.slots)
        return torch.zeros_like(q).index_add_(0, held.owner, weights[..., None] * values)

    def chunk_attention(self, number: int, q: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Return the causal attention of a chunk over the prompt so far, shape (count, heads, head size)."""
        total = chunk.past + chunk.count
        slots = self._tensor([self._slot(chunk.sequence, place) for place in range(total)])
        keys = self.keys[number].index_select(0, slots).transpose(0, 1)
        values = self.values[number].index_select(0, slots).transpose(0, 1)
        at = torch.arange(total, device=self.device)
        seen = at <= at[chunk.past :, None]
        return scaled_dot_product_attention(q.transpose(0, 1), keys, values, attn_mask=seen).transpose(0, 1)

    def head(self, x: torch.Tensor) -> list[int]:
        """Return the likeliest word after each row of ``x``; waits for the device."""
        logits = rms_norm(x, (self.size.decoder.hidden,)) @ self.embedding.T
        words: list[int] = logits.argmax(-1).tolist()
        return words

    def _slot(self, sequence: Sequence, place: int) -> int:
        block, offset = divmod(place, self.size.block_size)
        return sequence.blocks[block] * self.size.block_size + offset

    def _tensor(self, numbers: "list[int] | list[list[int]]") -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self.device)


def _last_rows(plan: Plan) -> list[int]:
    """Return the row of each request's last token in an iteration."""
    rows = list(range(len(plan.decodes)))
    end = len(rows)
    for chunk in plan.chunks:
        end += chunk.count
        rows.append(end - 1)
    return rows


def _rotated(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
