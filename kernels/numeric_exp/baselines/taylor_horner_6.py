"""The Taylor polynomial of degree 6, by Horner.

Source: Taylor 1715; Horner 1819
"""

C2 = 0.500000000
C3 = 0.166666672
C4 = 0.0416666679
C5 = 0.00833333377
C6 = 0.00138888892


def exp(x):
    return 1.0 + x * (1.0 + x * (C2 + x * (C3 + x * (C4 + x * (C5 + x * C6)))))
