"""What a candidate of a foreign task is asked: the task's own contract in Python, or plain pointers in C++."""

from typing import Any

from pydantic import Field

from .._interface import Function
from ..kernel import KernelInterface
from ..kernel._interface import HOW
from ._oracle import foreign_text
from ._task import Style


class TaskInterface(KernelInterface):
    """A kernel whose buffers are the tensors of a foreign task's call. In ``python`` its own contract holds."""

    function: str = Field(pattern=r"^[A-Za-z_]\w*$")
    style: Style
    parameters: tuple[str, ...] = ()
    """Of a candidate that is a function."""
    contract: dict[str, Any]
    """What the worker is told of it; see ``_foreign.Foreign``."""

    @property
    def functions(self) -> tuple[Function, ...]:
        """The one function; none for a class."""
        if self.language != "python":
            return super().functions
        return () if self.style == "module" else (Function(self.function, self.parameters),)

    @property
    def defines(self) -> tuple[str, ...]:
        """The class or function."""
        return (self.function,)

    def signatures(self) -> tuple[str, ...]:
        """Return the call as the task's framework makes it."""
        if self.language == "python" and self.style == "module":
            return (f"class {self.function}(torch.nn.Module)",)
        return super().signatures()

    @property
    def told(self) -> dict[str, Any]:
        """What makes a worker call a candidate under the task's contract."""
        return {"adaptor": foreign_text(), "contract": self.contract} if self.language == "python" else {}

    def description(self) -> str:
        """Return the contract: the buffers of C++, or the framework's own call."""
        if self.language != "python":
            return super().description()
        tensors = "\n".join(f"- {buffer.words}" for buffer in self.buffers)
        head = f"Write one file, `{self.entry}`, that defines `{self.signatures()[0]}`. {HOW[self.tool]}"
        return "\n\n".join([head, f"Tensors:\n\n{tensors}", _RULES[self.style], _COMMON])


_RULES: dict[Style, str] = {
    "module": (
        "It is made with the arguments of the reference's constructor and called with the reference's inputs. Its "
        "parameters and buffers must have the names and shapes of the reference's: they are set before each call, and "
        "differ from call to call, so nothing can be reckoned from them beforehand."
    ),
    "return": "It is called as the reference is, and answers what the reference answers, in the same dtypes.",
    "destination": "It is called with the reference's inputs and then with its outputs, which it fills.",
}
_COMMON = (
    "Every call has inputs of its own, and its time ends when it returns. Inputs must be left as they are. Of sizes "
    "that the task lists only some are timed, and they are shrunk to what a CPU can do."
)
