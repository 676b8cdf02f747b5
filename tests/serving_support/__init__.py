"""What the serving simulator's tests and benchmark share: traces, routers and a slow second implementation."""

from .controllers import Drawn, LeastWork, Noting
from .logs import VllmLog, read_log, read_profile
from .placers import LeastOutstandingPlacer, MostCached, PrefillTimesBatch, Sticky
from .prefix_reference import prefix_reference_run
from .reference import reference_run
from .routers import HeadRoom, LeastOutstanding, PowerOfTwo, Recorder, RoundRobin, Scripted
from .scalers import Fixed, Moods, Tracking
from .schedulers import FirstCome, HeadRoomFirst, LeastAttained, ShortestFirst, Whims
from .split_reference import split_reference_run
from .traces import sharegpt_like, small_prefix_trace, small_trace, tiny_replica

__all__ = [
    "Drawn",
    "FirstCome",
    "Fixed",
    "HeadRoom",
    "HeadRoomFirst",
    "LeastAttained",
    "LeastOutstanding",
    "LeastOutstandingPlacer",
    "LeastWork",
    "Moods",
    "MostCached",
    "Noting",
    "PowerOfTwo",
    "PrefillTimesBatch",
    "Recorder",
    "RoundRobin",
    "Scripted",
    "ShortestFirst",
    "Sticky",
    "Tracking",
    "VllmLog",
    "Whims",
    "prefix_reference_run",
    "read_log",
    "read_profile",
    "reference_run",
    "sharegpt_like",
    "small_prefix_trace",
    "small_trace",
    "split_reference_run",
    "tiny_replica",
]
