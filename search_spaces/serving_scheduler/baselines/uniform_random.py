"""A random order, random chunks, random victims.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(5)


def rank(job, engine):
    return _rng.random()


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks > engine.free_blocks:
        return 0
    return engine.budget * _rng.random()


def evict(job, engine):
    return -_rng.random()


def swap(job, engine):
    return _rng.random() - 0.5
