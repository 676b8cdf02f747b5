"""The minimax polynomial of degree 13, in short chains.

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
    q = s * s
    low = C3 + C5 * s
    high = (C7 + C9 * s) + q * (C11 + C13 * s)
    return x + x * s * (low + q * high)
