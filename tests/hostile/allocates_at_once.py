def choose(view):
    return len(bytearray(1 << 40))
