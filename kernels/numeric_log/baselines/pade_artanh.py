"""The Pade approximant of the artanh series about x - 1.

Source: Pade 1892; the form of fdlibm's log
"""

A = 1.11111116
B = 1.66666663


def log(x):
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    return f - s * (f - A * z / (B - z))
