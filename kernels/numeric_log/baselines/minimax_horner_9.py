"""The minimax polynomial of degree 9 in x - 1, by Horner.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C3 = 0.333339095
C4 = -0.250013411
C5 = 0.199631155
C6 = -0.165770441
C7 = 0.149135053
C8 = -0.142743543
C9 = 0.0870763883


def log(x):
    f = x - 1.0
    z = f * f
    return f + z * (f * (C3 + f * (C4 + f * (C5 + f * (C6 + f * (C7 + f * (C8 + f * C9)))))) - 0.5)
