"""A bin for every item.

Source: yardstick
Control.
"""

import sys


def pack(capacity, items):
    return range(len(items))


capacity, *items = map(int, sys.stdin.read().split())
print("\n".join(map(str, pack(capacity, items))))
