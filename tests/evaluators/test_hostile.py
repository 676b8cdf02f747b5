"""The hostile corpus: what each attack ends as, and that it touches nothing but its own evaluation.

A candidate that probes a wall answers 0 where it was refused and 99, which is out of range, where it got
through: ``ok`` below means that the attack failed and the candidate went on to answer.
"""

import os
import subprocess
import sys

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Limits,
    PolicyInterface,
    Sandbox,
    SandboxError,
    open_policy,
)
from support.corpus import ANYWHERE, BARE_ROOT, CORPUS, FILES

from .conftest import ROWS, belongings, children, usable

HONEST = """
def choose(view):
    best, at = view.load, HOLD
    for index, replica in enumerate(view.replicas):
        if replica.queue / replica.speed < best:
            best, at = replica.queue / replica.speed, index
    return at
"""
OBSERVATIONS = [
    (0.0, 9.0, 1.0, 4.0, 2.0, 2.0, 4.0, 8.0),
    (1.0, 0.5, 1.0, 4.0, 2.0, 2.0, 4.0, 8.0),
    (2.0, 9.0, 1.0, 0.0, 2.0, 2.0, 4.0, 8.0),
    (3.0, 9.0, 1.0, 4.0, 2.0, 4.0, 4.0, 4.0),
]


def outcome(
    source: str, interface: PolicyInterface, limits: Limits, sandbox: Sandbox
) -> tuple[str, str, list[float]]:
    """Judge one episode and return status, detail and the answers given."""
    answers: list[float] = []
    with open_policy(Candidate.from_source(source), interface, limits, sandbox) as policy:
        try:
            policy.begin(ROWS)
            choose = policy.hook("choose")
            answers.extend(choose(values) for values in OBSERVATIONS * 4)
        except CandidateFault as fault:
            return str(fault.status), fault.detail, answers
        except SandboxError as error:
            return "sandbox_error", str(error), answers
    return "ok", "", answers


def test_every_file_of_the_corpus_has_an_expected_status() -> None:
    assert {path.stem for path in CORPUS.glob("*.py")} == set(ANYWHERE | FILES)


def test_a_process_that_is_left_is_seen_at_any_depth_and_not_what_an_engine_runs() -> None:
    held, before, threads = belongings()
    nested = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); input()"
    command = [sys.executable, "-c", nested]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as left:
        assert left.stdout is not None
        helper = int(left.stdout.readline())
        assert belongings()[1] - before == {left.pid, helper}
        assert not {left.pid, helper} & children(os.getpid(), {left.pid})
        os.kill(helper, 9)
        left.kill()
    assert belongings() == (held, before, threads)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("docker", name) for name in ANYWHERE | FILES if name not in BARE_ROOT),
        *(("bubblewrap", name) for name in ANYWHERE | FILES),
        *(("process", name) for name in ANYWHERE),
    ],
)
def test_an_attack_costs_its_own_evaluation_and_nothing_else(
    kind: str, name: str, one_hook: PolicyInterface, quick: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECIATE_TEST_SECRET", "sk-do-not-show-this-to-anyone")
    sandbox = usable(kind)
    before = belongings()
    source = (CORPUS / f"{name}.py").read_text(encoding="utf-8")

    status, detail, _ = outcome(source, one_hook, _limits(name, quick), sandbox)

    assert status in (ANYWHERE | FILES)[name].split("|"), detail
    assert len(detail) <= 4000
    assert belongings() == before
    assert outcome(HONEST, one_hook, quick, sandbox)[::2] == ("ok", [1.0, -1.0, 0.0, 2.0] * 4)
    assert belongings() == before


@pytest.mark.parametrize("name", sorted(BARE_ROOT))
def test_what_docker_says_it_does_not_stop_it_does_not(
    name: str, one_hook: PolicyInterface, quick: Limits, docker: Sandbox
) -> None:
    """A container shows its image's files: true, and said."""
    source = (CORPUS / f"{name}.py").read_text(encoding="utf-8")
    assert outcome(source, one_hook, quick, docker)[0] == "protocol"
    assert "does not stop: reading the image's files" in " ".join(docker.describe())


def _limits(name: str, quick: Limits) -> Limits:
    """Return shorter limits for the attacks that have to be waited for."""
    if name == "burns_cpu_between_answers":
        return quick.model_copy(update={"cpu_s": 0.2})
    if "timeout" in (ANYWHERE | FILES)[name]:
        return quick.model_copy(update={"start_wall_s": 0.4, "decision_wall_s": 0.4})
    return quick


def test_nothing_of_a_candidate_outlives_its_process(
    one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    source = (CORPUS / "leaves_something_behind.py").read_text(encoding="utf-8")
    for _ in range(3):
        assert outcome(source, one_hook, quick, bubblewrap)[0] == "ok"
