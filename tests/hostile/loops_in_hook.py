def choose(view):
    while True:
        pass
