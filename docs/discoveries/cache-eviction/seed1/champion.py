DOUBT = 1.845
REACH = 50.0
OVERDUE = 0.3852

def priority(item, cache):
    trust = 1.0 / (1.0 + (DOUBT * cache.error) ** 2)
    by_frequency = REACH * cache.capacity / item.asked
    return -(cache.now + item.predicted ** trust * by_frequency ** (1.0 - trust))

def review(item, cache):
    if cache.now > -item.priority:
        return -(cache.now + OVERDUE * item.idle)
    return item.priority + 0.984 * cache.now + 0.567 * (item.priority + 0.322 * -(cache.now + 0.3852 * item.idle)) + 3900 * cache.capacity
