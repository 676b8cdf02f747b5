"""First fit decreasing: largest first, to the first bin that has room.

Source: Johnson 1973
"""

import sys


def pack(capacity, items):
    bins = [0] * len(items)
    left = []
    for item in sorted(range(len(items)), key=lambda item: -items[item]):
        for number in range(len(left)):
            if items[item] <= left[number]:
                break
        else:
            number = len(left)
            left.append(capacity)
        left[number] -= items[item]
        bins[item] = number
    return bins


capacity, *items = map(int, sys.stdin.read().split())
print("\n".join(map(str, pack(capacity, items))))
