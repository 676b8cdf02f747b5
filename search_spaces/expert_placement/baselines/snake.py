"""Snake: copies as the greedy gives them, dealt by falling load to and fro over the devices, without a loop.

Source: the zig-zag packing that evolved planners of the ADRS benchmark found, on the sum of the last windows
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


def plan(loads, placement, devices, nodes, move_cost):
    slots = placement.shape[1]
    expert, part = replicated(loads[-max(1, round(WINDOWS)) :].sum(axis=0), slots)
    turn, device = np.divmod(np.arange(slots), devices)
    device = np.where(turn % 2, devices - 1 - device, device)
    place = np.empty_like(placement)
    place[:, device * (slots // devices) + turn] = np.take_along_axis(
        expert, np.argsort(-part, axis=1, kind="stable"), axis=1
    )
    return place
