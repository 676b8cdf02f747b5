"""Jobs of uncertain size on machines that may be preempted: the world of online scheduling."""

from ._bounds import busy_time_bound
from ._jobs import Floats, Ints, Jobs
from ._machines import (
    JOB_FIELDS,
    SYSTEM_FIELDS,
    DecisionError,
    EventLimitError,
    Ranking,
    Schedule,
    simulate,
)
from ._sharing import processor_sharing

__all__ = [
    "JOB_FIELDS",
    "SYSTEM_FIELDS",
    "DecisionError",
    "EventLimitError",
    "Floats",
    "Ints",
    "Jobs",
    "Ranking",
    "Schedule",
    "busy_time_bound",
    "processor_sharing",
    "simulate",
]
