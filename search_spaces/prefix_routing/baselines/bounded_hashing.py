"""Consistent hashing with bounded loads, by session.

Replicas stand on a ring in proportion to their speed; a session goes to the first one after its own point whose load
is within a factor of the mean, each by its speed.

Source: Mirrokni, Thorup, Zadimoghaddam 2018 (consistent hashing with bounded loads), as in production gateways
"""

LOAD_FACTOR = 1.25  # tune: 1..4 log
SPEED_POWER = 1.0  # tune: 0..3
POINTS = 16

_ring = []


def _mixed(number):
    number = (int(number) * 0x9E3779B97F4A7C15 + 0x7F4A7C15) & 0xFFFFFFFFFFFFFFFF
    number ^= number >> 31
    number = (number * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return number ^ (number >> 29)


def _build(replicas):
    for replica in replicas:
        for point in range(max(1, round(POINTS * replica.speed**SPEED_POWER))):
            _ring.append((_mixed(1000003 * (int(replica.index) + 1) + point), int(replica.index)))
    _ring.sort()


def place(head, view):
    if not _ring:
        _build(view.replicas)
    weights = [replica.speed**SPEED_POWER for replica in view.replicas]
    loads = [replica.running + replica.queued + 1 for replica in view.replicas]
    share = LOAD_FACTOR * (sum(loads) + 1) / sum(weights)
    at = _mixed(head.session)
    low, high = 0, len(_ring)
    while low < high:
        middle = (low + high) // 2
        if _ring[middle][0] < at:
            low = middle + 1
        else:
            high = middle
    for step in range(len(_ring)):
        index = _ring[(low + step) % len(_ring)][1]
        if loads[index] <= share * weights[index]:
            return index
    return loads.index(min(loads))
