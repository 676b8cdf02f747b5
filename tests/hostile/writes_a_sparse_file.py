import os


def choose(view):
    with open("sparse", "wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    return 0
