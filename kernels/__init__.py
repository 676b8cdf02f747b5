"""Kernel problems: one folder each, on ``speciate.evaluators.KernelProblem``."""
