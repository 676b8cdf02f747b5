"""Softmax over the whole array, and a stable sort, by NumPy.

Source: eager execution
"""

import numpy as np


def moe_gating(logits, weights, chosen, tokens, stride):
    given = logits[:, :128]
    chosen[...] = np.argsort(-given, axis=1, kind="stable")[:, :8]
    powers = np.exp(given - given.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    weights[...] = np.take_along_axis(powers, chosen, axis=1)
