"""Announces more bytes than there are in the world, as finite numbers and as others."""
import os
import struct


def plan(demand, slots):
    for size in (1e18, float("nan"), -1.0, float("inf")):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, struct.pack("=Bd", 0, size))
            except OSError:
                continue
    os._exit(0)
