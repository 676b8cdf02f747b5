"""Programs that attack their room: none gets out, stays behind, or takes more than its share."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from speciate.evaluators import Sandbox, Status
from speciate.evaluators._program import ProgramInterface

from .test_program import fault, program
from .test_sandbox import _version as version

pytestmark = pytest.mark.usefixtures("nothing_left")
HOUSE = Path(__file__).parent.parent.parent
PRIVATE = [str(HOUSE), str(HOUSE / "evaluators"), "/home", "/etc/shadow", "/etc/passwd", "/var", "/sys", "/run"]


def says(text: str, sandbox: Sandbox, interface: ProgramInterface | None = None) -> str:
    return program(text, sandbox, interface or ProgramInterface()).run().text.strip()


def test_a_fork_bomb_ends_at_the_limit_of_processes(whole: Sandbox) -> None:
    bomb = """
import os
count = 0
try:
    while True:
        if os.fork() == 0:
            import time; time.sleep(60)
        count += 1
except BlockingIOError:
    print(count)
"""
    assert 32 <= int(says(bomb, whole)) < 64


def test_a_fork_bomb_that_does_not_stop_is_stopped(whole: Sandbox) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    found = fault(bomb, whole, cpu_s=1.0, wall_s=3.0)
    assert found.status is Status.TIMEOUT


def test_threads_count_as_processes(whole: Sandbox) -> None:
    bomb = """
import threading, time
threading.stack_size(1 << 18)
count = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        count += 1
except RuntimeError:
    print(count, flush=True)
    import os; os._exit(0)
"""
    assert 32 <= int(says(bomb, whole)) < 64


@pytest.mark.parametrize(
    "escape",
    [
        "if os.fork() == 0: time.sleep(600)",
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)",
        "if os.fork() == 0:\n    for n in range(1, 32):\n        if n not in (9, 19): signal.signal(n, signal.SIG_IGN)"
        "\n    time.sleep(600)",
        "if os.fork() == 0:\n    os.close(1); os.close(2)\n    while True: time.sleep(1)",
    ],
)
def test_what_a_program_leaves_running_ends_with_it(escape: str, whole: Sandbox) -> None:
    # Waited for, it would have ended as a timeout.
    assert says(f"import os, signal, time\nprint('done', flush=True)\n{escape}", whole) == "done"


def test_cpu_seconds_of_children_and_orphans_count(whole: Sandbox) -> None:
    burn = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    child = f"import os, time\nif os.fork() == 0:\n{_indented(burn)}\n    os._exit(0)\nos.wait()"
    twice = _indented(_indented(burn))
    orphan = f"import os, time\nif os.fork() == 0:\n    if os.fork() == 0:\n{twice}\n    os._exit(0)\ntime.sleep(1.5)"
    for text in (child, orphan):
        assert program(text, whole).run().cpu_s > 0.3
    many = "import os, time\nfor n in range(8):\n    if os.fork() == 0:\n        while True: pass\ntime.sleep(60)"
    found = fault(many, whole, cpu_s=1.0)
    assert (found.status, found.limit) == (Status.TIMEOUT, "cpu_s")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def test_memory_of_many_children_is_summed(whole: Sandbox) -> None:
    greedy = """
import os, time
for n in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(1 << 20)) * 60
        time.sleep(60)
time.sleep(60)
"""
    assert fault(greedy, whole).status is Status.OOM


def test_memory_shared_after_a_fork_is_counted_once(whole: Sandbox) -> None:
    frugal = """
import os, time
held = b"x" * (60 << 20)
for n in range(8):
    if os.fork() == 0:
        time.sleep(1.0)
        os._exit(0)
for n in range(8): os.wait()
print("done")
"""
    assert says(frugal, whole) == "done"


def test_shared_memory_that_no_process_limit_counts_is_counted(whole: Sandbox) -> None:
    shared = "import mmap, time\nm = mmap.mmap(-1, 1 << 30)\nfor n in range(0, 1 << 30, 4096): m[n] = 1\ntime.sleep(60)"
    assert fault(shared, whole).status is Status.OOM


def test_a_sparse_file_costs_its_writer_and_not_the_judge(whole: Sandbox) -> None:
    sparse = "open('out', 'wb').truncate(1 << 40)"
    assert fault(sparse, whole, ProgramInterface(outputs=("out",))).status is Status.CRASHED
    large = "open('out', 'wb').truncate(60 << 20)"
    found = fault(large, whole, ProgramInterface(outputs=("out",)))
    assert found.status is Status.OUTPUT_LIMIT
    assert "still allowed" in found.detail


def test_only_regular_files_of_the_own_folder_are_answers(whole: Sandbox) -> None:
    names = ("link", "folder/inside", "pipe", "directory", "closed", "plain")
    tricks = """
import os
os.symlink("/proc/self/environ", "link")
os.symlink("/etc", "folder")
os.mkfifo("pipe")
os.mkdir("directory")
open("closed", "w").write("x"); os.chmod("closed", 0)
open("plain", "w").write("x")
"""
    ran = program(tricks, whole, ProgramInterface(outputs=names)).run()
    assert set(ran.files) == {"plain"}


@pytest.mark.parametrize(
    "end",
    [
        "os.chmod('.', 0)",
        "os.rename('/tmp/work', '/tmp/other')",
        "os.rename('/tmp/work', '/tmp/other'); os.symlink('/etc', '/tmp/work')",
        "os.chmod('/tmp/work', 0o400)",
        "os.makedirs('/'.join(['deep'] * 200)); os.chmod('deep', 0o100)",
    ],
)
def test_a_folder_that_is_gone_or_shut_answers_nothing(end: str, whole: Sandbox) -> None:
    interface = ProgramInterface(outputs=("ld.so.cache", "out"), build=("python3", "{entry}"), run=("true",))
    text = f"import os\nopen('out', 'w').close()\nos.chmod('out', 0)\n{end}"
    assert program(text, whole, interface).run().files == {}


def test_a_program_sees_nothing_of_the_project_and_of_this_machines_people(whole: Sandbox) -> None:
    # An image has folders of its own under these names; a room of bubblewrap has nothing there.
    private = PRIVATE[:2] if whole.name == "docker" else PRIVATE
    look = f"""
import os
seen = [path for path in {private!r} if os.path.exists(path)]
found = [os.path.join(top, name) for top, folders, names in os.walk("/", followlinks=False)
         for name in names if not top.startswith("/proc") and name in ("_ladder.py", "DESIGN.md", "id_rsa")]
processes = [name for name in os.listdir("/proc") if name.isdigit()]
try:
    memory = open("/proc/1/mem", "rb") and "open"
except OSError as error:
    memory = type(error).__name__
try:
    environment = open("/proc/1/environ", "rb").read()
except OSError as error:
    environment = type(error).__name__
print(seen, found, len(processes), memory, environment, sorted(os.environ))
"""
    told = says(look, whole)
    keys = ["HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONHASHSEED", "TMPDIR"]  # LC_CTYPE is Python's own doing
    alone = 3 if whole.name == "docker" else 2
    assert re.fullmatch(rf"\[\] \[\] {alone} PermissionError PermissionError {re.escape(str(keys))}", told), told


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.socketpair()",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1')",
        "import os; os.unshare(0x10000000)" if hasattr(os, "unshare") else "call(272, 0x10000000)",
        "call(56, 0x10000000 | 17, 0, 0, 0, 0)",  # clone with a user namespace
        "call(435, 0, 0)",  # clone3
        "call(101, 16, 1, 0, 0)",  # ptrace attach
        "call(310, 1, 0, 0, 0, 0, 0)",  # process_vm_readv
        "call(438, 3, 0, 0)",  # pidfd_getfd
        "call(425, 8, 0)",  # io_uring_setup
        "call(165, b'none', b'/tmp', b'tmpfs', 0, 0)",  # mount
        "call(321, 0, 0, 0)",  # bpf
        "call(323, 0)",  # userfaultfd
        "call(250, 0, 0, 0, 0)",  # keyctl
        "call(298, 0, 0, 0, 0, 0)",  # perf_event_open
        "call(319, b'x', 0)",  # memfd_create
        "call(302, 1, 7, 0, 0)",  # prlimit64 on the runner
        "import os; os.setuid(0)",
        "import os; os.chroot('/tmp')",
        "import os; os.kill(1, 9); os.sched_setaffinity(0, {0})",
        "open('/usr/bin/x', 'w')",
        "open('/x', 'w')",
        "open('/proc/sys/kernel/hostname', 'w').write('x')",
        "import os; os.utime('/dev/null', (0, 0))",
    ],
)
def test_a_program_is_refused(attempt: str, whole: Sandbox) -> None:
    text = f"""
import ctypes
def call(*arguments):
    if ctypes.CDLL(None, use_errno=True).syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")
try:
    {attempt}
except OSError as error:
    print("refused", error.errno)
"""
    if os.uname().machine != "x86_64" and "call(" in attempt:
        pytest.skip("the numbers are those of x86_64")
    assert re.fullmatch(r"refused (1|13|30|38|None)", says(text, whole))


def test_a_program_cannot_end_its_runner(whole: Sandbox) -> None:
    attack = """
import os, signal
for number in range(1, 65):
    if number in (signal.SIGKILL, signal.SIGSTOP): continue
    try:
        os.kill(1, number)
    except OSError:
        pass
for number in (signal.SIGKILL, signal.SIGSTOP):
    try:
        os.kill(1, number)
    except OSError:
        pass
try:
    os.kill(-1, signal.SIGKILL)
except OSError:
    pass
print("alive")
"""
    assert says(attack, whole) == "alive"


def test_nothing_of_one_run_is_there_in_the_next(whole: Sandbox) -> None:
    text = """
import os, sys
print(sorted(os.listdir("."))), print(sorted(os.listdir("/tmp")))
open("note", "w"), open("/tmp/note", "w")
if os.path.exists("/dev/shm"): open("/dev/shm/note", "w")
for _ in range(7):
    if os.fork() == 0: os._exit(0)
    os.wait()
open("main.py", "a").write("print('changed')")
"""
    subject = program(text, whole)
    assert subject.run().stdout == subject.run().stdout


ROOTLESS = """
import os, sys
sys.path[:0] = sys.argv[1:]
from speciate.evaluators import Candidate, CandidateFault, Limits, ProgramInterface, SourceFile, sandbox_named
from speciate.evaluators._program import RoomProgram
from speciate.evaluators._room import Rooms
def belongings():
    held = len(os.listdir("/proc/self/fd"))
    return held, open(f"/proc/self/task/{os.getpid()}/children").read()
before = belongings()
def ran(text):
    rooms = Rooms(Limits(memory_bytes=256 << 20, wall_s=5), sandbox_named("bubblewrap"))
    try:
        return RoomProgram(Candidate.from_source(text, path="main.py"), ProgramInterface(), rooms).run().text.strip()
    except CandidateFault as fault:
        return str(fault.status)
print(ran("import os; print(os.getuid())"))
print(ran(sys.stdin.read().partition("CUT")[0]))
print(ran("import os, time\\nif os.fork() == 0: os.setsid(); time.sleep(600)\\nprint('left')"))
print(ran("import ctypes; print(ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0))"))
print(ran("x = bytearray(1 << 30)"))
print(belongings() == before)
"""
BOMB = """
import os
count = 0
try:
    while True:
        if os.fork() == 0:
            import time; time.sleep(60)
        count += 1
except BlockingIOError:
    print(32 <= count <= 64)
try:
    open("/proc/1/mem")
except PermissionError:
    print("hidden")
import signal
for number in range(1, 65):
    try: os.kill(1, number)
    except OSError: pass
"""


def test_rooms_hold_without_root_as_well(whole: Sandbox) -> None:
    """The system's Python, run as nobody: one user id, so the runner is out of reach by other means."""
    python = shutil.which("python3", path="/usr/bin")
    if os.geteuid() != 0:
        pytest.skip("these tests already run without root")
    if python is None or version(python) != list(sys.version_info[:2]):
        pytest.skip("no /usr/bin/python3 of the same version for an ordinary user to run")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [python, "-c", ROOTLESS, str(HOUSE / "typing"), *packages],
        input=BOMB,
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
    assert done.stdout.split() == ["65534", "True", "hidden", "left", "-1", "oom", "True"], done.stderr


def test_not_even_a_counter_tells_a_run_of_the_one_before(bubblewrap: Sandbox) -> None:
    text = "import os\nprint(os.getpid(), os.stat('main.py').st_ino)\nfor n in range(9): os.fork() or os._exit(0)"
    subject = program(text, bubblewrap)
    assert subject.run().stdout == subject.run().stdout
