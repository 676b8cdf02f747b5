"""The first two terms.

Source: yardstick
Control.
"""


def exp(x):
    return 1.0 + x
