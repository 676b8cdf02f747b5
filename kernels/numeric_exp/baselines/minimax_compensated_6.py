"""The minimax polynomial of degree 6, with what the sum 1 + x loses brought back.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C2 = 0.499999940
C3 = 0.166665167
C4 = 0.0416682474
C5 = 0.00836907793
C6 = 0.00138170610


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    return high + (low + s * (C2 + x * (C3 + x * (C4 + x * (C5 + x * C6)))))
