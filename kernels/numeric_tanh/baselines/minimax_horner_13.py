"""The minimax polynomial of degree 13, by Horner.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C3 = -0.333329856
C5 = 0.133263901
C7 = -0.0534977093
C9 = 0.0203574840
C11 = -0.00625702040
C13 = 0.00105739606


def tanh(x):
    s = x * x
    return x + x * s * (C3 + s * (C5 + s * (C7 + s * (C9 + s * (C11 + s * C13)))))
