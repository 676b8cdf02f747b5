"""The docker sandbox as a machine part: warm containers, their replacement, their end, and what is said without."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Limits,
    PolicyInterface,
    SandboxError,
    SandboxUnavailableError,
    Status,
    open_policy,
)
from speciate.evaluators.kernel._arena import Arena
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._session import Kernel
from speciate.evaluators.sandbox import Docker, Programs, Worker, _docker_engine
from speciate.evaluators.sandbox._docker_container import Container
from support.docker_engine import IMAGE, containers, released
from support.row_scale.problem import RowScale

from .conftest import ROWS

HOUSE = Path(__file__).parent.parent.parent
CONSTANT = "def choose(view):\n    return 0\n"
OBSERVATION = (0.0, 9.0, 1.0, 4.0, 2.0, 2.0, 4.0, 8.0)
GONE_WALL_S = 30.0


def answer(docker: Docker, source: str, interface: PolicyInterface, limits: Limits) -> float:
    with open_policy(Candidate.from_source(source), interface, limits, docker) as policy:
        policy.begin(ROWS)
        return policy.hook("choose")(OBSERVATION)


def warm(docker: Docker) -> Container:
    (container,) = docker.idle()
    return container


def gone(name: str) -> bool:
    """Wait until the engine no longer has a container."""
    deadline = time.monotonic() + GONE_WALL_S
    while time.monotonic() < deadline:
        with _docker_engine.engine() as client:
            if not client.api.containers(all=True, filters={"id": name}):
                return True
        time.sleep(0.1)
    return False


def test_candidates_share_a_warm_container_and_nothing_else(
    docker: Docker, one_hook: PolicyInterface, quick: Limits
) -> None:
    with released(docker):
        users = set()
        for _ in range(3):
            process = docker.start(quick)
            users.add(Path(f"/proc/{process.pid}/status").read_text("utf-8").partition("Uid:")[2].split()[0])
            process.close()
        first = warm(docker)
        assert len(users) == 3
        assert "0" not in users
        assert answer(docker, CONSTANT, one_hook, quick) == 0
        assert warm(docker) is first


def test_two_candidates_at_once_are_in_two_containers(docker: Docker, quick: Limits) -> None:
    with released(docker):
        first, second = docker.start(quick), docker.start(quick)
        spaces = {os.readlink(f"/proc/{process.pid}/ns/pid") for process in (first, second)}
        first.close()
        second.close()
        assert len(spaces) == 2
        assert len(docker.idle()) == 2


def test_a_worker_has_namespaces_of_its_own(docker: Docker, quick: Limits) -> None:
    process = docker.start(quick)
    try:
        for kind in ("pid", "net", "ipc", "uts", "mnt"):
            assert os.readlink(f"/proc/{process.pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}"), kind
    finally:
        process.close()


def test_a_supervisor_keeps_the_three_rights_it_needs(docker: Docker, quick: Limits) -> None:
    with released(docker):
        docker.start(quick).close()
        status = Path(f"/proc/{warm(docker).pid}/status").read_text("utf-8")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    kill_setgid_setuid = 1 << 5 | 1 << 6 | 1 << 7
    assert {int(facts[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd")} == {kill_setgid_setuid}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


def test_the_way_to_the_judge_is_gone_before_a_candidate_runs(docker: Docker, quick: Limits) -> None:
    with released(docker):
        process = docker.start(quick)
        try:
            assert os.listdir(f"/proc/{process.pid}/root{_docker_engine.MEETING_PLACE}") == []
            open_now = {os.readlink(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir()}
            assert not [link for link in open_now if link.startswith("socket:")]
        finally:
            process.close()


def test_a_container_is_replaced_after_a_limit_was_passed(
    docker: Docker, one_hook: PolicyInterface, quick: Limits
) -> None:
    with released(docker):
        answer(docker, CONSTANT, one_hook, quick)
        first = warm(docker)
        with pytest.raises(CandidateFault, match="timeout"):
            answer(
                docker,
                "def choose(view):\n    while True: pass\n",
                one_hook,
                quick.model_copy(update={"decision_wall_s": 0.3}),
            )
        assert docker.idle() == []
        assert gone(first.name)
        assert answer(docker, CONSTANT, one_hook, quick) == 0


def test_a_container_is_replaced_when_it_has_served_enough(
    docker: Docker, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speciate.evaluators.sandbox._docker_container._USES", 2)
    with released(docker):
        docker.start(quick).close()
        first = warm(docker)
        docker.start(quick).close()
        assert docker.idle() == []
        assert gone(first.name)


def test_scratch_is_empty_for_the_next_one(docker: Docker, one_hook: PolicyInterface, quick: Limits) -> None:
    messy = """
import os
seen = os.listdir(".")
for n in range(5):
    os.mkdir(f"d{n}"); open(f"d{n}/f", "w").write("x"); os.symlink("/etc/passwd", f"d{n}/l")
os.mkfifo("pipe")
def choose(view):
    return 99 if seen else 0
"""
    with released(docker):
        answer(docker, messy, one_hook, quick)
        first = warm(docker)
        assert answer(docker, messy, one_hook, quick) == 0
        assert warm(docker) is first


def test_a_scratch_folder_that_cannot_be_emptied_ends_the_container(
    docker: Docker, one_hook: PolicyInterface, quick: Limits
) -> None:
    deep = """
import os
for n in range(900):
    os.mkdir("d" * 200); os.chdir("d" * 200)
def choose(view):
    return 0
"""
    with released(docker):
        answer(docker, deep, one_hook, quick)
        assert docker.idle() == []


def test_memory_beyond_the_containers_own_is_the_candidates_fault(
    docker: Docker, one_hook: PolicyInterface, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container is made smaller than what the worker's own limit allows, so that the kernel has to kill."""
    monkeypatch.setattr(_docker_engine, "_OVERHEAD_BYTES", -(200 << 20))
    greedy = "def choose(view):\n    x = bytearray(b'x') * (150 << 20)\n    return 0\n"
    with released(docker):
        with pytest.raises(CandidateFault) as caught:
            answer(docker, greedy, one_hook, quick)
        assert caught.value.status is Status.OOM


def test_a_lost_container_is_our_failure_and_the_next_start_works(
    docker: Docker, one_hook: PolicyInterface, quick: Limits
) -> None:
    with released(docker), open_policy(Candidate.from_source(CONSTANT), one_hook, quick, docker) as policy:
        policy.begin(ROWS)
        with _docker_engine.engine() as client:
            (name,) = containers()
            client.api.kill(name)
        with pytest.raises(SandboxError, match="container was lost"):
            policy.hook("choose")(OBSERVATION)
    assert answer(docker, CONSTANT, one_hook, quick) == 0


def test_an_engine_that_is_lost_is_said_in_words(
    docker: Docker, quick: Limits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with released(docker):
        docker.start(quick).close()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone")
        docker.start(quick).close()  # A warm container needs no engine.
        docker.release()
        with pytest.raises(SandboxUnavailableError, match=r"no Docker engine answers at .*apt install docker.io"):
            docker.start(quick)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", "must be on this machine, at a unix socket; DOCKER_HOST is tcp://127.0.0.1:1"),
        ("unix:///nowhere/docker.sock", "no Docker engine answers at /nowhere/docker.sock"),
    ],
)
def test_without_an_engine_the_reason_says_what_to_do(
    address: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    assert words in str(Docker(f"no-image-{len(address)}").available())


def test_an_engine_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_docker_engine, "_ANSWER_WALL_S", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "silent.sock"))
        listener.listen(8)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/silent.sock")
        assert "silent for 0.2 s" in str(Docker("yet-another-image").available())


def test_a_socket_that_is_not_ours_to_use_is_said_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        monkeypatch.setattr(socket.socket, "connect", _refused)
    with socket.socket(socket.AF_UNIX) as listener:
        path = tmp_path / "docker.sock"
        listener.bind(str(path))
        path.chmod(0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        assert "you may not use the Docker engine" in str(Docker("another-image").available())


def _refused(*_: object) -> None:
    """What the kernel says to anyone but root."""
    raise PermissionError(13, "Permission denied")


def test_an_image_that_is_not_built_is_asked_for(docker: Docker) -> None:
    missing = Docker("speciate-never-built")
    assert "speciate sandbox build" in str(missing.available())
    assert "not usable" in missing.describe()[0]
    with pytest.raises(SandboxUnavailableError, match="speciate sandbox build"):
        missing.start(Limits())


def test_gpus_are_refused_in_words_where_the_engine_has_none(docker: Docker, quick: Limits) -> None:
    with _docker_engine.engine() as client:
        if "nvidia" in client.info().get("Runtimes", {}):
            pytest.skip("this engine hands out GPUs")
    with pytest.raises(SandboxUnavailableError, match=r"cannot hand out GPUs.*container toolkit"):
        docker.start(quick.model_copy(update={"gpus": 1}))


def test_its_identity_is_the_images_digest(docker: Docker) -> None:
    assert docker.identity().startswith("sha256:")
    assert docker.image == IMAGE


def test_containers_of_a_judge_that_was_killed_are_gone(docker: Docker) -> None:
    code = (
        "import sys, time\n"
        "from speciate.evaluators import Limits\n"
        "from speciate.evaluators.sandbox import Docker\n"
        f"process = Docker({IMAGE!r}).start(Limits())\n"
        "print(process._container.name, process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=HOUSE, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout is not None
        name, pid = judge.stdout.readline().split()
        judge.send_signal(signal.SIGKILL)
    assert gone(name)
    assert not os.path.exists(f"/proc/{pid}")


def test_containers_that_were_never_met_are_swept_away(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    boot, space, _ = _docker_engine.owner().split(" ")
    made = []
    with _docker_engine.engine() as client:
        for owner in (f"{boot} {space} {dead.pid}:12345", f"another-boot {space} 1:1", _docker_engine.owner()):
            label = {_docker_engine.OWNER: owner}
            made.append(client.api.create_container(IMAGE, ["true"], labels=label)["Id"])
        try:
            assert _docker_engine.remove_stale() >= 1
            left = {item["Id"] for item in client.api.containers(all=True)}
            assert [name in left for name in made] == [False, True, True]
        finally:
            for name in made:
                _docker_engine.remove(name)


def test_a_fork_of_the_judge_keeps_no_container_alive(docker: Docker, quick: Limits) -> None:
    with released(docker):
        docker.start(quick).close()
        name = warm(docker).name
        child = os.fork()
        if child == 0:
            time.sleep(GONE_WALL_S * 4)
            os._exit(0)
        try:
            docker.release()
            assert gone(name)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_packages_are_shown_to_those_that_may_have_them(docker: Docker, quick: Limits) -> None:
    for room, seen in ((None, False), (Worker(packages=True), True), (Programs(), False), (Programs((), True), True)):
        process = docker.start(quick, room=room)
        try:
            assert os.path.isdir(f"/proc/{process.pid}/root/opt/speciate/packages/numpy") is seen, room
        finally:
            process.close()


def test_a_kernel_shares_memory_with_its_judge(docker: Docker, tmp_path: Path) -> None:
    problem, built = RowScale(), tmp_path / "kernel.so"
    command = ["g++", "-O1", "-shared", "-fPIC", "-o", str(built), str(problem.folder / "seed.cpp")]
    subprocess.run(command, check=True)
    with released(docker):
        arena = Arena(problem.arena_bytes)
        process = docker.start(problem.limits, room=Worker(), shared=arena.descriptor)
        with Kernel(process, problem.limits, problem.interface, arena, seed=7) as kernel:
            kernel.load({"object": built.read_bytes()})
            assert 0 < verify(problem, kernel) <= 1.0
        with pytest.raises(SandboxUnavailableError, match="its kind asks for numba"):
            docker.start(problem.limits, room=Worker(packages=True, extras=("numba",)))
