"""Announces an answer of the right size, sends half of it, and goes to sleep."""
import os
import struct
import time


def plan(demand, slots):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack("=Bd", 0, 16.0 * len(demand)) + bytes(8))
        except OSError:
            continue
    time.sleep(1000)
