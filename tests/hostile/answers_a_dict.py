def choose(view):
    return {"score": 1e9}
