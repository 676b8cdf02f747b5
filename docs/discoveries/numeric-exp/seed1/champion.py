"""The Taylor polynomial of degree 7, with what the sum 1 + x loses brought back.

Source: Dekker 1971 for the sum
"""

C2 = 0.499999977
C3 = 0.166666407
C4 = 0.0416680075
C5 = 0.00834125533
C6 = 0.00138231689
C7 = 0.000149963992


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    return high + (low + s * (C2 + x * (C3 + x * (C4 + x * (C5 + x * (C6 + x * C7))))))
