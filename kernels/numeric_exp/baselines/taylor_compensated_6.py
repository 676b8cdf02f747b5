"""The Taylor polynomial of degree 6, with what the sum 1 + x loses brought back.

Source: Dekker 1971 for the sum
"""

C2 = 0.500000000
C3 = 0.166666672
C4 = 0.0416666679
C5 = 0.00833333377
C6 = 0.00138888892


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    return high + (low + s * (C2 + x * (C3 + x * (C4 + x * (C5 + x * C6)))))
