"""What torch may be asked for beside launches of Triton kernels: memory, and views of it. Sent as text to workers.

What else it does has a time that nothing tells, and would be lost where launches alone are carried out.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Sequence
    from typing import Any

_FREE = frozenset(
    {
        *("empty", "empty_like", "empty_strided", "new_empty", "view", "view_as", "t", "transpose", "permute"),
        *("expand", "unsqueeze", "squeeze", "select", "narrow", "detach", "__get__", "__len__"),
        *("size", "stride", "dim", "numel", "element_size", "storage_offset", "is_contiguous"),
    }
)
"""Memory, views, and what is known of tensors."""
_SAME = frozenset({"__getitem__", "reshape", "flatten", "ravel", "contiguous", "to"})
"""And these, where they copy nothing."""


def is_free(name: str, arguments: Sequence[Any], found: Any) -> bool:
    """Return whether what torch did under that name takes no time on a device."""
    return name in _FREE or (name in _SAME and _place(found) == _place(arguments[0]))


def host_words(name: str) -> str:
    """Return what is wrong with asking torch for anything else."""
    return f"torch: {name} outside of kernels, whose time nothing tells; take torch.empty and fill it in a kernel"


def _place(tensor: Any) -> int:
    found: int = tensor.untyped_storage().data_ptr()
    return found


def watched_host(watch: Any) -> Any:
    """Return a context in which ``watch.host`` is told of what torch is asked for: name, arguments, what came of it."""
    from torch.overrides import TorchFunctionMode

    class Host(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
            found = function(*arguments, **(options or {}))
            watch.host(function.__name__, arguments, found)
            return found

    return Host()
