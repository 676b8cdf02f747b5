"""The tree of drafted tokens that yields most on average, by dynamic programming over its nodes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def best_tree_tokens(by_rank: Sequence[float], nodes: int) -> npt.NDArray[np.float64]:
    """Return, for 0 to ``nodes`` drafted nodes, the most tokens that a step can yield on average, shape (nodes + 1,).

    The child of rank r of a node that is accepted is accepted with probability ``by_rank[r]``, whatever the place in
    the tree (Sequoia, Chen et al. 2024). A subtree yields 1 for its root and what its children yield:

        best(n) = 1 + max over a split of n - 1 nodes among the ranks of sum of by_rank[r] * best(part)

    Raises:
        ValueError: probabilities that are negative or sum to more than 1, or a negative number of nodes.
    """
    if min(by_rank, default=0.0) < 0.0 or sum(by_rank) > 1.0 + 1e-12 or nodes < 0:
        raise ValueError(f"expected by_rank >= 0 with a sum of at most 1, and nodes >= 0, got {by_rank}, {nodes}")
    ranks = len(by_rank)
    best = np.zeros(nodes + 2)
    shared = np.zeros((ranks + 1, nodes + 2))  # By rank and nodes: the most that children of this rank and later yield.
    for size in range(1, nodes + 2):
        best[size] = 1.0 + shared[0, size - 1]
        for rank in range(ranks - 1, -1, -1):
            shared[rank, size] = (by_rank[rank] * best[: size + 1] + shared[rank + 1, size::-1]).max()
    return best[1:]
