def choose(view):
    return len(input())
