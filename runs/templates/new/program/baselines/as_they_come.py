"""In the order of the input.

Source: yardstick
Control.
"""

import sys


def order(places):
    return range(len(places))


words = list(map(int, sys.stdin.read().split()))
print("\n".join(map(str, order(list(zip(words[::2], words[1::2], strict=True))))))
