def choose(view):
    while True:
        print("x" * 1000)
