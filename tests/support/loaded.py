"""Processes forked from one that has imported what a search and the command need: to start takes longer than it."""

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "support.killed_search",
        "support.commands",
        "speciate.agent._life",
        "speciate.runs.cli",
        "speciate.runs._models",
        "speciate.runs._report",
        "speciate.runs._search",
        "openai",
        "matplotlib.backends.backend_agg",
        "matplotlib.backends.backend_svg",
        "scipy.special",
        "sqlalchemy.dialects.sqlite",
    ]
)
