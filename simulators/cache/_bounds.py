"""What is known of a trace by whoever sees all of it: next uses, and the least misses there can be."""

from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def next_uses(objects: npt.ArrayLike) -> Ints:
    """Return for each request the position of the next request of the same object, ``n`` where there is none.

    Args:
        objects: ids in order of request, shape (n,), integers.
    """
    wanted = np.asarray(objects, dtype=np.int64)
    order = np.argsort(wanted, kind="stable")
    following = np.full(len(wanted), len(wanted), dtype=np.int64)
    same = wanted[order[:-1]] == wanted[order[1:]]
    following[order[:-1][same]] = order[1:][same]
    return following


def belady_misses(objects: npt.ArrayLike, capacity: int) -> int:
    """Return the misses of evicting what is wanted again last: no policy has fewer (Belady 1966, objects of one size).

    Raises ValueError where ``capacity`` < 1.
    """
    if capacity < 1:
        raise ValueError(f"capacity >= 1 must hold, got {capacity}")
    following = next_uses(objects).tolist()
    held: dict[int, int] = {}
    last: list[tuple[int, int]] = []
    misses = 0
    for wanted, then in zip(np.asarray(objects, dtype=np.int64).tolist(), following, strict=True):
        if wanted not in held:
            misses += 1
            if len(held) == capacity:
                while True:
                    negated, victim = heappop(last)
                    if held.get(victim) == -negated:
                        break
                del held[victim]
        held[wanted] = then
        heappush(last, (-then, wanted))
    return misses
