"""Conversations with a model, built from the templates in ``agent/prompts``.

What candidates and measurements say is quoted as data: between two lines that carry a digest of the quoted
text, which a text cannot contain of itself, and inside a code fence longer than any it holds. Every piece is
bounded, so a prompt cannot grow with a run.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, Objective, Problem

from ._blocks import has_blocks
from ._figures import figures, standing
from ._proposer import Parent
from ._strengths import letter_of, strengths
from ._variants import FULL, Variant
from ._yardsticks import Yardstick

Message = dict[str, str]
"""``role`` and ``content``, as the chat completions API has them."""

BRIEF_CHARACTERS = 24_000
PROGRAM_CHARACTERS = 32_000
INSPIRATION_CHARACTERS = 6_000
MATE_CHARACTERS = 12_000
FEEDBACK_CHARACTERS = 6_000
DETAIL_CHARACTERS = 4_000
REPLY_CHARACTERS = 12_000
LESSONS_CHARACTERS = 4_000
REASON_CHARACTERS = 2_000
OPENING_CHARACTERS = 120_000
"""Of all messages that open a conversation, together; no text of a candidate, a judge or a model changes that."""
_WORKLOAD_CHARACTERS = 400
_FILES, _WORD_CHARACTERS = 40, 120
"""Most files of a program that are shown, and most characters of what each is called."""
_TICKS = 64
"""Most backticks in a row: a fence must be longer, and would double or treble a text that is made of them."""
PLAN_CHARACTERS = 1_500
PLANS = 4
"""Plans that an author is asked for at once."""

_KINDS = ("policy", "plan", "program", "command", "kernel", "formula")
"""Kinds whose authors are told habits of their own."""
_FENCES = {"c++": "cpp", "c#": "csharp", "shell": "sh"}


class Known(NamedTuple):
    """What a run knows as of a ticket, beside the designs that are shown."""

    reached: Mapping[str, Yardstick] = {}
    """On each train workload."""
    lessons: str = ""
    """What earlier changes led to, a line each; untrusted."""


NOTHING = Known()


class Order(NamedTuple):
    """How an author is asked, beside the form of the answer."""

    variant: Variant = FULL
    crossing: bool = False
    """Whether the other designs are there to be joined with the parent, not to inspire."""
    plan: str = ""
    """What is to be carried out, in the words of an earlier author; untrusted."""
    tried: str = ""
    """What came of earlier plans, a line each; untrusted."""


PLAIN = Order()


@cache
def template(name: str) -> Template:
    """Return the template ``agent/prompts/NAME.md``."""
    return Template((files("speciate.agent.prompts") / f"{name}.md").read_text(encoding="utf-8").rstrip())


def task_messages(
    problem: Problem[Any],
    operator: str,
    program: Candidate,
    shown: Sequence[Parent],
    known: Known = NOTHING,
    order: Order = PLAIN,
) -> list[Message]:
    """Return the opening of a first writing.

    Args:
        problem: gives the brief, what is to be written, in which language, and the objective.
        operator: ``rewrite``, ``diff``, ...: names the template of the instructions.
        program: what is to be improved.
        shown: the parent, when it was judged, and then the other designs; empty for a seed that was not.
        known: what the parent is held against, and what there is to learn from.
        order: how much is shown, and what is asked beside the form.
    """
    objective = problem.objective
    content = template("task").substitute(
        brief=clipped(brief_of(problem), BRIEF_CHARACTERS),
        contract=contract_of(problem, program),
        objective=f"`{objective.name}` in {objective.unit}",
        direction="lower is better" if objective.direction == "minimize" else "higher is better",
        parent=quoted_files(program, PROGRAM_CHARACTERS),
        measurements=_measurements(shown[0].evaluation, objective, known, order) if shown else "Nothing yet.",
        inspirations=_mates(shown, objective) if order.crossing else _inspirations(shown[1:]),
        lessons=_lessons(known) + _tried(order),
        instructions=instructions_of(operator, program, order),
    )
    return [system_message(problem), {"role": "user", "content": content}]


def repair_messages(problem: Problem[Any], candidate: Candidate, evaluation: Evaluation) -> list[Message]:
    """Return the opening of a repair of ``candidate``, whose judging ended with a fault of its own."""
    passed = quoted(figures(evaluation, problem.objective), FEEDBACK_CHARACTERS)
    content = template("repair").substitute(
        brief=clipped(brief_of(problem), BRIEF_CHARACTERS),
        contract=contract_of(problem, candidate),
        candidate=quoted_files(candidate, PROGRAM_CHARACTERS),
        status=evaluation.status.value,
        where=_where(problem, evaluation),
        detail=quoted(evaluation.detail or "(no detail)", DETAIL_CHARACTERS),
        passed=f"\n\nWhat it came to before that:\n\n{passed}" if evaluation.measurements else "",
        whole=_whole(candidate),
    )
    return [system_message(problem), {"role": "user", "content": content}]


def _where(problem: Problem[Any], evaluation: Evaluation) -> str:
    """Return in words on which workload a judging ended; they are judged in order, and the first fault ends it."""
    workloads, passed = problem.workloads(evaluation.split), len(evaluation.measurements)
    if not passed and evaluation.decision_hash is None and evaluation.censored is None:
        return "before the first workload"
    if passed >= len(workloads):
        return "after the last workload"
    failing = workloads[passed]
    params = ", ".join(f"{name} {value}" for name, value in sorted(failing.params.items()))
    return clipped(f"on workload {passed + 1} of {len(workloads)}, `{failing.name}` ({params})", _WORKLOAD_CHARACTERS)


def again_messages(
    opening: Sequence[Message], reply: str | None, reason: str, instructions: str, excerpt: str = ""
) -> list[Message]:
    """Return ``opening`` continued by an unusable reply and the request to answer once more.

    ``excerpt`` is what of the program the reason speaks of.
    """
    shown = f"\n\nWhat comes nearest in the program:\n\n{quoted(excerpt, DETAIL_CHARACTERS)}" if excerpt else ""
    why = f"{clipped(reason, REASON_CHARACTERS)}.{shown}"
    content = template("again").substitute(reason=why, instructions=instructions)
    return [
        *opening,
        {"role": "assistant", "content": clipped(reply or "", REPLY_CHARACTERS) or "(empty)"},
        {"role": "user", "content": content},
    ]


def instructions_of(operator: str, program: Candidate, order: Order = PLAIN) -> str:
    """Return the form of the answer that ``operator`` asks for."""
    plan = quoted(order.plan, PLAN_CHARACTERS) if order.plan else ""
    form = template(operator).safe_substitute(whole=_whole(program), plan=plan, plans=PLANS)
    return f"{template('mechanism').substitute()}\n\n{form}" if order.variant.mechanism else form


def contract_of(problem: Problem[Any], program: Candidate) -> str:
    """Return what is to be written: functions with their signatures, or files."""
    signatures = " and ".join(f"`{signature}`" for signature in problem.interface.signatures())
    language = _word(program.language)
    if problem.interface.functions:
        told = f"Your file must define these functions at its top level: {signatures}."
    elif len(program.files) > 1:
        paths = ", ".join(f"`{_word(file.path)}`" for file in program.files[:_FILES])
        told = f"Your program, in {language}, has these files: {paths}."
    else:
        told = f"Your program is one file in {language}, {signatures}."
    framed = any(has_blocks(file.text) for file in problem.seed().files)
    return f"{told}\n{template('frame').substitute()}" if framed else told


def brief_of(problem: Problem[Any]) -> str:
    """Return the problem's brief; the interface is told after it where the brief leaves it out."""
    brief = problem.brief().strip()
    names = [function.name for function in problem.interface.functions] or list(problem.interface.signatures())
    told = all(name in brief for name in names)
    return brief if told else f"{brief}\n\n## Interface\n\n{problem.interface.description()}"


def _whole(program: Candidate) -> str:
    name = "whole_files" if len(program.files) > 1 else "whole_file"
    return template(name).substitute(fence=fence_of(program.language))


def fence_of(language: str) -> str:
    """Return the word that a fenced block of ``language`` begins with."""
    return _FENCES.get(language.lower(), _word(language.lower()))


def quoted_files(program: Candidate, limit: int) -> str:
    """Return the files of a program, quoted; what is shown of them is at most ``limit`` characters long."""
    fence = fence_of(program.language)
    if len(program.files) == 1:
        return quoted(program.source, limit, fence)
    shown = program.files[:_FILES]
    told = [f"FILE: `{_word(file.path)}`\n{quoted(file.text, limit // len(shown), fence)}" for file in shown]
    left = len(program.files) - len(shown)
    return "\n\n".join([*told, *([f"({left} more files are not shown.)"] if left else [])])


def _word(text: str) -> str:
    """Return a path or the name of a language as it may stand outside of quotes: one word, not too long."""
    return re.sub(r"[^\w./+#-]", "_", text[:_WORD_CHARACTERS])


def quoted(text: str, limit: int, language: str = "") -> str:
    """Return ``text``, at most ``limit`` characters of it, between marks that it cannot imitate."""
    text = re.sub(rf"`{{{_TICKS},}}", "`" * _TICKS, clipped(text, limit).encode(errors="replace").decode())
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


def system_message(problem: Problem[Any]) -> Message:
    """Return how an author works, by the problem's kind, and what quoted text is."""
    habits = template(f"habits_{problem.kind if problem.kind in _KINDS else 'other'}").substitute()
    return {"role": "system", "content": template("system").substitute(habits=habits)}


def _measurements(evaluation: Evaluation, objective: Objective, known: Known, order: Order) -> str:
    detailed = order.variant.detailed
    told = quoted(figures(evaluation, objective, known.reached, None if detailed else 1), FEEDBACK_CHARACTERS)
    which = "By workload, the worst first" if detailed else "On its worst workload"
    return f"{standing(evaluation.score, objective, known.reached)} {which}:\n\n{told}"


def _lessons(known: Known) -> str:
    if not known.lessons:
        return ""
    return "\n\n" + template("lessons").substitute(lessons=quoted(known.lessons, LESSONS_CHARACTERS))


def _tried(order: Order) -> str:
    if not order.tried:
        return ""
    return "\n\n" + template("tried").substitute(tried=quoted(order.tried, LESSONS_CHARACTERS))


def _inspirations(others: Sequence[Parent]) -> str:
    if not others:
        return ""
    told = "\n\n".join(_inspiration(parent) for parent in others)
    return f"\n\n# Other programs that work differently\n\n{told}"


def _inspiration(parent: Parent) -> str:
    score = "none" if parent.evaluation.score is None else f"{parent.evaluation.score:.6g}"
    return f"Score: {score}.\n\n{quoted_files(parent.candidate, INSPIRATION_CHARACTERS)}"


def _mates(shown: Sequence[Parent], objective: Objective) -> str:
    """Return the designs that the parent, which is called A, is crossed with, and who is best where."""
    programs = "\n\n".join(
        f"Program {letter_of(place)}:\n\n{quoted_files(mate.candidate, MATE_CHARACTERS)}"
        for place, mate in enumerate(shown[1:], start=1)
    )
    table = quoted(strengths([parent.evaluation for parent in shown], objective), FEEDBACK_CHARACTERS)
    return "\n\n" + template("mates").substitute(programs=programs, strengths=table)
