"""Least outstanding for each unit of speed, without regard to what is cached."""


def place(head, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.running + replica.queued + 1) / replica.speed
        if score < best_score:
            best, best_score = replica.index, score
    return best
