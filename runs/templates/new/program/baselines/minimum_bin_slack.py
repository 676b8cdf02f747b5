"""Minimum bin slack: one bin at a time, the largest item and the two others that leave the least room.

Source: Gupta and Ho 1999, with three items at most chosen together
"""

import sys

ENOUGH = 0.0  # tune: 0..200


def pack(capacity, items):
    bins = [0] * len(items)
    rest = sorted(range(len(items)), key=lambda item: -items[item])
    number = 0
    while rest:
        chosen = [rest.pop(0)]
        left = capacity - items[chosen[0]]
        while True:
            best, least = (), left
            for first in range(len(rest)):
                for second in range(first, len(rest)):
                    pair = {first, second}
                    gap = left - sum(items[rest[each]] for each in pair)
                    if 0 <= gap < least:
                        best, least = pair, gap
                if least <= ENOUGH:
                    break
            if not best:
                break
            chosen += [rest[each] for each in best]
            rest = [item for each, item in enumerate(rest) if each not in best]
            left = least
        for item in chosen:
            bins[item] = number
        number += 1
    return bins


capacity, *items = map(int, sys.stdin.read().split())
print("\n".join(map(str, pack(capacity, items))))
