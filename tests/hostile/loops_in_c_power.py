def choose(view):
    return pow(7, 1 << 4_000_000, 10**400_000 + 1) % 2
