"""The conformance of every sandbox, the choice between them, and the system-call filters."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from speciate.evaluators import Limits, ProblemError, Sandbox, SandboxUnavailableError, sandbox_named
from speciate.evaluators.sandbox import Worker, _bubblewrap, _docker, _root, _seccomp, sandbox_called

from .conftest import belongings

HOUSE = Path(__file__).parent.parent.parent
HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.usefixtures("nothing_left")
def test_a_started_worker_is_another_process_that_close_ends(sandbox: Sandbox, quick: Limits) -> None:
    process = sandbox.start(quick)
    assert process.pid != os.getpid()
    assert os.path.exists(f"/proc/{process.pid}")
    assert process.cpu_s() > 0
    process.close()
    process.close()
    assert not os.path.exists(f"/proc/{process.pid}")


def test_cpu_time_stays_readable_after_death(sandbox: Sandbox, quick: Limits) -> None:
    process = sandbox.start(quick)
    before = process.cpu_s()
    process.close()
    assert process.cpu_s() >= before > 0


def test_a_worker_is_pinned_where_asked(sandbox: Sandbox, quick: Limits) -> None:
    core = min(os.sched_getaffinity(0))
    process = sandbox.start(quick, core)
    try:
        assert os.sched_getaffinity(process.pid) == {core}
    finally:
        process.close()


def test_the_variables_that_a_room_names_stand_in_its_process(sandbox: Sandbox, quick: Limits) -> None:
    room = Worker(environment=(("GLIBC_TUNABLES", "glibc.malloc.mmap_max=0"),))
    process = sandbox.start(quick, room=room)
    try:
        found = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        assert b"GLIBC_TUNABLES=glibc.malloc.mmap_max=0" in found
    finally:
        process.close()


def test_a_worker_has_no_privileges_and_cannot_gain_any(sandbox: Sandbox, quick: Limits) -> None:
    process = sandbox.start(quick)
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    finally:
        process.close()
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(facts[kind], 16) == 0, f"{kind} {facts[kind]}"


def test_a_worker_has_namespaces_and_a_user_of_its_own(bubblewrap: Sandbox, quick: Limits) -> None:
    first, second = bubblewrap.start(quick), bubblewrap.start(quick)
    try:
        for kind in ("pid", "net", "ipc", "uts", "mnt"):
            names = {os.readlink(f"/proc/{pid}/ns/{kind}") for pid in ("self", first.pid, second.pid)}
            assert len(names) == 3, kind
        if os.geteuid() == 0:
            status = [Path(f"/proc/{process.pid}/status").read_text("utf-8") for process in (first, second)]
            users = {re.findall(r"^Uid:\t(\d+)\t\1\t\1\t\1$", text, re.MULTILINE)[0] for text in status}
            assert len(users) == 2
            assert "0" not in users
    finally:
        first.close()
        second.close()


def test_a_memory_limit_below_pythons_own_is_the_problems_error(sandbox: Sandbox, quick: Limits) -> None:
    before = belongings()
    with pytest.raises(ProblemError, match="67108864 must hold"):
        sandbox.start(quick.model_copy(update={"memory_bytes": 1 << 20}))
    assert belongings() == before


@pytest.mark.parametrize("name", ["bubblewrap", "process"])
def test_gpus_are_refused_where_none_can_be_handed_out(name: str, quick: Limits) -> None:
    with pytest.raises(SandboxUnavailableError, match=f"sandbox {name}: it hands out no GPUs.*--sandbox docker"):
        sandbox_called(name).start(quick.model_copy(update={"gpus": 1}))


def test_every_sandbox_says_what_it_stops_and_what_not(sandbox: Sandbox) -> None:
    said = sandbox.describe()
    assert any(line.startswith("stops:") for line in said)
    assert any(line.startswith("does not stop:") for line in said)


def test_an_unknown_sandbox_is_refused_by_name() -> None:
    known = "docker, bubblewrap, process"
    with pytest.raises(SandboxUnavailableError, match=f"unknown sandbox 'jail'; expected one of: {known}"):
        sandbox_named("jail")


def test_without_bwrap_nothing_weaker_is_taken_in_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _forget()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        for name in (None, "bubblewrap"):
            with pytest.raises(SandboxUnavailableError, match=r"apt install bubblewrap.*--sandbox process"):
                sandbox_named(name)
        with pytest.raises(SandboxUnavailableError, match="bwrap is not there"):
            _bubblewrap.Bubblewrap().start(Limits())
        assert "not usable" in _bubblewrap.Bubblewrap().describe()[0]
    finally:
        _forget()


def test_a_bwrap_that_fails_is_reported_with_its_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = belongings()
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    _forget()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    try:
        with pytest.raises(SandboxUnavailableError, match="No permissions to create new namespace"):
            sandbox_named(None)
    finally:
        _forget()
    assert belongings() == before


def _forget() -> None:
    """Clear what is asked only once a process."""
    _docker._reason.cache_clear()
    _bubblewrap._reason.cache_clear()
    _root.prefix.cache_clear()


ROOTLESS = """
import os, sys
sys.path[:0] = sys.argv[1:]
from speciate.evaluators import (
    Answer, Argument, Candidate, Hook, Limits, PolicyInterface, Quantity, Record, open_policy, sandbox_named
)
view = Argument(name="view", record=Record(name="View", quantities=(Quantity(name="time"),)))
interface = PolicyInterface(hooks=(Hook(name="choose", arguments=(view,), answer=Answer(kind="number")),))
source = '''
import os
def choose(view):
    open("scratch", "w").write("x")
    for attempt in (os.fork, lambda: open("/mark", "w"), lambda: os.listdir("/proc"), lambda: os.kill(-1, 9)):
        try:
            attempt()
        except OSError:
            continue
        return 99
    return view.time
'''
with open_policy(Candidate.from_source(source), interface, Limits(), sandbox_named("bubblewrap")) as policy:
    policy.begin(0)
    print(os.getuid(), policy.hook("choose")((7.0,)))
"""


def test_it_works_for_a_user_without_root(bubblewrap: Sandbox) -> None:
    """The system's Python, run as nobody, opens a sandbox from this source tree."""
    python = shutil.which("python3", path="/usr/bin")
    if os.geteuid() != 0:
        pytest.skip("these tests already run without root")
    if python is None or _version(python) != list(sys.version_info[:2]):
        pytest.skip("no /usr/bin/python3 of the same version for an ordinary user to run")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [python, "-c", ROOTLESS, str(HOUSE / "typing"), *packages],
        user=65534,
        group=65534,
        extra_groups=[],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip(f"the source tree is not readable for nobody: {done.stderr.splitlines()[-1]}")
    assert done.stdout.split() == ["65534", "7.0"], done.stderr


def _version(python: str) -> list[int]:
    code = "import sys; print(*sys.version_info[:2])"
    return [int(part) for part in subprocess.check_output([python, "-c", code], text=True).split()]


@pytest.mark.parametrize("column", [0, 1])
def test_the_filters_numbers_are_the_kernels(column: int) -> None:
    header = HEADERS[column]
    if not header.is_file():
        pytest.skip(f"no kernel headers here ({header})")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = {name: int(number) for name, number in found}
    for name, pair in _seccomp._SEALED.items():
        if pair[column] is not None and name in numbers:
            assert pair[column] == numbers[name], name
    assert len(set(_seccomp._SEALED) & set(numbers)) > 50


def test_the_sealed_filter_denies_all_that_the_launch_filter_denies() -> None:
    assert set(_seccomp._LAUNCH) < set(_seccomp._SEALED)
    assert {"execve", "prlimit64"} <= set(_seccomp._SEALED) - set(_seccomp._LAUNCH)
    for program in (_seccomp.launch_filter(), _seccomp.sealed_filter()):
        assert len(program) % 8 == 0
        assert len(program) // 8 < 4096  # BPF_MAXINSNS
        assert len(program) < 4096  # it is handed over through a pipe nobody reads yet
