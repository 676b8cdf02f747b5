"""The Taylor polynomial of degree 7, in short chains.

Source: Estrin 1960
"""

C2 = 0.500000000
C3 = 0.166666672
C4 = 0.0416666679
C5 = 0.00833333377
C6 = 0.00138888892
C7 = 0.000198412701


def exp(x):
    s = x * x
    low = C2 + C3 * x
    high = (C4 + C5 * x) + s * (C6 + C7 * x)
    return 1.0 + (x + s * (low + s * high))
