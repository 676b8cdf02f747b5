"""Request streams: seeded generators, and loaders for the user's own files, of requests and of jobs."""

from ._azure import LoggedRequests, load_azure_csv
from ._generators import Lengths, StreamModel, arrivals, generate, predict
from ._jobs import LoggedJobs, load_job_log
from ._mooncake import MOONCAKE_BLOCK_TOKENS, LoggedPrefixes, load_mooncake_jsonl
from ._sessions import SessionModel, generate_sessions
from ._windows import SHARES, Window, cut, windows

__all__ = [
    "MOONCAKE_BLOCK_TOKENS",
    "SHARES",
    "Lengths",
    "LoggedJobs",
    "LoggedPrefixes",
    "LoggedRequests",
    "SessionModel",
    "StreamModel",
    "Window",
    "arrivals",
    "cut",
    "generate",
    "generate_sessions",
    "load_azure_csv",
    "load_job_log",
    "load_mooncake_jsonl",
    "predict",
    "windows",
]
