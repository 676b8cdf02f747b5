"""What a draw may see of the archive: all of it, only the best design, or only what the run started from.

A control arm is the same search with less to remember, so what the archive bought can be measured.
"""

from collections.abc import Iterable
from dataclasses import replace

from ._grid import View
from ._proposer import Elite
from ._settings import Memory


def seen(view: View, memory: Memory, start: Iterable[Elite]) -> View:
    """Return ``view`` as far as ``memory`` reaches; ``start`` are the starting designs judged ``ok`` so far.

    >>> view = View(9, (Elite(4, 0, 1.0), Elite(2, 3, 1.5)))
    >>> seen(view, "best", ()).elites
    (Elite(ticket=4, cell=0, score=1.0, further=()),)
    """
    if memory == "archive":
        return view
    if memory == "best":
        return replace(view, elites=view.elites[:1], fronts={})
    return replace(view, fronts={}, elites=tuple(sorted(start, key=lambda elite: (elite.score, elite.ticket))))
