"""First in, first out.

Source: folklore
"""


def priority(item, cache):
    return cache.now if item.fresh else item.priority


def review(item, cache):
    return item.priority
