"""What the serving simulator's tests and benchmark share: traces, routers and a slow second implementation."""

from .logs import VllmLog, read_log, read_profile
from .reference import reference_run
from .routers import HeadRoom, LeastOutstanding, PowerOfTwo, Recorder, RoundRobin, Scripted
from .traces import sharegpt_like, small_trace, tiny_replica

__all__ = [
    "HeadRoom",
    "LeastOutstanding",
    "PowerOfTwo",
    "Recorder",
    "RoundRobin",
    "Scripted",
    "VllmLog",
    "read_log",
    "read_profile",
    "reference_run",
    "sharegpt_like",
    "small_trace",
    "tiny_replica",
]
