"""The minimax polynomial of degree 8 in x - 1, in short chains.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C3 = 0.333342463
C4 = -0.249832660
C5 = 0.199244738
C6 = -0.171371073
C7 = 0.160246998
C8 = -0.101922795


def log(x):
    f = x - 1.0
    z = f * f
    low = C3 + C4 * f
    high = (C5 + C6 * f) + z * (C7 + C8 * f)
    return f + z * (f * (low + z * high) - 0.5)
