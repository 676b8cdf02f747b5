def choose(view):
    raise KeyboardInterrupt
