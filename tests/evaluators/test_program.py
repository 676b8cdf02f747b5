"""Whole programs in real rooms: every way one can end, and that nothing of it stays."""

import os
import re
import shutil

import pytest
from conftest import missing
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Limits,
    ProblemError,
    Sandbox,
    SandboxUnavailableError,
    SourceFile,
    Status,
)
from speciate.evaluators._program import ProgramInterface, RoomProgram, screen_files
from speciate.evaluators._room import Rooms

from .conftest import usable

PYTHON = ProgramInterface()
LIMITS = Limits(wall_s=60.0, cpu_s=5.0, start_wall_s=20.0, memory_bytes=256 << 20, output_bytes=256 << 10)
pytestmark = pytest.mark.usefixtures("nothing_left")


def candidate(text: str, language: str = "python", path: str = "main.py") -> Candidate:
    return Candidate(files=(SourceFile(path=path, text=text),), language=language)


def program(text: str, sandbox: Sandbox, interface: ProgramInterface = PYTHON, **limits: float) -> RoomProgram:
    rooms = Rooms(LIMITS.model_copy(update=limits), sandbox)
    return RoomProgram(candidate(text, interface.language, interface.entry), interface, rooms)


def fault(text: str, sandbox: Sandbox, interface: ProgramInterface = PYTHON, **limits: float) -> CandidateFault:
    with pytest.raises(CandidateFault) as caught:
        program(text, sandbox, interface, **limits).run()
    return caught.value


def test_a_program_reads_stdin_arguments_and_files_and_answers_on_stdout_and_in_files(whole: Sandbox) -> None:
    interface = ProgramInterface(outputs=("out/answer.bin", "never.txt"), environment={"LEVEL": "3"})
    text = """
import os, sys
os.mkdir("out")
open("out/answer.bin", "wb").write(bytes(range(256)))
print(sys.stdin.read(), sys.argv[1:], open("data/input.txt").read(), os.environ["LEVEL"])
print("told", file=sys.stderr)
"""
    ran = program(text, whole, interface).run(b"read", {"data/input.txt": b"filed"}, ["a b", "--c"])
    assert ran.text == "read ['a b', '--c'] filed 3\n"
    assert ran.stderr == "told\n"
    assert {path: file.content for path, file in ran.files.items()} == {"out/answer.bin": bytes(range(256))}
    assert ran.exit_code == 0
    assert 0 < ran.cpu_s < LIMITS.cpu_s
    assert 0 < ran.wall_s < LIMITS.wall_s
    assert ran.peak_bytes > 1 << 20


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("import sys; print('why', file=sys.stderr); sys.exit(3)", Status.CRASHED, r"exit code 3\nwhy"),
        ("raise ValueError('no')", Status.CRASHED, r"exit code 1\n.*ValueError: no"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Status.CRASHED, "died of SIGSEGV"),
        ("import os; os._exit(200)", Status.CRASHED, "exit code 200"),
        ("while True: pass", Status.TIMEOUT, "more than 0.5 CPU seconds"),
        ("import time; time.sleep(60)", Status.TIMEOUT, "not finished within 1 wall seconds"),
        ("print('x' * (1 << 20))", Status.OUTPUT_LIMIT, "printed more than the 262144 bytes"),
        ("import os\nwhile True: os.write(2, b'x' * 65536)", Status.OUTPUT_LIMIT, "printed more than"),
        ("open('big', 'wb').write(bytes(65 << 20))", Status.CRASHED, "OSError"),
        ("x = bytearray(1 << 30)", Status.OOM, "256 MiB"),
        ("for n in range(10**6): open(str(n), 'w')", Status.OUTPUT_LIMIT, "more than the 4096 files"),
    ],
)
def test_every_bad_end_has_its_word(text: str, status: Status, words: str, whole: Sandbox) -> None:
    limits = {"wall_s": 1.0} if "sleep" in text else {"cpu_s": 0.5} if "while True: pass" in text else {}
    found = fault(text, whole, **limits)
    assert found.status is status, found.detail
    assert re.search(words, found.detail, re.DOTALL), found.detail


def test_a_timeout_says_which_limit_cut_it_off(whole: Sandbox) -> None:
    slow = fault("import time; time.sleep(60)", whole, wall_s=0.5)
    busy = fault("while True: pass", whole, cpu_s=0.5)
    assert (slow.limit, slow.after_s) == ("wall_s", 0.5)
    assert (busy.limit, busy.after_s) == ("cpu_s", 0.5)


CPP = ProgramInterface(
    language="c++", entry="main.cpp", build=("g++", "-O1", "-o", "main", "{entry}"), run=("./main",), outputs=("log",)
)
ADDS = """
#include <fstream>
#include <iostream>
#include "weight.h"
int main(int count, char** words) {
    long sum = 0, next;
    while (std::cin >> next) sum += next * WEIGHT;
    std::ofstream("log", std::ios::app) << "ran\\n";
    std::cout << sum << " " << words[1] << std::endl;
}
"""


def compiled(text: str, sandbox: Sandbox) -> RoomProgram:
    if shutil.which("g++", path="/usr/local/bin:/usr/bin:/bin") is None:
        missing("there is no g++ on this machine to build a program with")
    files = (SourceFile(path="main.cpp", text=text), SourceFile(path="weight.h", text="#define WEIGHT 3"))
    return RoomProgram(Candidate(files=files, language="c++"), CPP, Rooms(LIMITS, sandbox))


def test_a_program_is_built_once_and_what_the_build_left_is_whole_in_every_run(bubblewrap: Sandbox) -> None:
    subject = compiled(ADDS, bubblewrap)
    subject.build()
    built = subject.cost
    first, second = subject.run(b"1 2 3", arguments=["a"]), subject.run(b"4", arguments=["b"])
    assert (first.text, second.text) == ("18 a\n", "12 b\n")
    assert first.files["log"].content == second.files["log"].content == b"ran\n"
    assert built.decisions == 1
    assert subject.cost.decisions == 3
    assert subject.cost.cpu_s > built.cpu_s > 0.01


def test_a_failed_build_is_invalid_and_tells_the_compilers_words(bubblewrap: Sandbox) -> None:
    subject = compiled("int main() { return nowhere; }", bubblewrap)
    for _ in range(2):
        with pytest.raises(CandidateFault, match=r"the build failed(?s:.*)nowhere") as caught:
            subject.run()
        assert caught.value.status is Status.INVALID
    assert subject.cost.decisions == 1


def test_a_c_program_that_runs_out_of_memory_is_oom(bubblewrap: Sandbox) -> None:
    with pytest.raises(CandidateFault) as caught:
        compiled("#include <vector>\nint main() { std::vector<char> v(1l << 40); return v[5]; }", bubblewrap).run()
    assert caught.value.status is Status.OOM


def test_a_build_in_python_makes_files_for_every_run(whole: Sandbox) -> None:
    interface = ProgramInterface(build=("python3", "{entry}", "build"), run=("python3", "{entry}", "run"))
    text = """
import os, stat, sys
if sys.argv[1] == "build":
    os.makedirs("made/deep")
    open("made/deep/table.txt", "w").write("7")
    open("made/tool", "w").write("#!/bin/sh\\necho tool\\n")
    os.chmod("made/tool", 0o700)
else:
    print(open("made/deep/table.txt").read(), os.popen("made/tool").read().strip())
    open("made/deep/table.txt", "w").write("8")
"""
    subject = program(text, whole, interface)
    assert [subject.run().text, subject.run().text] == ["7 tool\n", "7 tool\n"]
    assert fault("import sys; sys.exit(2)", whole, interface).status is Status.INVALID


def test_a_command_that_is_not_on_the_machine_is_not_the_candidates_fault(whole: Sandbox) -> None:
    with pytest.raises(ProblemError, match="no command fortran77 in the sandbox; install it"):
        program("", whole, ProgramInterface(run=("fortran77", "{entry}"))).run()
    assert fault("", whole, ProgramInterface(run=("./main",))).status is Status.CRASHED


def test_numpy_is_there_where_the_interface_says_so(whole: Sandbox) -> None:
    text = "import numpy; print(int(numpy.arange(5).sum()))"
    assert program(text, whole, ProgramInterface(packages=True)).run().text == "10\n"
    assert "No module named 'numpy'" in fault(text, whole).detail


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "a//b", ".", "a\0b", "/".join("a" * 20)])
def test_a_path_that_leaves_the_folder_is_refused_on_the_judges_side(path: str, whole: Sandbox) -> None:
    with pytest.raises(ValueError, match="expected the path of a file below its folder"):
        program("", whole).run(files={path: b""})
    with pytest.raises(ValueError, match="expected the path of a file below its folder"):
        ProgramInterface(outputs=(path,))


def test_a_workloads_file_does_not_replace_the_candidates(whole: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"candidate's own or built ones, got main.py"):
        program("", whole).run(files={"main.py": b"print('other')"})


def test_more_input_than_a_room_holds_is_the_problems_error(whole: Sandbox) -> None:
    with pytest.raises(ValueError, match="33554432 bytes together, they have 41943040"):
        program("", whole).run(b"x" * (40 << 20))


def test_a_megabyte_goes_in_and_comes_out(whole: Sandbox) -> None:
    text = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); open('out', 'wb').write(data)"
    data = os.urandom(3 << 20)
    ran = program(text, whole, ProgramInterface(outputs=("out",)), output_bytes=4 << 20).run(data)
    assert ran.stdout == data
    assert ran.files["out"].content == data


def test_all_runs_together_have_the_time_of_all_workloads(whole: Sandbox) -> None:
    limits = {"wall_s": 2.0, "start_wall_s": 0.1, "workloads": 1}
    subject = program("import time; time.sleep(1.6)", whole, **limits)
    subject.run()
    with pytest.raises(CandidateFault, match="not finished within") as caught:
        [subject.run() for _ in range(3)]
    assert caught.value.limit == "wall_s"
    assert subject.cost.decisions < 4


def test_the_weak_sandbox_runs_no_programs() -> None:
    with pytest.raises(SandboxUnavailableError, match="use bubblewrap or docker"):
        program("", usable("process")).run()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (candidate("print(1)"), None),
        (candidate("print(1)", language="c++"), r"expected a program in python, got one in c\+\+"),
        (candidate("print(1)", path="other.py"), "expected the first file to be main.py, got other.py"),
        (candidate("print("), "main.py, line 1: "),
        (candidate("x" * 70_000), "at most 65536 bytes, it has 70000"),
        (candidate("x = '\udcff'"), "UTF-8"),
        (Candidate(files=(SourceFile(path="main.py", text=""),) * 2), "2"),
        (Candidate(files=(SourceFile(path="main.py", text=""), SourceFile(path="../x", text=""))), "below its folder"),
    ],
)
def test_what_the_text_alone_tells(given: Candidate, reason: str | None) -> None:
    found = screen_files(given, PYTHON, LIMITS)
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert found.status is Status.INVALID
        assert re.search(reason, found.detail)


def test_the_brief_tells_how_a_program_is_built_and_run() -> None:
    told = CPP.description()
    assert "`g++ -O1 -o main main.cpp`" in told
    assert "`./main`" in told
    assert CPP.signatures() == ("main.cpp",)


def test_ordinary_parallel_python_works(bubblewrap: Sandbox) -> None:
    text = """
import concurrent.futures, multiprocessing, subprocess, tempfile
def square(n): return n * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(square, range(10))))
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        print(sum(threads.map(square, range(10))))
    with tempfile.TemporaryDirectory() as folder:
        print(subprocess.getoutput(f"cd {folder} && echo hello | tr a-z A-Z"))
"""
    assert program(text, bubblewrap).run().text.split() == ["285", "285", "HELLO"]
