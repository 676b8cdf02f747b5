"""A minimax quotient as what is added to x.

Source: the weighted fit of Loeb 1957, by Remez exchange
Withheld.
"""

A0 = -0.822705269
A1 = -0.00425273413
A2 = 0.000138827629
B0 = 2.46811628


def tanh(x):
    s = x * x
    return x + x * s * ((A0 + s * (A1 + s * A2)) / (B0 + s))
