"""Speciate: an automated systems-research agent whose discoveries can be believed."""

__version__ = "0.1.0"
