def choose(view):
    for _ in range(3_000_000):
        pass
    return 0
