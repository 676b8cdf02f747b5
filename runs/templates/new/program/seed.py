"""Nearest next: whatever is left and nearest is fetched next."""

import sys


def order(places):
    here, left, found = (0, 0), list(range(len(places))), []
    while left:
        best = min(left, key=lambda number: abs(places[number][0] - here[0]) + abs(places[number][1] - here[1]))
        left.remove(best)
        found.append(best)
        here = places[best]
    return found


words = list(map(int, sys.stdin.read().split()))
print("\n".join(map(str, order(list(zip(words[::2], words[1::2], strict=True))))))
