Strange = type("x" * 100_000, (), {})


def choose(view):
    return Strange()
