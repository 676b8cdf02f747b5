"""What a task's worker told of one case. It is the word of foreign code: parsed and bounded here, never run."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .._contract import Frozen

DType = Literal["float32", "float64", "int32", "int64", "uint8", "bool", "float16", "bfloat16"]
_DEEP = 12
_NODES = 4096


def _checked(tree: Any) -> Any:
    left = _NODES

    def visit(node: Any, depth: int) -> None:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEP or not isinstance(node, list) or len(node) != 2:
            raise ValueError("expected a tree of tensors and plain values")
        tag, content = node
        if tag in ("l", "u") and isinstance(content, list):
            for each in content:
                visit(each, depth + 1)
        elif tag == "d" and isinstance(content, list):
            for each in content:
                if not (isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)):
                    raise ValueError("expected a dict of words")
                visit(each[1], depth + 1)
        elif not (
            (tag == "t" and type(content) is int)
            or (tag == "v" and (content is None or type(content) in (bool, int, float, str)))
            or (tag == "y" and isinstance(content, str) and content.isidentifier())
        ):
            raise ValueError(f"expected a tensor or a plain value, got {tag!r}")

    visit(tree, 0)
    return tree


Tree = Annotated[list[Any], AfterValidator(_checked)]
Dimension = Annotated[int, Field(ge=1, le=1 << 40)]


class Tensor(Frozen):
    """Dtype and shape."""

    dtype: DType
    shape: tuple[Dimension, ...] = Field(max_length=8)


class State(Tensor):
    """A parameter or buffer of the reference's model."""

    name: str = Field(max_length=200)
    parameter: bool


class Facts(Frozen):
    """One case of a task, as its own Python made it."""

    args: Tree
    """A tuple of what it is called with."""
    names: tuple[str, ...] = ()
    """Of its parameters, as far as they are known."""
    init: Tree
    tensors: tuple[Tensor, ...]
    state: tuple[State, ...]
    outputs: tuple[Tensor, ...] = Field(min_length=1)
    sources_of: tuple[tuple[Literal["answer", "after"], int], ...]
    returns: tuple[int, ...]
    """Which output each returned tensor is."""
    written: tuple[tuple[int, int, bool], ...]
    """Input tensor, the output that it holds afterwards, and whether its content counts before."""
    exact: bool
    """Whether the reference can be reckoned in float64."""
    byte_count: int
    cpu_s: float
