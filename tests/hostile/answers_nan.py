def choose(view):
    return float("nan")
