"""The 'model' behind the test server: it reads the design out of a prompt and changes a number in it.

A reply must be a real candidate, or a drill would judge nothing. So the author looks for the first quoted
Python block the user shows, moves one numeric constant, and answers with the whole file or with one edit. It says
to have followed the last lesson it is shown, and asked to look back it names what it saw.
"""

import ast
import re
from random import Random
from typing import NamedTuple

_BLOCK = re.compile(
    r"^BEGIN DATA \w+\n(?P<fence>`{3,})python\n(?P<code>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_LESSON = re.compile(r"^\[L(\d+)\]", re.MULTILINE)
_TICKET = re.compile(r"^Ticket (\d+): ", re.MULTILINE)


class Edit(NamedTuple):
    """One line of a design, before and after."""

    before: str
    after: str
    source: str
    """The whole file after the edit."""


def design_in(messages: list[dict[str, str]]) -> str:
    """Return the first Python block the user quoted; an empty text where there is none."""
    for message in messages:
        block = _BLOCK.search(message["content"]) if message["role"] == "user" else None
        if block:
            return block["code"]
    return ""


def cited(messages: list[dict[str, str]]) -> str:
    """Return words that cite the last lesson the user shows; an empty text where there is none."""
    shown = [number for each in messages if each["role"] == "user" for number in _LESSON.findall(each["content"])]
    return f" It follows [L{shown[-1]}]." if shown else ""


def looked_back(messages: list[dict[str, str]], rng: Random) -> str:
    """Return lessons in the form asked for; an empty text where the user asks for something else."""
    tickets = [number for each in messages for number in _TICKET.findall(each["content"])]
    if not tickets:
        return ""
    words = [f"As ticket {number} shows, weight {rng.randrange(1000)} favours a short backlog." for number in tickets]
    return "What I see:\n\n" + "\n".join(f"- {word}" for word in words[:7])


def edit(source: str, rng: Random) -> Edit:
    """Return ``source`` with one numeric constant moved; with one new statement where it has none."""
    lines = source.splitlines()
    places = _numbers(source, lines)
    if not places:
        scale = f"SCALE = {round(rng.uniform(0.1, 10.0), 4)}\n\n\n"
        anchor = next((line for line in lines if line.startswith("def ")), "")
        return Edit(anchor, scale + anchor, source.replace(anchor, scale + anchor, 1))
    row, start, stop, number = rng.choice(places)
    line = lines[row]
    changed = line[:start] + _moved(number, rng) + line[stop:]
    return Edit(line, changed, "\n".join([*lines[:row], changed, *lines[row + 1 :]]) + "\n")


def _numbers(source: str, lines: list[str]) -> list[tuple[int, int, int, float]]:
    """Return (row, first column, column behind, value) of constants on lines that occur once."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
            continue
        row = node.lineno - 1
        if lines.count(lines[row]) == 1 and lines[row].isascii() and node.end_col_offset is not None:
            found.append((row, node.col_offset, node.end_col_offset, float(node.value)))
    return found


def _moved(number: float, rng: Random) -> str:
    if number == 0:
        return repr(round(rng.uniform(0.01, 1.0), 4))
    return repr(float(f"{number * rng.uniform(0.4, 2.2):.5g}"))
