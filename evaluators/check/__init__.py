"""Is a problem fit for search? Each check is a small function that returns a finding; this room runs them all.

A search finds whatever a judge rewards. So before one is started, the problem is asked what a sceptic would ask:
does it measure the same twice, do human designs come out in a sane order, is anything left to discover, and do
designs that do not think, that pry or that cheat lose?
"""

from ._check import CHECKS, NOT_REACHED, Settings, check_problem
from ._finding import Finding, Note, Report, Verdict

__all__ = ["CHECKS", "NOT_REACHED", "Finding", "Note", "Report", "Settings", "Verdict", "check_problem"]
