"""Expert by expert, by the library's matrix product.

Source: eager execution
"""

import numpy as np


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    for each in np.unique(expert):
        places = np.flatnonzero(expert == each)
        out[places] = x[places] @ weights[each]
