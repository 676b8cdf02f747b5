"""Nearest next, as the crow flies.

Source: folklore
"""

import sys
from math import dist


def order(places):
    here, left, found = (0, 0), list(range(len(places))), []
    while left:
        best = min(left, key=lambda number: dist(here, places[number]))
        left.remove(best)
        found.append(best)
        here = places[best]
    return found


words = list(map(int, sys.stdin.read().split()))
print("\n".join(map(str, order(list(zip(words[::2], words[1::2], strict=True))))))
