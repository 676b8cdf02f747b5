"""A scripted 'model' that does research on the lanes: it looks, tries two drafts, compares, writes down and hands in.

What it says follows from the conversation alone, so the same conversation is always answered alike. It calls tools by
the API's means where they are offered, and in fenced blocks where they are not.
"""

import json
import re
from random import Random
from typing import Any, NamedTuple

if __package__:
    from .openai_formats import messages_of
else:
    from openai_formats import messages_of

DESIGN = '''"""Earliest finish; POWER says how much a lane's speed counts."""

POWER = {power}


def choose(job, yard):
    best, least = 0, 1e300
    for lane in yard.lanes:
        score = lane.backlog + job.size / lane.speed**POWER
        if score < least:
            best, least = lane.index, score
    return best
'''
WORKLOADS = ("train/load0.9/seed1", "train/load0.9/seed2")
HYPOTHESIS = "Slow lanes cost most at load 0.9: the more a lane's speed counts, the lower the mean sojourn."
_FOUND = re.compile(r"mean sojourn ([0-9.]+) s")

Call = tuple[str, dict[str, Any]]


class Said(NamedTuple):
    """What a model says: its text, and the tools it calls."""

    text: str
    calls: tuple[dict[str, Any], ...] = ()


def said(body: dict[str, Any]) -> Said:
    """Return the researcher's next words in a conversation."""
    messages = messages_of(body)
    step = sum(message["role"] == "assistant" for message in messages)
    told = "\n".join(message["content"] for message in messages[2:] if message["role"] != "assistant")
    text, calls = _step(step, told, _powers(messages[1]["content"]))
    return in_form(text, calls, native="tools" in body)


def in_form(text: str, calls: list[Call], *, native: bool) -> Said:
    """Return words and calls as the API has them, or as text."""
    if not native:
        blocks = [f"```tool\n{json.dumps({'tool': name, **told})}\n```" for name, told in calls]
        return Said("\n\n".join([text, *blocks]))
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(told)}}
        for n, (name, told) in enumerate(calls)
    ]
    return Said(text, tuple(made))


def _powers(opening: str) -> tuple[float, float]:
    """Return the constants of the two drafts of a ticket: others for every opening."""
    rng = Random(opening)
    return round(rng.uniform(0.05, 0.55), 3), round(rng.uniform(0.55, 1.05), 3)


def _step(step: int, told: str, powers: tuple[float, float]) -> tuple[str, list[Call]]:
    if step == 0:
        return "First I look at what there is.", [("archive", {}), ("design", {"design": "program"})]
    if step in (1, 2):
        power = powers[step - 1]
        run = {"design": "draft", "workloads": list(WORKLOADS), "hypothesis": HYPOTHESIS}
        return f"I try POWER = {power}.", [("draft", {"code": DESIGN.format(power=power)}), ("run", run)]
    if step == 3:
        compared: list[Call] = [("compare", {"left": "program", "right": "draft"})]
        found = [float(each) for each in _FOUND.findall(told)]
        means = [sum(found[n * 2 : n * 2 + 2]) / 2 for n in range(2)] if len(found) >= 4 else [1.0, 0.0]
        better = powers[means.index(min(means))]
        text = f"POWER {powers[0]} gave {means[0]:.4g} s and POWER {powers[1]} gave {means[1]:.4g} s at load 0.9."
        again: list[Call] = [("draft", {"code": DESIGN.format(power=better)})]
        return "I compare, and write down what I learnt.", [*compared, ("insight", {"text": text}), *again]
    return "I hand it in.", [("submit", {"rationale": "A job goes where it is done first; speed counts in full."})]
