"""Session affinity, least outstanding for new sessions.

A conversation stays where it began, until its replica is overloaded against the least loaded; then it moves for good.

Source: sticky sessions of production gateways, with a limit on load
"""

SPEED_POWER = 1.0  # tune: 0..3
OVERLOAD = 2.0  # tune: 1..20 log
SLACK = 4.0  # tune: 0..60
_home = {}


def place(head, view):
    loads = [(replica.running + replica.queued + 1) / replica.speed**SPEED_POWER for replica in view.replicas]
    least = min(loads)
    home = _home.get(head.session)
    if home is None or loads[home] > OVERLOAD * least + SLACK:
        home = loads.index(least)
    _home[head.session] = home
    return home
