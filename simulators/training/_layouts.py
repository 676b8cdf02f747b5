"""Where the stages of a model lie: one to a device, dealt round and round, or down the devices and up again."""

import numpy as np

from ._pipeline import Ints


def plain(devices: int) -> Ints:
    """Return the device of each stage, one stage to a device: GPipe, 1F1B, the zero-bubble schedules H1 and H2."""
    return interleaved(devices, 1)


def interleaved(devices: int, chunks: int) -> Ints:
    """Return the device of each of ``devices * chunks`` stages, dealt round: stage k is on device k mod devices."""
    return np.arange(devices * chunks) % devices


def vee(devices: int) -> Ints:
    """Return the device of each of ``2 * devices`` stages, down the devices and up: first and last share a device."""
    down = np.arange(devices)
    return np.concatenate([down, down[::-1]])
