"""Honest candidates and attacks as they would come in a run: which of them apply where, and how each must end."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import NamedTuple

from speciate.evaluators import Candidate, ProblemRef

from . import counters, shares, sums
from .across import ACROSS, OWN_ROOT, source_of
from .corpus import ANYWHERE, BARE_ROOT, CORPUS, FILES

POLICIES = ProblemRef(name=counters.__file__)
PLANS = ProblemRef(name=shares.__file__)
PROGRAMS = ProblemRef(name=sums.__file__)
SEVERAL_WORKLOADS = {
    "forges_answers_in_advance": "ok|protocol",
    "imports_what_is_installed": "ok|oom|timeout",
    "leaves_something_behind": "protocol",
    "looks_for_the_project": "ok|timeout",
}
"""What ends otherwise when one process answers several workloads: forged answers run into the next ``begin``,
imports add up, a candidate finds its own scratch again, and forty walks through an image take long."""
CORPUS_OUTCOMES = ANYWHERE | FILES | SEVERAL_WORKLOADS


class Given(NamedTuple):
    """One candidate to be judged."""

    name: str
    """Of the attack; empty for an honest design."""
    problem: ProblemRef
    candidate: Candidate
    expected: str
    """Statuses with a bar between."""


def attacks(sandbox: str) -> list[Given]:
    """Return every attack that applies to the sandbox of that name."""
    files = FILES if sandbox != "process" else {}
    names = [name for name in {**ANYWHERE, **files} if sandbox != "docker" or name not in BARE_ROOT]
    found = [Given(n, POLICIES, _read((CORPUS / f"{n}.py").read_text("utf-8")), CORPUS_OUTCOMES[n]) for n in names]
    across = [name for name in ACROSS if sandbox != "process" or name not in OWN_ROOT]
    found += [Given(name, POLICIES, _read(source_of(name)), ACROSS[name]) for name in across]
    found += [Given(name, PLANS, _read(shares.attack(name)), status) for name, status in shares.ATTACKS.items()]
    if sandbox != "process":
        found += [Given(name, PROGRAMS, sums.read(text), status) for name, (text, status) in sums.ATTACKS.items()]
    return found


def honest(sandbox: str, rng: Random) -> Iterator[Given]:
    """Yield honest designs without end, no two alike, of all the problems whose kind the sandbox has."""
    for number in count(1):
        for _ in range(4):
            text = counters.design(rng.uniform(-1.0, 1.0), rng.uniform(-3.0, 3.0))
            yield Given("", POLICIES, _read(text), "ok")
        yield Given("", PLANS, _read(shares.design(rng.uniform(0.0, 0.5))), "ok")
        if sandbox != "process":
            yield Given("", PROGRAMS, sums.read(sums.design(number)), "ok")


def mixture(sandbox: str, size: int, seed: int) -> list[Given]:
    """Return ``size`` candidates in a random order, a third of them attacks, each attack as often as the others."""
    rng = Random(seed)
    known, hostile = attacks(sandbox), size // 3
    chosen = [attack for _ in range(-(-hostile // len(known))) for attack in rng.sample(known, len(known))][:hostile]
    source = honest(sandbox, rng)
    chosen += [next(source) for _ in range(size - hostile)]
    rng.shuffle(chosen)
    return chosen


def _read(text: str) -> Candidate:
    return Candidate.from_source(text)
