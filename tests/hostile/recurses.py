def choose(view):
    return choose(view)
