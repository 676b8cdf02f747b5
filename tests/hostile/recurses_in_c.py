def choose(view):
    nested = ()
    for _ in range(1_000_000):
        nested = (nested,)
    return hash(nested) % 2
