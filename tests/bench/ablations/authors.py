"""Models that are none: they answer the real proposer's prompts at random, with a stated insight, in this process.

An author sees a prompt as a model does: it takes the program to be improved out of it, and the others that are shown,
and writes in the form asked for. It makes edits of ``tests/bench/peers/edits.py``, which know no world. What makes one
author better than another is stated here and nowhere else:

- ``tries``: it drafts so many edits and writes the one of the best true score. That is its insight.
- ``heeds``: it drafts a few edits and writes the one of which the lessons that it is shown promise most; without them,
  the first. See ``heeding.py``.
- ``faults``: this share of its programs fails by a slip, an undefined name. Shown the failure, it mends that slip.

How it takes an operator is an assumption, too. A rewrite makes two or three rounds of edits, a diff one. Asked for
plans, it names kinds of edit, no two alike, and carries one out by an edit of that kind. Asked to cross, it puts a part
of another program in the place of a part of the first. Asked to simplify, it takes a part away.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple

import worlds
from edits import KINDS, crossed, edited
from heeding import DRAFTS, promise_of
from proposer import block
from speciate.agent import Archive, LLMProposer, RunRecord
from speciate.agent._answers import Answer
from speciate.agent._changes import Words
from speciate.agent._client import ModelClient
from speciate.agent._pricing import Usage
from speciate.agent._settings import ModelSettings
from speciate.evaluators import Candidate, Problem

_QUOTED = re.compile(
    r"^BEGIN DATA \w+\n(?P<fence>`{3,})python\n(?P<code>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_ASKED_FOR = "Answer with 4 lines of this form"
_CARRIED = re.compile(r"make the edit `(?P<kind>\w+)`")
"""A plan in the words of the author who made it."""
_SLIP = " + slip"
"""What a faulty program adds to its last line; the name is not defined."""
_KEYS = {"OPENAI_API_KEY": "none"}


class Author(NamedTuple):
    """How good a model is, and its price."""

    tries: int = 1
    heeds: bool = False
    faults: float = 0.0
    usd: float = 1.0
    """Per million tokens, read or written."""


AUTHORS: dict[str, Mapping[str, Author]] = {
    "author": {"author": Author()},
    "heedful author": {"author": Author(heeds=True)},
    "slipping author": {"author": Author(faults=0.3)},
    "cheap pays": {"cheap": Author(faults=0.1), "dear": Author(tries=4, usd=6.0)},
    "dear pays": {"cheap": Author(faults=0.3), "dear": Author(tries=8, usd=1.5)},
}


def models_of(author: str) -> tuple[ModelSettings, ...]:
    """Return an author's models as a run's settings have them."""
    return tuple(
        ModelSettings(
            name=name,
            base_url="http://127.0.0.1:9/v1",
            max_completion_tokens=512,
            usd_per_million_input=each.usd,
            usd_per_million_output=each.usd,
        )
        for name, each in AUTHORS[author].items()
    )


class AuthoredLLM(LLMProposer):
    """The proposer ``llm`` whose models are authors."""

    def __init__(self, problem: Problem[Any], author: str, archive: Archive, run: RunRecord):
        super().__init__(problem, run.settings, archive.database, run.id, environ=_KEYS)
        true = _true_score(run.settings.problem.name)
        for model in run.settings.models:
            writer = _Writer(AUTHORS[author][model.name], f"{run.seed}/{model.name}", true, Words.of(problem))
            self._clients[model.name] = _Desk(model, writer)


class _Desk(ModelClient):
    """Where an author is asked: no request leaves this process."""

    def __init__(self, model: ModelSettings, writer: "_Writer"):
        super().__init__(model, _KEYS)
        self._writer = writer

    def body(self, messages: Sequence[Any], operator: str, *told: Any) -> dict[str, Any]:
        """Return the body of a request; an author is told the operator, which a model reads out of the words."""
        return {**super().body(messages, operator, *told), "metadata": {"operator": operator}}

    async def attempt(self, body: Mapping[str, Any], announce: Callable[[], None]) -> Answer:
        """Answer at once."""
        announce()
        text = self._writer.answer(body["messages"], body["metadata"]["operator"])
        usage = Usage(len(json.dumps(body["messages"])) // 4, len(text) // 4 + 1)
        return Answer("completion", 200, text=text, finish_reason="stop", choices=1, usage=usage)


class _Writer:
    """Writes one model's replies. They depend on its seed, the prompt, and how often it had been the same one."""

    def __init__(self, author: Author, seed: str, true: Callable[[str], float], words: Words):
        self._author = author
        self._seed = seed
        self._true = true
        self._words = words
        self._asked: Counter[str] = Counter()

    def answer(self, messages: Sequence[Mapping[str, str]], operator: str) -> str:
        """Return the reply to a conversation."""
        if operator == "reflect":
            return "Nothing is certain yet."
        prompt = next(message["content"] for message in messages if message["role"] == "user")
        parent = _programs(prompt)[0]
        digest = hashlib.blake2b(f"{operator}/{parent}".encode(), digest_size=16).hexdigest()
        self._asked[digest] += 1
        rng = Random(f"{self._seed}/{digest}/{self._asked[digest]}")
        if _ASKED_FOR in prompt:
            return "\n".join(f"PLAN: {kind} one part: make the edit `{kind}`." for kind in rng.sample(list(KINDS), 4))
        child = self._child(prompt, operator, rng)
        if operator == "diff":
            return f"A change of one part.\n\n{block(parent, child)}"
        return f"A change.\n\n```python\n{child}```\n"

    def _child(self, prompt: str, operator: str, rng: Random) -> str:
        programs, author = _programs(prompt), self._author
        if operator == "repair":
            return programs[0].replace(_SLIP, "")
        plan = _CARRIED.search(prompt)
        write = partial(_planned, plan["kind"]) if plan else WAYS.get(operator, _rewritten)
        drafts = [write(programs, rng) for _ in range(DRAFTS if author.heeds else author.tries)]
        if author.heeds:
            child = max(drafts, key=lambda draft: promise_of(prompt, programs[0], draft, self._words))
        else:
            child = max(drafts, key=self._true) if len(drafts) > 1 else drafts[0]
        return f"{child.rstrip()}{_SLIP}\n" if rng.random() < author.faults else child


def _programs(prompt: str) -> list[str]:
    """Return the programs that a prompt shows, the one to be improved first."""
    return [match["code"].rstrip() + "\n" for match in _QUOTED.finditer(prompt)]


def _rewritten(programs: Sequence[str], rng: Random) -> str:
    child = edited(programs[0], rng)
    for _ in range(rng.choice((1, 1, 2))):
        child = edited(child, rng)
    return child


def _planned(kind: str, programs: Sequence[str], rng: Random) -> str:
    return edited(programs[0], rng, kind)


WAYS: dict[str, Callable[[Sequence[str], Random], str]] = {
    "rewrite": _rewritten,
    "diff": lambda programs, rng: edited(programs[0], rng),
    "crossover": lambda programs, rng: crossed(programs[0], rng.choice(programs[1:] or programs), rng),
    "simplify": lambda programs, rng: edited(programs[0], rng, "shrink"),
}
"""How an author takes an operator."""


def _true_score(world: str) -> Callable[[str], float]:
    def true(source: str) -> float:
        word = worlds.judge(world, Candidate.from_source(source), None)
        return float("-inf") if word.score is None else word.score

    return true
