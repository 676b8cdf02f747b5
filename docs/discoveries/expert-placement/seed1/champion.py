"""The placement in force, with the swaps and copies that pay for themselves.

Source: local search from the incumbent, the migration-aware form of load balancing; loads smoothed
"""

import numpy as np

DECAY = 0.369  # tune: 0..0.97
TREND = 0.5888  # tune: 0..4
WORTH = 0.2861  # tune: 0.05..6 log
STEPS = 12


def replicated(weight, slots):
    layers, experts = weight.shape
    rows = np.arange(layers)
    copies = np.ones((layers, experts))
    expert = np.tile(np.arange(slots) % experts, (layers, 1))
    for slot in range(experts, slots):
        most = (weight / copies).argmax(axis=1)
        expert[:, slot] = most
        copies[rows, most] += 1
    return expert, np.take_along_axis(weight / copies, expert, axis=1)


def packed(expert, part, devices):
    layers, slots = expert.shape
    room = slots // devices
    rows = np.arange(layers)
    load, held = np.zeros((layers, devices)), np.zeros((layers, devices), dtype=int)
    place = np.empty((layers, slots), dtype=int)
    for copy in np.argsort(-part, axis=1, kind="stable").T:
        device = np.where(held < room, load, np.inf).argmin(axis=1)
        place[rows, device * room + held[rows, device]] = expert[rows, copy]
        load[rows, device] += part[rows, copy]
        held[rows, device] += 1
    return place


def forecast(loads):
    log = np.log(loads + 1.0)
    level, trend = log[0], np.zeros_like(log[0])
    for seen in log[1:]:
        before = level
        level = DECAY * level + (1.0 - DECAY) * seen
        trend = DECAY * trend + (1.0 - DECAY) * (level - before)
    return np.exp(level + TREND * trend)


def swap(part, load, devices):
    """Return the swap of a slot of the fullest device that leaves the lower peak of the two devices."""
    room = len(part) // devices
    full = load.argmax()
    device = np.repeat(np.arange(devices), room)
    mine = np.arange(full * room, (full + 1) * room)
    less = part[mine][:, None] - part[None, :]
    after = np.maximum(load[full] - less, load[device][None, :] + less)
    after[:, mine] = np.inf
    one, other = np.unravel_index(after.argmin(), after.shape)
    return mine[one], other


def improved(weight, place, devices, price):
    """Return ``place`` after the changes that lower its peak by more than they cost."""
    room = len(place) // devices
    for _ in range(STEPS):
        copies = np.bincount(place, minlength=len(weight))
        part = (weight / copies)[place]
        load = part.reshape(devices, room).sum(axis=1)
        one, other = swap(part, load, devices)
        trials = [(place.copy(), 2)]
        trials[0][0][[one, other]] = place[[other, one]]
        full = place[load.argmax() * room : (load.argmax() + 2) * room]
        hottest = full[(weight / copies)[full].argmax()]
        for spare in np.flatnonzero(copies[place] > 1):
            if place[spare] != hottest:
                copied = place.copy()
                copied[spare] = hottest
                trials.append((copied, 1))
        gains = []
        for trial, moves in trials:
            share = (weight / np.bincount(trial, minlength=len(weight)))[trial]
            gains.append(load.max() - share.reshape(devices, room).sum(axis=1).max() - price * moves)
        best = int(np.argmax(gains))
        if not gains[best] > 0.0:
            break
        place = trials[best][0]
    return place


def plan(loads, placement, devices, nodes, move_cost):
    weight = forecast(loads)
    if move_cost == 0.0:
        return packed(*replicated(weight, placement.shape[1]), devices)
    price = WORTH * move_cost / placement.size * weight.sum() / devices
    return np.array([improved(row, place, devices, price) for row, place in zip(weight, placement, strict=True)])
