"""Another framework in a virtual environment of its own, installed from PyPI once."""

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[3]
OPENEVOLVE = "openevolve==0.4.0"


class Missing(Exception):  # noqa: N818 - a reason to skip, in one sentence
    """The peer cannot be had here and now."""


def python_of(name: str, requirement: str) -> Path:
    """Return the Python of a venv that holds ``requirement`` (pinned), made on the first call.

    Raises Missing where the package index cannot be reached or the installation fails.
    """
    folder = HOUSE / ".venv-peers" / name
    stamp, python = folder / "installed.txt", folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text("utf-8") == requirement:
        return python
    print(f"installing {requirement} into {folder.relative_to(HOUSE)} ...", flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", requirement],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Missing(f"{requirement} could not be installed: {said}")
    stamp.write_text(requirement, "utf-8")
    return python
