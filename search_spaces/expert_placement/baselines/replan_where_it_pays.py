"""A new placement of a layer where it pays for its moves, on the devices that hold most of it already.

Source: hysteresis on greedy placements by smoothed loads; devices matched to the ones in force, fullest match first
"""

import numpy as np

DECAY = 0.6  # tune: 0..0.97
TREND = 0.5  # tune: 0..4
WORTH = 1.0  # tune: 0.05..6 log


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


def peak(weight, place, devices):
    copies = np.bincount(place, minlength=len(weight))
    return (weight / np.maximum(copies, 1))[place].reshape(devices, -1).sum(axis=1).max()


def matched(new, old, experts, devices):
    """Return ``new`` with its devices in the order that keeps most of ``old``, and how many slots it fetches."""
    held = np.zeros((2, devices, experts))
    device = np.repeat(np.arange(devices), len(new) // devices)
    held[0, device, new] = held[1, device, old] = 1.0
    common, fetched = held[0] @ held[1].T, held[0].sum()
    order = np.empty(devices, dtype=int)
    for _ in range(devices):
        source, target = np.unravel_index(common.argmax(), common.shape)
        order[target] = source
        fetched -= common[source, target]
        common[source, :] = common[:, target] = -1.0
    return new.reshape(devices, -1)[order].ravel(), fetched


def plan(loads, placement, devices, nodes, move_cost):
    weight = forecast(loads)
    place = packed(*replicated(weight, placement.shape[1]), devices)
    mean = weight.sum() / devices
    for layer, old in enumerate(placement):
        new, fetched = matched(place[layer], old, weight.shape[1], devices)
        gain = (peak(weight[layer], old, devices) - peak(weight[layer], new, devices)) / mean
        place[layer] = new if gain > WORTH * move_cost * fetched / placement.size else old
    return place
