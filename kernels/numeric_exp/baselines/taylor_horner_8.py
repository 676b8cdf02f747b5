"""The Taylor polynomial of degree 8, by Horner.

Source: Taylor 1715; Horner 1819
"""

C2 = 0.500000000
C3 = 0.166666672
C4 = 0.0416666679
C5 = 0.00833333377
C6 = 0.00138888892
C7 = 0.000198412701
C8 = 2.48015876e-05


def exp(x):
    return 1.0 + x * (1.0 + x * (C2 + x * (C3 + x * (C4 + x * (C5 + x * (C6 + x * (C7 + x * C8)))))))
