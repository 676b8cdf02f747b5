"""Greedy: copies for the highest load a copy, longest first onto the emptiest device.

Source: the global policy of DeepSeek's expert-parallel load balancer (EPLB), on the sum of the last windows
"""

import numpy as np

WINDOWS = 2.0  # tune: 1..8


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


def plan(loads, placement, devices, nodes, move_cost):
    weight = loads[-max(1, round(WINDOWS)) :].sum(axis=0)
    return packed(*replicated(weight, placement.shape[1]), devices)
