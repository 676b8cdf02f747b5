"""What ``doctor`` says of each sandbox, clause by clause: what is not stopped is done, what is stopped attacked."""

import os
import re

import pytest
from speciate.evaluators import Candidate, Limits, PolicyInterface, Sandbox, open_policy
from speciate.evaluators._program import ProgramInterface
from speciate.evaluators.sandbox import _process
from support.corpus import ANYWHERE, FILES

from .conftest import ROWS, usable
from .test_program import program

WITHOUT_LANDLOCK = {
    "reading every file that all may read (it drops root for an unused id)": "open('/etc/passwd').read(9)",
    "any file you can read or change": "open('/etc/passwd').read(9)",
    "through /proc the judge's own memory": "open(f'/proc/{JUDGE}/maps').read(9)",
}
"""The first or the others, depending on who may read Python's library."""
PASSED = {
    "docker": {
        "reading the image's files": "open('/etc/passwd').read(9)",
        "what /proc and /sys tell about the machine": "open('/proc/cpuinfo').read(9); os.listdir('/sys/devices')",
        "the clock": "assert time.time() > 1.7e9",
    },
    "bubblewrap": {
        "reading this machine's shared libraries and Python's library": "open(os.__file__).read(9)",
        "the clock": "assert time.time() > 1.7e9",
    },
    "process": {
        **WITHOUT_LANDLOCK,
        "whatever a single layer misses": "assert os.getpid() > 2 and os.getppid() == JUDGE",
        "it has no namespaces": "assert os.uname().nodename == HOST",
    },
}
"""What each sandbox may say that it does not stop, and a candidate that does it."""
PASSED_WHOLE = {
    "bubblewrap": {
        "a whole program: its compilers and tools": "subprocess.run(['env', 'true'], check=True)",
        "what /proc tells of processor and memory": "open('/proc/cpuinfo').read(9); open('/proc/meminfo').read(9)",
    }
}
"""The same of whole programs."""
NOT_SHOWN = ("bugs in the kernel or the engine", "bugs in the kernel", "is no security boundary")
CONDITIONAL = re.compile(r"kernel without it|engine without seccomp|its Python is of another version")
"""What only some machines are told; met where the engine's facts are tested."""

STOPPED = {
    "network": ("opens_a_socket", "connects_to_loopback", "asks_the_name_server"),
    "your files": ("looks_for_the_project", "changes_files"),
    "files": ("changes_files",),
    "other processes": ("kills_others", "traces_others", "writes_the_judges_memory"),
    "environment": ("reads_the_environment", "reads_the_inherited_environment_block"),
    "new processes": ("forks", "forks_every_way", "starts_a_program"),
    "threads": ("starts_a_thread",),
    "sockets": ("opens_a_unix_socket", "makes_a_socket_pair", "opens_an_io_ring"),
    "signals": ("kills_others",),
    "ptrace": ("traces_others",),
    "privileges": ("raises_its_privileges", "makes_namespaces"),
    "memory": ("allocates_without_end", "allocates_at_once"),
    "processes": ("forks",),
    "CPU of the whole container": ("loops_in_hook",),
    "CPU seconds": ("burns_cpu_between_answers", "loops_in_c_power"),
    "wall seconds": ("sleeps", "ignores_signals_and_sleeps"),
    "file size": ("writes_a_huge_file", "writes_a_sparse_file"),
    "open files": ("opens_too_many_files",),
    "output": ("floods_stdout", "floods_stderr"),
}
"""Attacks of the corpus for each thing that a sandbox may say it stops or limits."""
OF_PROGRAMS = "a whole program"
"""How a line begins whose subject are programs, with attacks of their own."""


def said_of(sandbox: Sandbox, beginning: str) -> list[str]:
    lines = [line.removeprefix(beginning) for line in sandbox.describe() if line.startswith(beginning)]
    return [line.strip() for line in lines if not CONDITIONAL.search(line)]


def test_everything_that_is_said_not_to_be_stopped_is_done_here(sandbox: Sandbox) -> None:
    rest = " ".join(said_of(sandbox, "does not stop:"))
    assert rest
    shown = PASSED[sandbox.name] | PASSED_WHOLE.get(sandbox.name, {})
    for statement in (*shown, *NOT_SHOWN):
        rest = rest.replace(statement, "")
    assert set(re.findall(r"\w+", rest)) <= {"and"}, rest


def test_everything_that_is_said_to_be_stopped_has_an_attack_in_the_corpus(sandbox: Sandbox) -> None:
    lines = [
        re.sub(r"\(.*?\)|, but for .*", "", line) for kind in ("stops:", "limits:") for line in said_of(sandbox, kind)
    ]
    clauses = {
        c.strip().removeprefix("the ") for line in lines if OF_PROGRAMS not in line for c in re.split(r",| and ", line)
    }
    assert len(clauses) >= 10
    assert clauses <= set(STOPPED)
    assert {attack for clause in clauses for attack in STOPPED[clause]} <= set(ANYWHERE | FILES)


@pytest.mark.parametrize(("kind", "statement"), [(kind, each) for kind, found in PASSED.items() for each in found])
def test_what_a_sandbox_says_it_does_not_stop_it_does_not(
    kind: str, statement: str, one_hook: PolicyInterface, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = usable(kind)
    if statement in WITHOUT_LANDLOCK:
        monkeypatch.setattr(_process, "landlock_version", lambda: 0)
    if statement not in " ".join(sandbox.describe()):
        pytest.skip(f"{kind} does not say so on this machine")
    head = f"import os, time\nHOST, JUDGE = {os.uname().nodename!r}, {os.getpid()}\n"
    source = f"{head}{PASSED[kind][statement]}\ndef choose(view):\n    return 1\n"
    with open_policy(Candidate.from_source(source), one_hook, quick, sandbox) as policy:
        policy.begin(ROWS)
        assert policy.hook("choose")((0.0, 9.0, 1.0, 4.0, 2.0, 2.0, 4.0, 8.0)) == 1.0


@pytest.mark.parametrize("statement", PASSED_WHOLE["bubblewrap"])
def test_what_it_does_not_stop_a_whole_program_from_it_does_not(statement: str, bubblewrap: Sandbox) -> None:
    text = f"import os, subprocess\n{PASSED_WHOLE['bubblewrap'][statement]}\nprint('done')\n"
    assert program(text, bubblewrap, ProgramInterface()).run().text == "done\n"
