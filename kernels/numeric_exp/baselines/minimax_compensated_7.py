"""The minimax polynomial of degree 7, with what the sum 1 + x loses brought back.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C2 = 0.500000000
C3 = 0.166666478
C4 = 0.0416664816
C5 = 0.00833787024
C6 = 0.00139333366
C7 = 0.000173625653


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    return high + (low + s * (C2 + x * (C3 + x * (C4 + x * (C5 + x * (C6 + x * C7))))))
