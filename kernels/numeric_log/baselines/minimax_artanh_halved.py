"""fdlibm's artanh series about x - 1 less half its square, with minimax constants.

Source: fdlibm's other log (Ng 1993); Remez exchange, each constant rounded in turn and the rest fitted anew
Withheld.
"""

R1 = 0.666667759
R2 = 0.399775863
R3 = 0.298709095


def log(x):
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    return f - (half - s * (half + z * (R1 + z * (R2 + z * R3))))
