"""The minimax polynomial of degree 6, by Horner.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C0 = 1.00000000
C1 = 1.00000000
C2 = 0.499999940
C3 = 0.166665167
C4 = 0.0416682474
C5 = 0.00836907793
C6 = 0.00138170610


def exp(x):
    return C0 + x * (C1 + x * (C2 + x * (C3 + x * (C4 + x * (C5 + x * C6)))))
