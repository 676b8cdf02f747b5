"""Modules of this folder that are run in a process of their own, since Triton's interpreter changes what it is in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]


def said(module: str, *arguments: str) -> Any:
    """Return what a module of ``support`` prints as JSON."""
    command = [sys.executable, "-m", f"support.{module}", *arguments]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
