"""What is taken from x as a quotient, its divisor a minimax polynomial of 4 terms.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

D0 = 3.00000072
D1 = 1.19999278
D2 = -0.00569185987
D3 = 0.000226424381


def tanh(x):
    s = x * x
    return x - x * s / (D0 + s * (D1 + s * (D2 + s * D3)))
