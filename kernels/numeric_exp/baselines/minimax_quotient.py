"""fdlibm's quotient with minimax constants, with what the sum 1 + x loses brought back.

Source: fdlibm's exp (Ng 1993); Remez exchange, each constant rounded in turn and the rest fitted anew
Withheld.
"""

P1 = 0.166666180
P2 = -0.00276601198


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    c = x - s * (P1 + s * P2)
    return high + (low + x * c / (2.0 - c))
