"""Conversations with a model, built from the templates in ``agent/prompts``.

What candidates and measurements say is quoted as data: between two lines that carry a digest of the quoted
text, which a text cannot contain of itself, and inside a code fence longer than any it holds. Every piece is
bounded, so a prompt cannot grow with a run.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from speciate.evaluators import Candidate, Evaluation, Problem

from ._proposer import Parent

Message = dict[str, str]
"""``role`` and ``content``, as the chat completions API has them."""

BRIEF_CHARACTERS = 24_000
PROGRAM_CHARACTERS = 32_000
INSPIRATION_CHARACTERS = 6_000
FEEDBACK_CHARACTERS = 6_000
DETAIL_CHARACTERS = 4_000
REPLY_CHARACTERS = 12_000


@cache
def template(name: str) -> Template:
    """Return the template ``agent/prompts/NAME.md``."""
    return Template((files("speciate.agent.prompts") / f"{name}.md").read_text(encoding="utf-8").rstrip())


def task_messages(
    problem: Problem[Any], operator: str, program: Candidate, shown: Sequence[Parent]
) -> list[Message]:
    """Return the opening of a first writing.

    Args:
        problem: gives the brief, the names of the hooks and the objective.
        operator: ``rewrite`` or ``diff``: names the template of the instructions.
        program: what is to be improved.
        shown: the parent, when it was judged, and then the inspirations; empty for a seed that was not.
    """
    objective = problem.objective
    inspirations = "\n\n".join(_inspiration(parent) for parent in shown[1:])
    content = template("task").substitute(
        brief=clipped(problem.brief().strip(), BRIEF_CHARACTERS),
        hooks=hooks_of(problem),
        objective=f"`{objective.name}` in {objective.unit}",
        direction="lower is better" if objective.direction == "minimize" else "higher is better",
        parent=quoted(program.source, PROGRAM_CHARACTERS, "python"),
        measurements=_measurements(shown[0].evaluation) if shown else "Nothing yet.",
        inspirations=f"\n\n# Other programs that work differently\n\n{inspirations}" if inspirations else "",
        instructions=template(operator).substitute(),
    )
    return [_system(), {"role": "user", "content": content}]


def repair_messages(problem: Problem[Any], candidate: Candidate, evaluation: Evaluation) -> list[Message]:
    """Return the opening of a repair of ``candidate``, whose judging ended with a fault of its own."""
    content = template("repair").substitute(
        brief=clipped(problem.brief().strip(), BRIEF_CHARACTERS),
        hooks=hooks_of(problem),
        candidate=quoted(candidate.source, PROGRAM_CHARACTERS, "python"),
        status=evaluation.status.value,
        detail=quoted(evaluation.detail or "(no detail)", DETAIL_CHARACTERS),
    )
    return [_system(), {"role": "user", "content": content}]


def again_messages(
    opening: Sequence[Message], reply: str | None, reason: str, operator: str
) -> list[Message]:
    """Return ``opening`` continued by an unusable reply and the request to answer once more."""
    content = template("again").substitute(reason=reason, instructions=template(operator).substitute())
    return [
        *opening,
        {"role": "assistant", "content": clipped(reply or "", REPLY_CHARACTERS) or "(empty)"},
        {"role": "user", "content": content},
    ]


def hooks_of(problem: Problem[Any]) -> str:
    """Return what is to be written, in words: ``key(request)`` and ``place(head, view)``."""
    return " and ".join(f"`{signature}`" for signature in problem.interface.signatures())


def quoted(text: str, limit: int, language: str = "") -> str:
    """Return ``text``, at most ``limit`` characters of it, between marks that it cannot imitate."""
    text = clipped(text, limit).encode(errors="replace").decode()
    mark = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = text if text.endswith("\n") else f"{text}\n"
    return f"BEGIN DATA {mark}\n{fence}{language}\n{body}{fence}\nEND DATA {mark}"


def clipped(text: str, limit: int) -> str:
    """Return ``text``, with its middle left out and counted where it is longer than ``limit`` characters."""
    if len(text) <= limit:
        return text
    head, tail = limit * 3 // 4, limit // 4
    return f"{text[:head]}\n[{len(text) - head - tail:,} characters left out]\n{text[-tail:]}"


def _system() -> Message:
    return {"role": "system", "content": template("system").substitute()}


def _measurements(evaluation: Evaluation) -> str:
    lines = [f"{name} = {value:.6g}" for name, value in sorted(evaluation.descriptors.items())]
    for measurement in evaluation.measurements:
        metrics = ", ".join(f"{name} {value:.6g}" for name, value in sorted(measurement.metrics.items()))
        lines.append(f"{measurement.workload}: {measurement.objective:.6g} ({metrics})")
        if measurement.feedback:
            lines.append(f"    {measurement.feedback}")
    score = "none" if evaluation.score is None else f"{evaluation.score:.6g}"
    return f"Score: {score}. By workload:\n\n{quoted(chr(10).join(lines), FEEDBACK_CHARACTERS)}"


def _inspiration(parent: Parent) -> str:
    score = "none" if parent.evaluation.score is None else f"{parent.evaluation.score:.6g}"
    return f"Score: {score}.\n\n{quoted(parent.candidate.source, INSPIRATION_CHARACTERS, 'python')}"
