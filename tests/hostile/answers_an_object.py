import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/exploded",)

    def __float__(self):
        raise SystemExit

    def __index__(self):
        raise SystemExit


def choose(view):
    return Bomb()
