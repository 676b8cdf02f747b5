"""The first term.

Source: yardstick
Control.
"""


def log(x):
    return x - 1.0
