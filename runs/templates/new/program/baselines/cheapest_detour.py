"""Cheapest detour: the farthest one left goes where it lengthens the way least.

Source: farthest insertion, Rosenkrantz and others 1977
"""

import sys
from math import dist

FAR = 1.0  # tune: 0..2


def order(places):
    way, left = [(0, 0), (0, 0)], list(range(len(places)))
    numbers = [-1, -1]
    while left:
        best, best_score = left[0], -1e300
        for number in left:
            near = min(dist(places[number], there) for there in way)
            score = FAR * near + (1 - FAR) * dist((0, 0), places[number])
            if score > best_score:
                best, best_score = number, score
        left.remove(best)
        place, least = 1, 1e300
        for position in range(1, len(way)):
            before, after = way[position - 1], way[position]
            detour = dist(before, places[best]) + dist(places[best], after) - dist(before, after)
            if detour < least:
                place, least = position, detour
        way.insert(place, places[best])
        numbers.insert(place, best)
    return numbers[1:-1]


words = list(map(int, sys.stdin.read().split()))
print("\n".join(map(str, order(list(zip(words[::2], words[1::2], strict=True))))))
