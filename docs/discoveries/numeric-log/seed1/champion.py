"""The artanh series about x - 1 less half its square.

Source: the other form of fdlibm's log (Ng 1993), here with its series
"""

R1 = 0.666667515
R2 = 0.399810232
R3 = 0.297718286


def log(x):
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    return f - (half - s * (half + z * (R1 + z * (R2 + z * R3))))
