"""Predictive marker: in each phase what was wanted stays; of the rest, the one predicted to be wanted last goes.

Source: Lykouris and Vassilvitskii 2018
"""

PHASE = 1e9

_state = {"phase": 1.0, "marked": 0.0}


def priority(item, cache):
    marked = not item.fresh and item.priority > (_state["phase"] - 0.5) * PHASE
    if not marked:
        # A phase ends when as many objects as the cache holds were wanted in it.
        if _state["marked"] >= cache.capacity:
            _state["phase"] += 1.0
            _state["marked"] = 0.0
        _state["marked"] += 1.0
    return _state["phase"] * PHASE - min(cache.now + item.predicted, 0.4 * PHASE)


def review(item, cache):
    return item.priority
