"""What is taken from x as a quotient, its divisor a minimax polynomial of 5 terms.

Source: fitted by Remez exchange, each constant rounded to float32 in turn and the rest fitted anew
Withheld.
"""

D0 = 3.00000000
D1 = 1.19999993
D2 = -0.00571375107
D3 = 0.000252597791
D4 = -1.07261849e-05


def tanh(x):
    s = x * x
    return x - x * s / (D0 + s * (D1 + s * (D2 + s * (D3 + s * D4))))
