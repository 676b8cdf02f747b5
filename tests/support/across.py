"""Attacks on whoever is judged next: the programs, and how each of them itself ends.

As in the corpus, ``ok`` means that a wall held: who gets through answers 99, which is out of range.
"""

import os
import tempfile
from pathlib import Path

from .corpus import CORPUS

FOLDER = CORPUS / "across"
MARK = "speciate-hostile-mark"
"""In the name of all that they leave behind."""

ACROSS = {
    "leaves_files_everywhere": "ok",
    "plants_code_for_the_next": "ok",
    "changes_the_worker": "ok",
    "leaves_a_helper_behind": "ok",
    "answers_for_others": "ok",
    "writes_to_the_archive": "ok",
    "imitates_the_probe": "ok",
    "imitates_a_row": "crashed",
    "fills_the_users_quotas": "ok",
    "slows_the_next": "ok",
    "exhausts_the_judge": "ok",
    "leaves_things_in_the_kernel": "ok",
}
OWN_ROOT = {"leaves_files_everywhere", "plants_code_for_the_next", "writes_to_the_archive"}
"""Those that need a root of the sandbox's own to be stopped on every machine."""
NEXT = "finds_what_was_left"
"""The candidate that comes afterwards and looks for what the one before it left."""


def source_of(name: str, database: str = "/nowhere/speciate.db") -> str:
    """Return the text of one program; ``database`` is where it believes the archive to be."""
    return (FOLDER / f"{name}.py").read_text("utf-8").replace("{database}", database)


def marked() -> list[Path]:
    """Return what stands on this machine, in the places that all may write to or that Python loads, by its name."""
    places = [tempfile.gettempdir(), "/dev/shm", "/var/tmp", "/run", "/", os.getcwd(), os.path.dirname(os.__file__)]
    return [path for place in set(places) if os.path.isdir(place) for path in Path(place).glob(f"*{MARK}*")]
