"""Greedy on loads that are smoothed and carried on along their trend.

Source: exponential smoothing with a damped trend (Gardner and McKenzie 1985), then DeepSeek's greedy
"""

import numpy as np

DECAY = 0.6  # tune: 0..0.97
TREND = 0.5  # tune: 0..4


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


def plan(loads, placement, devices, nodes, move_cost):
    return packed(*replicated(forecast(loads), placement.shape[1]), devices)
