"""What is taken from x as a quotient, its divisor a series of 5 terms.

Source: Lambert's fraction (1770) with its tail as a series
"""

D0 = 3.0000006
D1 = 1.19999313
D2 = -0.00569216666
D3 = 0.00022639171
D4 = -1.5685915e-05


def tanh(x):
    s = x * x
    return x - s * (x / (D0 + s * (D1 + (s * (D2 + s * D3)))))
