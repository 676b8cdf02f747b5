def choose(view):
    return 10**400
