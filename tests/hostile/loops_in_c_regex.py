import re


def choose(view):
    return 0 if re.match("(a+)+$", "a" * 64 + "b") else 1
