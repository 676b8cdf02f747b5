def replicas(fleet):
    wanted = (fleet.waiting + fleet.outstanding) / 20
    return wanted if wanted == int(wanted) else int(wanted) + 1
