"""What the serving simulator's tests and benchmark share: traces, routers and a slow second implementation."""

from .logs import VllmLog, read_log, read_profile
from .placers import LeastOutstandingPlacer, MostCached, PrefillTimesBatch, Sticky
from .prefix_reference import prefix_reference_run
from .reference import reference_run
from .routers import HeadRoom, LeastOutstanding, PowerOfTwo, Recorder, RoundRobin, Scripted
from .traces import sharegpt_like, small_prefix_trace, small_trace, tiny_replica

__all__ = [
    "HeadRoom",
    "LeastOutstanding",
    "LeastOutstandingPlacer",
    "MostCached",
    "PowerOfTwo",
    "PrefillTimesBatch",
    "Recorder",
    "RoundRobin",
    "Scripted",
    "Sticky",
    "VllmLog",
    "prefix_reference_run",
    "read_log",
    "read_profile",
    "reference_run",
    "sharegpt_like",
    "small_prefix_trace",
    "small_trace",
    "tiny_replica",
]
