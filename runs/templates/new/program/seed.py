"""First fit: each item, as it comes, goes to the first bin that has room."""

import sys


def pack(capacity, items):
    bins = [0] * len(items)
    left = []
    for item in range(len(items)):
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
