"""Workers forked from a process that has loaded modules: as sealed as fresh ones, one after the other."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from speciate.evaluators import Limits, PolicyInterface, Sandbox
from speciate.evaluators.sandbox import Bubblewrap, Room, SandboxProcess, Worker
from speciate.evaluators.sandbox._nurseries import release
from support.corpus import ANYWHERE, CORPUS, FILES

from .conftest import belongings, children
from .test_hostile import HONEST, outcome

ROOM = Worker(loaded=("decimal",), environment=(("SPECIATE_LOADED", "yes"),))
ATTACKS = (
    *("leaves_something_behind", "changes_files", "writes_the_judges_memory", "searches_memory_for_secrets"),
    *("kills_others", "kills_itself", "forks_every_way", "traces_others", "raises_its_privileges", "makes_namespaces"),
    *("replaces_the_worker", "writes_garbage_everywhere", "closes_everything", "asks_the_kernel_for_more"),
    "exits_hard",
)
LOADED = """
import os, sys
loaded = sys.modules["decimal"]
SEEN = os.environ["SPECIATE_LOADED"] == "yes" and not hasattr(loaded, "mark")
loaded.mark = True
def choose(view):
    return 0 if SEEN and not os.access("/tmp", os.W_OK) else 99
"""


class Nursed(Bubblewrap):
    """Forks every worker from a process that has a module loaded."""

    def start(
        self, limits: Limits, cpu: int | None = None, room: Room | None = None, shared: int | None = None
    ) -> SandboxProcess:
        return super().start(limits, cpu, ROOM, shared)


@pytest.fixture(scope="module")
def nursed(bubblewrap: Sandbox) -> Iterator[Sandbox]:
    before = belongings()
    found = Nursed()
    found.start(Limits()).close()
    yield found
    release()
    left = tuple(now - then for now, then in zip(belongings(), before, strict=True))
    assert left == (set(), set(), set())


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_reaches_neither_the_process_that_forks_nor_the_next(
    name: str, nursed: Sandbox, one_hook: PolicyInterface, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECIATE_TEST_SECRET", "sk-do-not-show-this-to-anyone")
    before = belongings()
    source = (CORPUS / f"{name}.py").read_text(encoding="utf-8")
    for _ in range(2):
        status, detail, _ = outcome(source, one_hook, quick, nursed)
        assert status in (ANYWHERE | FILES)[name].split("|"), detail
    assert outcome(HONEST, one_hook, quick, nursed)[::2] == ("ok", [1.0, -1.0, 0.0, 2.0] * 4)
    assert belongings() == before


def test_modules_are_there_each_time_as_they_were_loaded(
    nursed: Sandbox, one_hook: PolicyInterface, quick: Limits
) -> None:
    for _ in range(2):
        assert outcome(LOADED, one_hook, quick, nursed)[0] == "ok"


def test_how_a_worker_ended_is_told_and_the_next_is_another(nursed: Sandbox, quick: Limits) -> None:
    before = children(os.getpid())
    first = nursed.start(quick)
    second = nursed.start(quick)
    keepers = children(os.getpid()) - before - {first.pid, second.pid}
    assert first.pid != second.pid
    assert len(keepers) == 2  # One worker at a time: another bwrap and its process have come.
    os.kill(first.pid, signal.SIGSEGV)
    assert first.died(5.0) == 128 + signal.SIGSEGV
    assert second.died(0.01) is None
    for each in (first, second, second):
        each.close()
    third = nursed.start(quick)
    assert third.pid not in (first.pid, second.pid)
    assert children(os.getpid()) - before - {third.pid} == keepers
    third.close()


def test_a_process_that_forks_belongs_to_its_thread(nursed: Sandbox, quick: Limits) -> None:
    before = belongings()[1]

    def judge() -> None:
        nursed.start(quick).close()

    thread = threading.Thread(target=judge)
    thread.start()
    thread.join()
    assert belongings()[1] == before
