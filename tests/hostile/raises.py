def choose(view):
    return 1 // (len(view.replicas) - len(view.replicas))
