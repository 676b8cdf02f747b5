"""Token by token: the largest logit, the sum of powers, and a list of eight into which each logit is sorted."""

import math

import numba


@numba.njit
def moe_gating(logits, weights, chosen, tokens, stride):
    for token in range(tokens):
        top = logits[token, 0]
        for i in range(1, 128):
            if logits[token, i] > top:
                top = logits[token, i]
        total = 0.0
        for i in range(128):
            total += math.exp(logits[token, i] - top)
        filled = 0
        for i in range(128):
            value = logits[token, i]
            at = filled
            while at > 0 and weights[token, at - 1] < value:
                at -= 1
            if at == 8:
                continue
            if filled < 8:
                filled += 1
            for j in range(filled - 1, at, -1):
                weights[token, j] = weights[token, j - 1]
                chosen[token, j] = chosen[token, j - 1]
            weights[token, at] = value
            chosen[token, at] = i
        for j in range(8):
            weights[token, j] = math.exp(weights[token, j] - top) / total
