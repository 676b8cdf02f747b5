"""The docker sandbox for a judge that is an ordinary user: who may use the engine, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from speciate.evaluators.sandbox import Docker

HOUSE = Path(__file__).parent.parent.parent

JUDGE = """
import os, sys
sys.path[:0] = sys.argv[2:]
from speciate.evaluators import (
    Answer, Argument, Candidate, CandidateFault, Hook, Limits, PolicyInterface, Quantity, Record, open_policy
)
from speciate.evaluators.sandbox import Docker
view = Argument(name="view", record=Record(name="View", quantities=(Quantity(name="time"),)))
interface = PolicyInterface(hooks=(Hook(name="choose", arguments=(view,), answer=Answer(kind="number")),))
docker, limits = Docker(sys.argv[1]), Limits(decision_wall_s=0.5)
def answered(source):
    with open_policy(Candidate.from_source(source), interface, limits, docker, cpu=min(os.sched_getaffinity(0))) as it:
        try:
            it.begin(0)
            return it.hook("choose")((7.0,)), it.cost.cpu_s > 0
        except CandidateFault as fault:
            return str(fault.status)
print(os.getuid(), answered("def choose(view): return view.time"))
print(answered("def choose(view):\\n    while True: pass"))
print(answered("def choose(view): return view.time"))
"""


def test_it_works_for_a_user_who_may_use_the_engine(docker: Docker) -> None:
    """The system's Python, run as nobody in the engine's group, judges from this source tree."""
    if os.geteuid() != 0:
        pytest.skip("these tests already run without root")
    python = shutil.which("python3", path="/usr/bin")
    if python is None or _version(python) != list(sys.version_info[:2]):
        pytest.skip("no /usr/bin/python3 of the same version for an ordinary user to run")
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    group = os.stat(address.removeprefix("unix://")).st_gid
    if group == 0:
        pytest.skip("the engine's socket is root's alone: there is no group docker here")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [python, "-c", JUDGE, docker.image, str(HOUSE / "typing"), *packages],
        user=65534,
        group=65534,
        extra_groups=[group],
        env={"DOCKER_HOST": address, "TMPDIR": "/tmp"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip(f"the source tree is not readable for nobody: {done.stderr.splitlines()[-1]}")
    assert done.stdout.splitlines() == ["65534 (7.0, True)", "timeout", "(7.0, True)"], done.stderr


def _version(python: str) -> list[int]:
    code = "import sys; print(*sys.version_info[:2])"
    return [int(part) for part in subprocess.check_output([python, "-c", code], text=True).split()]
