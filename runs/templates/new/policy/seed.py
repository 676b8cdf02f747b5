"""First in, first out: the oldest object goes."""


def evict(cache):
    best, best_score = 0, -1e300
    for slot in cache.slots:
        score = slot.age
        if score > best_score:
            best, best_score = slot.index, score
    return best
