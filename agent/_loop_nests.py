"""Loops of C++ in another order: tiles, exchange of two loops, loops put together or taken apart.

None of them proves that the order does not matter; the judge finds out.
"""

from random import Random
from typing import NamedTuple

from ._cpp import Code, Count, Loop, assigned, braced, mentions
from ._cpp_values import declaration, kept
from ._lanes import Spread, spread
from ._token_changes import File

TILES = (16, 32, 64, 128, 256, 512)


class Nest(NamedTuple):
    """A loop whose body is another loop and nothing else, and whose rounds all have the same number of inner ones."""

    outer: Loop
    inner: Loop


def tile(file: File, rng: Random) -> str | None:
    """Go through a nest of loops in tiles of the inner one, so that what it reads is still in cache the next time."""
    code = Code(file)
    nests = _nests(code)
    if not nests:
        return None
    outer, inner = rng.choice(nests)
    name, width, count = code.fresh("tile"), code.fresh("tile_width"), inner.counter
    over = Count(count.type, name, count.low, count.high, width)
    end = f"({name} + {width} < {count.high} ? {name} + {width} : {count.high})"
    within = braced(f"for ({count.head(low=name, high=end)})", _inside(code, inner))
    lines = braced(f"for ({over.head()})", braced(f"for ({outer.counter.head()})", within))
    return code.replaced(outer, lines, {width: rng.choice(TILES)})


def interchange(file: File, rng: Random) -> str | None:
    """Exchange two loops, one right within the other."""
    code = Code(file)
    nests = _nests(code)
    if not nests:
        return None
    outer, inner = rng.choice(nests)
    within = braced(f"for ({outer.counter.head()})", _inside(code, inner))
    return code.replaced(outer, braced(f"for ({inner.counter.head()})", within))


def _nests(code: Code) -> list[Nest]:
    loops = {loop.statement: loop for loop in code.loops}
    found = []
    for outer in code.loops:
        body = outer.statement.body
        inner = loops.get(body[0]) if len(body) == 1 else None
        if inner is None or mentions(inner.statement.head, (outer.counter.name,)):
            continue
        if None not in kept(code, outer).values():
            found.append(Nest(outer, inner))
    return found


def _inside(code: Code, loop: Loop) -> list[str]:
    return [code.source(each) for each in loop.statement.body]


def fuse(file: File, rng: Random) -> str | None:
    """Make one loop of two that follow each other and count alike."""
    code = Code(file)
    loops = {loop.statement: loop for loop in code.loops}
    pairs = []
    for loop in code.loops:
        place = loop.parent.parts.index(loop.statement)
        following = loops.get(loop.parent.parts[place + 1]) if place + 1 < len(loop.parent.parts) else None
        if following is not None and _alike(code, loop, following):
            pairs.append((loop, following))
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    names = {second.counter.name: Spread(first.counter.name)}
    body = [*_inside(code, first), *(spread(each, names) for each in _inside(code, second))]
    lines = braced(f"for ({first.counter.head()})", body)
    whole = first.statement._replace(end=second.statement.end)
    return code.rewritten(whole, first.parent, lines)


def _alike(code: Code, first: Loop, second: Loop) -> bool:
    """Return whether two loops count alike, and the second needs nothing that the first has to end for."""
    name = first.counter.name
    later = code.inner(second.statement)
    needed = assigned(code.inner(first.statement)) | ({name} - {second.counter.name})
    return second.counter._replace(name=name) == first.counter and not mentions(later, needed)


def fission(file: File, rng: Random) -> str | None:
    """Make two loops of one, neither of which needs what the other declares."""
    code = Code(file)
    places = [(loop, at) for loop in code.loops for at in range(1, len(loop.statement.body)) if _parts(code, loop, at)]
    if not places:
        return None
    loop, at = rng.choice(places)
    body = _inside(code, loop)
    head = f"for ({loop.counter.head()})"
    return code.replaced(loop, [*braced(head, body[:at]), *braced(head, body[at:])])


def _parts(code: Code, loop: Loop, at: int) -> bool:
    """Return whether the body may be parted there: neither part needs what the other declares or gives a value."""
    body = loop.statement.body
    declared = {each.name for part in body[:at] if (each := declaration(code.source(part))) is not None}
    first, second = (code.text[part[0].start : part[-1].end] for part in (body[:at], body[at:]))
    if mentions(first + second, ("break", "continue", "return", "__syncthreads")):
        return False
    return not mentions(second, declared | assigned(first)) and not mentions(first, assigned(second))
