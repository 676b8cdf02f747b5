def choose(view):
    for number in range(1000):
        with open(f"part{number}", "wb") as file:
            file.write(b"x" * (1 << 20))
    return 0
