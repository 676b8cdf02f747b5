def choose(view):
    return 0j
