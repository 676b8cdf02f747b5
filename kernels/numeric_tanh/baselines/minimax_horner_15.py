"""The minimax polynomial of degree 15, by Horner.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

C3 = -0.333332956
C5 = 0.133323461
C7 = -0.0538797751
C9 = 0.0214862153
C11 = -0.00794496294
C13 = 0.00230021938
C15 = -0.000358049350


def tanh(x):
    s = x * x
    return x + x * s * (C3 + s * (C5 + s * (C7 + s * (C9 + s * (C11 + s * (C13 + s * C15))))))
