"""What the container itself stops, met by code that wears no filter of its own: each wall must hold alone."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from speciate.evaluators import Limits
from speciate.evaluators.sandbox import Docker, Programs, Room, _docker_container, _docker_engine, _seccomp
from speciate.evaluators.sandbox._docker_container import Birth, ContainedProcess, Container, Shelf
from speciate.evaluators.sandbox._docker_engine import Shape
from speciate.evaluators.sandbox._docker_seccomp import profile
from speciate.evaluators.sandbox._kind import PROGRAM_SCRATCH_BYTES, SCRATCH_BYTES, Pipes
from support.docker_engine import IMAGE, released

PROBE = """
import json, os, sys

def main():
    source = b""
    while more := os.read(0, 65536):
        source += more
    found = {}
    def tries(name, attempt):
        try:
            found[name] = attempt()
        except BaseException as error:
            found[name] = f"{type(error).__name__} {getattr(error, 'errno', '')}".strip()
    uid, _, source = source.decode().partition("\\n")
    os.setgroups([]); os.setresgid(*[int(uid)] * 3); os.setresuid(*[int(uid)] * 3)
    exec(source, {"tries": tries, "found": found})
    os.write(1, json.dumps(found).encode())
    os._exit(0)
"""
"""A worker that runs what it is sent as an ordinary user, under nothing but the container's own walls."""


@pytest.fixture
def inside(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function from code to what it found in a fresh container, and the container's process."""
    true_source = _docker_container.source_of

    def source_of(module: str) -> bytes:
        return PROBE.encode() if module == "_worker" else true_source(module)

    monkeypatch.setattr(_docker_container, "source_of", source_of)

    def run(code: str, *, whole: bool = False, keep: bool = False, wait_s: float = 20.0) -> Any:
        scratch = PROGRAM_SCRATCH_BYTES if whole else SCRATCH_BYTES
        shelf = Shelf()
        container = Container.launch(Shape(IMAGE, 64 << 20, whole=whole, scratch_bytes=scratch))
        pipes = Pipes()
        pid, uid = container.start(pipes, Birth(None, {}, ()))
        pipes.close_child_ends()
        process = ContainedProcess(container, pid, pipes, shelf)
        try:
            os.write(process.ask, f"{uid}\n{code}".encode())
            _hang_up(process)
            assert process.died(wait_s) is not None, "it did not end"
            found = json.loads(os.read(process.answer, 1 << 16))
        finally:
            process.close()
        if keep:
            return found, container, shelf
        shelf.release()
        container.close()
        return found

    return run


def _hang_up(process: ContainedProcess) -> None:
    """End the question pipe, leaving the descriptor's number in use until ``close``."""
    empty = os.open(os.devnull, os.O_WRONLY)
    os.dup2(empty, process.ask)
    os.close(empty)


def test_calls_that_no_candidate_needs_are_refused_by_the_container(inside: Any) -> None:
    found = inside("""
import ctypes, errno, os, socket, platform
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    return "allowed" if libc.syscall(number, *arguments) != -1 else errno.errorcode[ctypes.get_errno()]
X = platform.machine() == "x86_64"
numbers = dict(
    ptrace=(101, 117), process_vm_readv=(310, 270), process_vm_writev=(311, 271), pidfd_getfd=(438, 438),
    kcmp=(312, 272), io_uring_setup=(425, 425), bpf=(321, 280), userfaultfd=(323, 282), keyctl=(250, 219),
    add_key=(248, 217), perf_event_open=(298, 241), mount=(165, 40), umount2=(166, 39), pivot_root=(155, 41),
    chroot=(161, 51), unshare=(272, 97), setns=(308, 268), open_by_handle_at=(304, 265), fsopen=(430, 430),
    open_tree=(428, 428), move_mount=(429, 429), init_module=(175, 105), kexec_load=(246, 104),
    reboot=(169, 142), shmget=(29, 194), msgget=(68, 186), personality=(135, 92), mlockall=(151, 230),
    settimeofday=(164, 170), sethostname=(170, 161), memfd_create=(319, 279), clone3=(435, 435),
)
for name, number in numbers.items():
    found[name] = call(number[0 if X else 1], 0, 0, 0, 0, 0)
for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    found[f"clone {flag:x}"] = call(56 if X else 220, flag | 17, 0, 0, 0, 0)
for family in (16, 17, 38, 40, 9, 4):
    tries(f"socket {family}", lambda: socket.socket(family, socket.SOCK_RAW).close() or "allowed")
""")
    assert found.pop("clone3") == "ENOSYS"
    assert {name: what for name, what in found.items() if what not in ("EPERM", "PermissionError 1")} == {}
    assert len(found) > 40


def test_an_ordinary_program_can_do_ordinary_things(inside: Any) -> None:
    found = inside("""
import os, threading
def forks():
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def threads():
    seen = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start(); thread.join()
    return seen
def runs():
    return os.waitstatus_to_exitcode(os.spawnv(os.P_WAIT, "/bin/true", ["true"]))
tries("forks", forks)
tries("threads", threads)
tries("runs", runs)
""")
    assert found == {"forks": 7, "threads": [1], "runs": 0}


def test_nothing_of_this_machine_is_in_sight(inside: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s")
    found = inside(f"""
import os, socket
for path in ({str(secret)!r}, {str(Path(__file__).resolve())!r}, {str(Path.home() / ".cache")!r},
             "/var/run/docker.sock", "/run/containerd", "/dev/shm", "/dev/mem", "/dev/kmsg"):
    found[path] = os.path.exists(path)
found["host"] = socket.gethostname()
found["pids"] = len([name for name in os.listdir("/proc") if name.isdigit()])
found["links"] = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
found["environment"] = sorted(os.environ)
tries("kcore", lambda: open("/proc/kcore", "rb").read(1).decode())
tries("sysctl", lambda: open("/proc/sys/kernel/hostname", "w").write("x"))
tries("cgroup", lambda: os.mkdir("/sys/fs/cgroup/memory/mine"))
tries("supervisor", lambda: open("/proc/1/mem", "rb").read(1))
tries("supervisor's files", lambda: os.listdir("/proc/1/fd"))
tries("supervisor's root", lambda: os.listdir("/proc/1/root/"))
tries("kills the supervisor", lambda: os.kill(1, 9))
""")
    assert found.pop("host") == "sandbox"
    assert found.pop("pids") == 2
    assert found.pop("links") == ["lo"]
    assert found.pop("environment") == ["PYTHONHASHSEED"]
    assert found.pop("kcore") in ("", "PermissionError 13", "FileNotFoundError 2")
    refused = [found.pop(name) for name in list(found) if not name.startswith("/")]
    assert all(re.match(r"(PermissionError|OSError|FileNotFoundError) \d+", word) for word in refused), refused
    assert not any(found.values()), found


def test_the_network_is_not_there(inside: Any) -> None:
    found = inside("""
import socket
def connect(address):
    with socket.create_connection(address, timeout=2):
        return "connected"
tries("out", lambda: connect(("1.1.1.1", 53)))
tries("gateway", lambda: connect(("172.17.0.1", 80)))
tries("name", lambda: socket.getaddrinfo("example.com", 80) and "resolved")
""")
    assert all(re.match(r"(OSError|gaierror|ConnectionRefusedError|TimeoutError)", word) for word in found.values())


def test_files_disk_and_programs_have_their_walls(inside: Any) -> None:
    found = inside("""
import os
def fill():
    with open("/tmp/full", "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
def run_own():
    with open("/tmp/run", "w") as file:
        file.write("#!/bin/sh\\nexit 0\\n")
    os.chmod("/tmp/run", 0o4755)
    return os.execv("/tmp/run", ["run"])
tries("many", lambda: [open(f"/tmp/n{n}", "w") for n in range(5000)])
tries("fill", fill)
for path in ("/x", "/etc/x", "/usr/lib/x", "/opt/x", "/speciate/x", "/dev/x", "/run/x", "/var/tmp/x"):
    tries(path, lambda: open(path, "w").write("x"))
os.system("rm -f /tmp/full")
tries("run", run_own)
tries("device", lambda: os.mknod("/tmp/dev", 0o20666, os.makedev(1, 1)))
tries("become root", lambda: os.setuid(0))
tries("su", lambda: os.system("su -c true 2>/dev/null") or "became root")
""")
    assert found.pop("many") in ("OSError 24", "OSError 28")  # descriptors or inodes
    assert found.pop("fill") == "OSError 28"
    assert found.pop("su") != "became root"
    assert {word.partition(" ")[2] for word in found.values()} <= {"1", "2", "13", "30"}, found


def test_semaphores_of_a_program_work_and_are_cleared_away(inside: Any) -> None:
    found, container, shelf = inside(
        "import multiprocessing\nlock = multiprocessing.Lock()\n"
        "open('/dev/shm/left', 'w').write('x')\nopen('/tmp/left', 'w').write('x')\nfound['got'] = lock.acquire()\n",
        whole=True,
        keep=True,
    )
    assert found == {"got": True}
    assert os.listdir(f"/proc/{container.pid}/root/dev/shm") == []
    assert os.listdir(f"/proc/{container.pid}/root/tmp") == []
    shelf.release()


def test_a_fork_bomb_stops_and_leaves_the_container_clean(inside: Any) -> None:
    bomb = """
import os, time
started = 0
try:
    for _ in range(1000):
        if os.fork() == 0:
            os.setsid()
            time.sleep(3600)
        started += 1
except OSError as error:
    found["errno"] = error.errno
found["started"] = started
"""
    found, container, shelf = inside(bomb, keep=True)
    assert found["errno"] == 11
    assert found["started"] < 16
    assert shelf.idle() == [container]
    assert _inside_of(container.pid) == {container.pid}
    shelf.release()


def test_processes_that_outlive_their_parent_are_killed_and_reaped(inside: Any) -> None:
    daemon = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(0)
os.wait()
found["left"] = 1
"""
    _, container, shelf = inside(daemon, keep=True)
    assert shelf.idle() == [container]
    assert _inside_of(container.pid) == {container.pid}
    shelf.release()


def test_memory_of_all_processes_together_is_limited(inside: Any) -> None:
    found = inside("""
import os, time
children = []
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        block = bytearray(b"x") * (60 << 20)
        time.sleep(2)
        os._exit(0)
    children.append(pid)
found["killed"] = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9 for pid in children)
""")
    assert found["killed"] >= 1


def _inside_of(pid: int) -> set[int]:
    """Return the pids of all processes in the process table that ``pid`` is in."""
    space, found = os.readlink(f"/proc/{pid}/ns/pid"), set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/ns/pid") == space:
                found.add(int(name))
        except OSError:
            continue
    return found


def test_the_profile_denies_what_the_filters_deny_but_for_what_programs_need() -> None:
    rules = json.loads(profile())["syscalls"]
    denied = {name for rule in rules if "args" not in rule for name in rule["names"]}
    assert {"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "io_uring_setup"} <= denied
    assert {"bpf", "userfaultfd", "keyctl", "perf_event_open", "mount", "unshare", "setns", "clone3"} <= denied
    left = set(_seccomp.denied_at_launch()) - denied
    assert left == {
        *("fork", "vfork", "clone", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
        *("pidfd_open", "pidfd_send_signal", "socket", "socketpair", "sched_setaffinity"),
    }


@pytest.mark.parametrize("room", [None, Programs()])
def test_what_describe_says_is_stopped_is_said_of_a_container_that_works(
    docker: Docker, room: Room | None, quick: Limits
) -> None:
    with released(docker):
        docker.start(quick, room=room).close()
        said = " ".join(docker.describe())
    engine = _docker_engine.facts()
    assert f"engine {engine.version}" in said
    assert docker.identity()[:19] in said
    assert ("kernel without it" in said) is bool(engine.lacking)
    assert "another version" not in said


def test_an_image_with_another_python_says_so(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version", lambda: "3.99.1")
    assert "its Python is of another version than this one (3.99.1)" in " ".join(docker.describe())


def test_a_supervisor_that_stops_answering_costs_a_container_and_no_more(
    docker: Docker, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_docker_container, "_REPLY_WALL_S", 1.0)
    with released(docker):
        process = docker.start(quick)
        supervisor = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGSTOP)
        process.close()
        assert docker.idle() == []
        docker.start(quick).close()
