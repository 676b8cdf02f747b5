"""Request streams: seeded generators, and loaders for the user's own files."""

from ._azure import LoggedRequests, load_azure_csv
from ._generators import Lengths, StreamModel, generate, predict

__all__ = ["Lengths", "LoggedRequests", "StreamModel", "generate", "load_azure_csv", "predict"]
