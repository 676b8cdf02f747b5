"""Researcher mode: hypothesis, experiment, insight, edit; by a model with tools, one ticket at a time."""

from ._researcher import Researcher
from ._tickets import RESEARCH, drawn, insight_of

__all__ = ["RESEARCH", "Researcher", "drawn", "insight_of"]
