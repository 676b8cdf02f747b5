"""What a researcher can ask for: the tools' arguments, checked, and how a model is told of them.

The order of the tools is that of ``TOOLS``, everywhere and always.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError
from speciate.evaluators._contract import Frozen

from ._calls import Call

WORDS_CHARACTERS = 2_000
"""Of a hypothesis, an insight, a rationale or a reason."""
CODE_CHARACTERS = 64_000
WORKLOADS_A_CALL = 16

def _storable(text: str) -> str:
    """Return a text without what a database cannot hold; what is no Unicode was refused before."""
    return text.replace("\0", "\ufffd")


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=WORDS_CHARACTERS),
    AfterValidator(_storable),
]
Name = int | Literal["program", "draft"]
DesignName = Annotated[
    Annotated[int, Field(ge=0)] | Literal["program", "draft"],
    Field(description="A ticket's number, or the word program (the one to improve) or draft."),
]


class Archive(Frozen):
    """List the designs you may look at: ticket, score, descriptors and operator, best first."""


class Design(Frozen):
    """Show a design: its code, what was measured of it on each workload, and what its author learnt."""

    design: DesignName


class Draft(Frozen):
    """Write your draft, in place of the one before."""

    code: Annotated[str, StringConstraints(max_length=CODE_CHARACTERS), AfterValidator(_storable)] = Field(
        default="",
        description="The whole program, or SEARCH/REPLACE blocks against your draft (before the first one, against "
        "the program to improve). Left out, it is the code in the text of the same reply.",
    )


class Run(Frozen):
    """Experiment: run a design on workloads and see what is measured on each. What is known already costs nothing."""

    design: DesignName
    workloads: list[str] = Field(min_length=1, max_length=WORKLOADS_A_CALL, description="Their names, in a list.")
    hypothesis: Words = Field(description="What you expect to see, and why: the experiment must be able to refute it.")


class Compare(Frozen):
    """Compare two designs by workload, where both were measured. Costs nothing."""

    left: DesignName
    right: DesignName


class Insight(Frozen):
    """Write down what your experiments showed, in a few sentences that help whoever comes next. It is kept anyway."""

    text: Words = Field(description="What you learnt.")


class Submit(Frozen):
    """Hand in your draft: it is judged on all workloads, and you are done. An insight must have been written before."""

    rationale: Words = Field(description="What the design does, and why it should score better.")


class GiveUp(Frozen):
    """End without a design, where none is worth judging."""

    reason: Words = Field(description="Why.")


Tool = Archive | Design | Draft | Run | Compare | Insight | Submit | GiveUp
TOOLS: dict[str, type[Tool]] = {
    "archive": Archive,
    "design": Design,
    "draft": Draft,
    "run": Run,
    "compare": Compare,
    "insight": Insight,
    "submit": Submit,
    "give_up": GiveUp,
}


def tool_of(call: Call) -> Tool | str:
    """Return the tool that a call asks for, or in words why it asks for none."""
    if call.fault:
        return call.fault
    wanted = TOOLS.get(call.name)
    if wanted is None:
        return f"there is no tool {call.name!r}; expected one of: {', '.join(TOOLS)}"
    try:
        return wanted.model_validate(call.arguments)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)[:3]
        told = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
        return f"{call.name}: {told}"


def schemas() -> list[dict[str, Any]]:
    """Return the tools as the chat completions API is told of them."""
    return [
        {
            "type": "function",
            "function": {"name": name, "description": _about(tool), "parameters": _parameters(tool)},
        }
        for name, tool in TOOLS.items()
    ]


def described() -> str:
    """Return the tools in words, for the text of a prompt."""
    lines = []
    for name, tool in TOOLS.items():
        told = [f"`{each}`: {field.description}" for each, field in tool.model_fields.items()]
        lines.append("\n  - ".join([f"- `{name}`: {_about(tool)}", *told]))
    return "\n".join(lines)


def _about(tool: type[BaseModel]) -> str:
    return " ".join((tool.__doc__ or "").split())


def _parameters(tool: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, without what only repeats their names."""
    told = tool.model_json_schema()
    properties = {
        name: {key: value for key, value in each.items() if key != "title"}
        for name, each in told.get("properties", {}).items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": told.get("required", []),
        "additionalProperties": False,
    }
