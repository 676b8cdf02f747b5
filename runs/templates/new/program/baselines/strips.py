"""Strips: up one strip of the shelves and down the next.

Source: Daganzo 1984
"""

import sys

WIDTH = 200.0  # tune: 40..500 log


def order(places):
    def key(number):
        x, y = places[number]
        strip = int(x / WIDTH)
        return (strip, y if strip % 2 == 0 else -y)

    return sorted(range(len(places)), key=key)


words = list(map(int, sys.stdin.read().split()))
print("\n".join(map(str, order(list(zip(words[::2], words[1::2], strict=True))))))
