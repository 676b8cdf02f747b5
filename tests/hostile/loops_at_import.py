while True:
    pass


def choose(view):
    return 0
