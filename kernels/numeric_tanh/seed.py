"""The Taylor polynomial of degree 15, by Horner.

Source: Taylor 1715; Horner 1819
"""

C3 = -0.333333343
C5 = 0.133333340
C7 = -0.0539682545
C9 = 0.0218694881
C11 = -0.00886323582
C13 = 0.00359212793
C15 = -0.00145583437


def tanh(x):
    s = x * x
    return x + x * s * (C3 + s * (C5 + s * (C7 + s * (C9 + s * (C11 + s * (C13 + s * C15))))))
