DOUBT = 1.876
REACH = 42.69
OVERDUE = 0.7667

def priority(item, cache):
    trust = 1.091 / (1.0 + (DOUBT * cache.error) ** 2.179)
    by_frequency = REACH * (cache.capacity * (1.0 + 0.2757 * min(abs(cache.error) ** 0.5852, 3.57))) / item.asked
    return -(cache.now + item.predicted ** trust * by_frequency ** (1.0 - trust))

def review(item, cache):
    if cache.now > -item.priority:
        return -(cache.now + OVERDUE * item.idle)
    return item.priority
