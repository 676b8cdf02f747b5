"""What the judge's tests share: a small interface, sandboxes that work here, and proof that nothing is left."""

import gc
import os
import threading
from collections.abc import Collection, Iterator

import pytest
from speciate.evaluators import (
    Answer,
    Argument,
    Hook,
    Limits,
    PolicyInterface,
    Quantity,
    Record,
    Sandbox,
    SandboxUnavailableError,
    sandbox_named,
)
from speciate.evaluators.sandbox import Docker
from support.docker_engine import docker_sandbox, engine_pids
from support.postgres import server_pids

ROWS = 3


def record(name: str, *fields: str) -> Record:
    return Record(name=name, quantities=tuple(Quantity(name=field) for field in fields))


@pytest.fixture(scope="session")
def one_hook() -> PolicyInterface:
    """``choose(view)`` with a table of replicas; answers an index of a row, or HOLD."""
    view = Argument(
        name="view",
        record=record("View", "time", "load"),
        table="replicas",
        row=record("Replica", "speed", "queue"),
    )
    answer = Answer(kind="integer", low=-1, high="rows-1")
    return PolicyInterface(hooks=(Hook(name="choose", arguments=(view,), answer=answer),), constants={"HOLD": -1.0})


@pytest.fixture(scope="session")
def two_hooks(one_hook: PolicyInterface) -> PolicyInterface:
    """``key(request)``, any number, and ``place(head, view)``, an index of a row."""
    request = Argument(name="request", record=record("Request", "prompt", "output"))
    head = Argument(name="head", record=record("Head", "prompt", "waited"))
    key = Hook(name="key", arguments=(request,), answer=Answer(kind="number"))
    choose = one_hook.hook("choose")
    place = Hook(name="place", arguments=(head, *choose.arguments), answer=choose.answer)
    return PolicyInterface(hooks=(key, place), constants=one_hook.constants)


@pytest.fixture(scope="session")
def quick() -> Limits:
    """Limits short enough to wait for."""
    return Limits(
        wall_s=20.0,
        cpu_s=10.0,
        decision_wall_s=5.0,
        start_wall_s=5.0,
        memory_bytes=256 << 20,
        output_bytes=256 << 10,
    )


def usable(name: str) -> Sandbox:
    """Return the sandbox; skip with the reason where it is missing, fail in CI."""
    try:
        found = docker_sandbox() if name == "docker" else sandbox_named(name)
    except SandboxUnavailableError as error:
        found = str(error)
    if not isinstance(found, str):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {found}")
    pytest.skip(found)


@pytest.fixture(scope="session", params=["docker", "bubblewrap", "process"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return usable(request.param)


@pytest.fixture(scope="session", params=["docker", "bubblewrap"])
def whole(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox that has rooms for whole programs."""
    return usable(request.param)


@pytest.fixture
def kind(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name by which a ``JudgeTask`` asks for the sandbox under test."""
    if isinstance(sandbox, Docker):
        monkeypatch.setenv("SPECIATE_SANDBOX_IMAGE", sandbox.image)
    return sandbox.name


@pytest.fixture(scope="session")
def bubblewrap() -> Sandbox:
    return usable("bubblewrap")


@pytest.fixture(scope="session")
def docker() -> Docker:
    sandbox = usable("docker")
    assert isinstance(sandbox, Docker)
    return sandbox


def belongings() -> tuple[set[str], set[int], set[str]]:
    """Return what this process holds: descriptors with what they point at, children, threads.

    Warm containers that wait for a candidate are not counted: the next one may be another. Nor are the servers that
    tests of other files may have started, Docker's engine and PostgreSQL: they run helpers of their own at any time.
    """
    held = set()
    warm = {str(container.link.fileno()) for container in Docker().idle()}
    for number in set(os.listdir("/proc/self/fd")) - warm:
        try:
            held.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return held, children(os.getpid(), engine_pids() | server_pids()), {thread.name for thread in threading.enumerate()}


def children(parent: int, but: Collection[int] = ()) -> set[int]:
    """Return the pids of all descendants of ``parent``, zombies included, without those of ``but`` and below."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, fresh = set(), {parent}
    while fresh:
        fresh = {pid for pid, above in parents.items() if above in fresh and pid not in but} - found
        found |= fresh
    return found


@pytest.fixture(autouse=True, scope="module")
def _nobody_elses_garbage() -> None:
    """Free what tests of other modules dropped, so that it does not go while a test here counts descriptors."""
    gc.collect()


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail a test that leaves a process, a thread or a descriptor behind."""
    before = belongings()
    yield
    # What an earlier test kept may end meanwhile; nothing may come.
    left = tuple(now - then for now, then in zip(belongings(), before, strict=True))
    assert left == (set(), set(), set())
