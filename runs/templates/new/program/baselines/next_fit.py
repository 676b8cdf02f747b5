"""Next fit: a new bin as soon as an item does not fit into the last one.

Source: Johnson 1973
"""

import sys


def pack(capacity, items):
    bins = [0] * len(items)
    number, left = 0, capacity
    for item in range(len(items)):
        if items[item] > left:
            number, left = number + 1, capacity
        left -= items[item]
        bins[item] = number
    return bins


capacity, *items = map(int, sys.stdin.read().split())
print("\n".join(map(str, pack(capacity, items))))
