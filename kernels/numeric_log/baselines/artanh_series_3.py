"""The artanh series of 4 terms about x - 1.

Source: the form of fdlibm's log (Ng 1993), here with its series
"""

R1 = 0.666666687
R2 = 0.400000006
R3 = 0.285714298


def log(x):
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    return f - s * (f - z * (R1 + z * (R2 + z * R3)))
