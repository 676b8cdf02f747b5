"""Launch, resume, inspect and report runs: everything behind the ``speciate`` command."""

from .cli import app

__all__ = ["app"]
