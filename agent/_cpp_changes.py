"""The changes of C++ that know what a loop is, by the names of their operators."""

from functools import wraps
from random import Random

from ._cpp import UnreadError
from ._lanes import jam, split
from ._loop_hints import hint, resize
from ._loop_nests import fission, fuse, interchange, tile
from ._loop_values import hoist, prefetch, retype, select
from ._promises import leave, restrict, vectorize
from ._token_changes import File, TokenChange


def _readable(change: TokenChange) -> TokenChange:
    """Return the change as one that finds nothing in what is no C++ that the parser knows."""

    @wraps(change)
    def tried(file: File, rng: Random) -> str | None:
        try:
            return change(file, rng)
        except (UnreadError, RecursionError):
            return None

    return tried


CPP_CHANGES: dict[str, TokenChange] = {
    name: _readable(change)
    for name, change in {
        "hint": hint,
        "resize": resize,
        "jam": jam,
        "split": split,
        "tile": tile,
        "interchange": interchange,
        "fuse": fuse,
        "fission": fission,
        "hoist": hoist,
        "select": select,
        "retype": retype,
        "prefetch": prefetch,
        "leave": leave,
        "vectorize": vectorize,
        "restrict": restrict,
    }.items()
}
