"""The first term.

Source: yardstick
Control.
"""


def tanh(x):
    return x
