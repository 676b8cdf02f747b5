"""fdlibm's artanh series of 5 terms about x - 1, with minimax constants.

Source: fdlibm's log (Ng 1993); Remez exchange, each constant rounded in turn and the rest fitted anew
Withheld.
"""

R1 = 0.666666627
R2 = 0.400009751
R3 = 0.284984857
R4 = 0.242862359


def log(x):
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    return f - s * (f - z * (R1 + z * (R2 + z * (R3 + z * R4))))
