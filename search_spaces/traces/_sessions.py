"""Seeded generator of conversations that share prefixes, with every assumption a parameter.

A conversation belongs to an application, whose system prompt comes first in all of its prompts. Each turn's prompt is
the one before, its answer, and a new message. Arrivals do not wait for answers: a turn comes a nominal decode time and
a think time after the one before, whatever a cluster does, as in a recorded trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.serving import PrefixTrace, Trace

from ._generators import Lengths, StreamModel, arrivals, predict

SYSTEM_PROMPT = Lengths(median=1500.0, sigma=0.8, longest=6000)
FIRST_MESSAGE = Lengths(median=900.0, sigma=1.3, longest=12000)
LATER_MESSAGE = Lengths(median=160.0, sigma=1.1, longest=4000)
ANSWER = Lengths(median=180.0, sigma=0.8, longest=1500)
NOMINAL_TOKEN_S = 0.03
"""Time in which an answer's token is read or written, between two turns."""
LEAD = 4.0
"""Mean lengths of a conversation that are generated before the first request and left out: so that a run begins amid
conversations."""


@dataclass(frozen=True)
class SessionModel:
    """A stream of conversations."""

    rate: float
    """Requests per second, long-run mean."""
    requests: int
    applications: int = 24
    skew: float = 1.0
    """Popularity of the r-th application is proportional to r ** -skew."""
    drift_s: float = 120.0
    """Mean time for which an order of popularity lasts; then another is drawn."""
    system: Lengths = SYSTEM_PROMPT
    first: Lengths = FIRST_MESSAGE
    """Of the first message: documents among them."""
    later: Lengths = LATER_MESSAGE
    answer: Lengths = ANSWER
    turns: float = 4.0
    """Mean number of turns, which is geometric."""
    think_s: float = 25.0
    """Mean time between an answer and the next message, exponential."""
    burst_factor: float = 1.0
    """Of the conversations' starts, as in ``StreamModel``."""
    longest_prompt: int = 24_000
    """Tokens; a conversation ends before it would pass them."""
    prediction_sigma: float = 0.6
    block_tokens: int = 256

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.requests < 1 or self.applications < 1 or self.block_tokens < 1:
            raise ValueError(
                f"rate > 0, requests, applications and block_tokens >= 1 must hold, got {self.rate=}, "
                f"{self.requests=}, {self.applications=}, {self.block_tokens=}"
            )
        if self.turns < 1 or self.think_s < 0 or self.drift_s <= 0 or self.skew < 0:
            raise ValueError(
                f"turns >= 1, think_s >= 0, drift_s > 0 and skew >= 0 must hold, got {self.turns=}, {self.think_s=}, "
                f"{self.drift_s=}, {self.skew=}"
            )
        if self.longest_prompt < self.system.longest + self.first.longest:
            raise ValueError(
                f"longest_prompt must hold a system prompt and a first message, got {self.longest_prompt=} for "
                f"{self.system.longest} + {self.first.longest} tokens"
            )


class _Turn(NamedTuple):
    arrival_s: float
    session: int
    prompt: int
    answer: int


def generate_sessions(model: SessionModel, seed: int) -> PrefixTrace:
    """Return the stream of ``seed``. Starts, applications, lengths and predictions have a generator each.

    A prompt's blocks are its full ones, as serving engines hash them.
    """
    starts, choices, lengths, errors = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(4)
    )
    length_s = (model.turns - 1.0) * (model.think_s + NOMINAL_TOKEN_S * model.answer.median)
    lead_s = LEAD * length_s
    # Longer than needed: a window of chance length must hold the requests asked for.
    sessions = int(1.3 * (model.requests + model.rate * lead_s) / model.turns) + 40
    start_s = arrivals(
        StreamModel(rate=model.rate / model.turns, requests=sessions, burst_factor=model.burst_factor), starts
    )
    application = _applications(model, start_s, choices)
    system = model.system.draw(model.applications, choices)
    turns = sorted(_turns(model, start_s, system[application], lengths))
    first = next(place for place, turn in enumerate(turns) if turn.arrival_s >= min(lead_s, start_s[-1] / 2))
    kept = turns[first : first + model.requests]
    if len(kept) < model.requests:
        raise ArithmeticError(f"{sessions} conversations gave {len(kept)} of {model.requests} requests")
    arrival, session, prompt, answer = (np.array(column) for column in zip(*kept, strict=True))
    requests = Trace(
        arrival - arrival[0], prompt, answer, predict(answer, model.prediction_sigma, model.answer.longest, errors)
    )
    return PrefixTrace(requests, _blocks(model, kept, application, system), session, model.block_tokens)


def _applications(model: SessionModel, start_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return each conversation's application; the order of popularity changes at exponential times."""
    weights = np.arange(1.0, model.applications + 1.0) ** -model.skew
    rank = rng.choice(model.applications, size=len(start_s), p=weights / weights.sum())
    periods = int(2 * start_s[-1] / model.drift_s) + 16
    ends = np.cumsum(rng.exponential(model.drift_s, periods))
    orders = np.array([rng.permutation(model.applications) for _ in range(periods + 1)])
    return np.asarray(orders[np.searchsorted(ends, start_s), rank])


def _turns(
    model: SessionModel, start_s: NDArray[np.float64], system: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[_Turn]:
    count = rng.geometric(1.0 / model.turns, len(start_s))
    total = int(count.sum())
    first = model.first.draw(len(start_s), rng).tolist()
    later, answers = model.later.draw(total, rng).tolist(), model.answer.draw(total, rng).tolist()
    think = rng.exponential(model.think_s, total).tolist()
    at = 0
    for session, turns in enumerate(count.tolist()):
        arrival, prompt = float(start_s[session]), int(system[session]) + first[session]
        for turn in range(at, at + turns):
            if prompt > model.longest_prompt:
                break
            yield _Turn(arrival, session, prompt, answers[turn])
            arrival += NOMINAL_TOKEN_S * answers[turn] + think[turn]
            prompt += answers[turn] + later[turn]
        at += turns


def _blocks(
    model: SessionModel, turns: list[_Turn], application: NDArray[np.int64], system: NDArray[np.int64]
) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of each prompt's full blocks: the application's within its system prompt, then its own."""
    size = model.block_tokens
    most = model.longest_prompt // size + 1
    rows = []
    for turn in turns:
        app = int(application[turn.session])
        shared = min(int(system[app]), turn.prompt) // size
        own = (model.applications + turn.session) * most
        rows.append((*range(app * most, app * most + shared), *range(own + shared, own + turn.prompt // size)))
    return tuple(rows)
