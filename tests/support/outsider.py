"""A scripted inventor for ``serving-router``: weighs the replicas' load too, or scales one number of a design."""

import ast
import re
from random import Random

_CHOICE = re.compile(r"^( +)if score < best_score:", re.MULTILINE)


def rewritten(text: str, ticket: int) -> str:
    """Return a change of a design, always the same for a ticket.

    A design that places by least score, and weighs no load yet, is made to; of others one number is scaled.
    """
    rng = Random(ticket)
    if _CHOICE.search(text) and "replica.running" not in text:
        weight = rng.choice((0.3, 1.0, 3.0, 10.0))
        load = f"{weight} * (replica.running + replica.queued + 1) / replica.speed"
        return _CHOICE.sub(rf"\1score += {load}\n\1if score < best_score:", text)
    tree = ast.parse(text)
    numbers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 1e9
    ]
    node = rng.choice(numbers)
    node.value = float(str(node.value)) * rng.choice((0.5, 0.7, 0.85, 1.15, 1.4, 2.0))
    return ast.unparse(tree) + "\n"
