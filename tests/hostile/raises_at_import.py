TABLE = {}[3]


def choose(view):
    return 0
