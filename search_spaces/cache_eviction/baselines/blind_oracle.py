"""The blind oracle: lets go what is predicted to be wanted last.

Source: Wei 2020; Belady's rule on predictions
"""


def priority(item, cache):
    return -(cache.now + item.predicted)


def review(item, cache):
    # What was predicted before now and did not come is wanted next by that rule: it would never be let go.
    if cache.now > -item.priority:
        return -(cache.now + item.idle)
    return item.priority
