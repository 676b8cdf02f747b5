"""Requests of two classes: chats that were promised a quick first token, and documents that can wait."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.serving import Promises, Trace

from ..traces import Lengths, StreamModel, generate

MIX_PERIOD_S = 300.0
"""Of the share of documents."""
MIX_SWING = 0.8
"""How far it goes up and down, as a share of itself."""
GAP_S = 0.1
"""A token that comes later than this after the one before stalls its reader."""


class Class(NamedTuple):
    """A class of requests: its lengths, and what it was promised (s)."""

    prompt: Lengths
    output: Lengths
    first_s: float
    token_s: float


CHAT = Class(Lengths(400.0, 1.0, 8192), Lengths(280.0, 0.9, 4096), first_s=2.0, token_s=0.08)
DOCUMENT = Class(Lengths(1800.0, 0.8, 8192), Lengths(350.0, 0.8, 4096), first_s=60.0, token_s=0.15)


def which_are_documents(arrival_s: NDArray[np.float64], share: float, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which requests are documents, shape (n,); their share swings about ``share``, from a phase of its own."""
    turns = arrival_s / MIX_PERIOD_S + draw.uniform()
    now = share * (1.0 + MIX_SWING * np.sin(2.0 * math.pi * turns))
    return np.asarray(draw.random(len(arrival_s)) < now)


def mixed_stream(
    model: StreamModel, share: float, seed: int, *, shorter: float = 1.0
) -> tuple[Trace, NDArray[np.bool_]]:
    """Return a stream whose requests are chats and documents, and which are documents.

    Args:
        model: arrivals and predictor; its lengths are not used.
        share: of documents, on average.
        seed: of everything.
        shorter: how many times shorter than theirs the lengths are.
    """
    chats, others = (
        generate(replace(model, prompt=_cut(each.prompt, shorter), output=_cut(each.output, shorter)), seed)
        for each in (CHAT, DOCUMENT)
    )
    documents = which_are_documents(chats.arrival_s, share, np.random.default_rng((seed, 23)))
    columns = ("prompt_tokens", "output_tokens", "predicted_output")
    mixed = (np.where(documents, getattr(others, name), getattr(chats, name)) for name in columns)
    return Trace(chats.arrival_s, *mixed), documents


def promises_of(documents: NDArray[np.bool_]) -> Promises:
    """Return what the requests of a stream were promised."""
    first_s, token_s = (
        np.where(documents, getattr(DOCUMENT, name), getattr(CHAT, name)) for name in ("first_s", "token_s")
    )
    return Promises(first_s, token_s, GAP_S)


def _cut(lengths: Lengths, shorter: float) -> Lengths:
    return lengths._replace(median=lengths.median / shorter, longest=round(lengths.longest / shorter))
