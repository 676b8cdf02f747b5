"""The hostile corpus: what each attack ends as, and that it touches nothing but its own evaluation.

A candidate that probes a wall answers 0 where it was refused and 99, which is out of range, where it got
through: ``ok`` below means that the attack failed and the candidate went on to answer.
"""

from pathlib import Path

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

from .conftest import ROWS, belongings, usable

CORPUS = Path(__file__).parent.parent / "hostile"

LOOPS = {
    "loops_at_import": "timeout",
    "loops_in_hook": "timeout",
    "loops_in_c_power": "timeout",
    "loops_in_c_regex": "timeout",
    "burns_cpu_between_answers": "timeout",
    "sleeps": "timeout",
    "ignores_signals_and_sleeps": "timeout",
    "closes_everything_and_sleeps": "timeout|protocol",
    "forges_half_a_detail": "timeout",
}
EXITS = {
    "exits_politely": "protocol",
    "exits_at_import": "protocol",
    "exits_hard": "protocol",
    "exits_like_a_killed_process": "crashed",
}
RESOURCES = {
    "allocates_without_end": "oom",
    "allocates_at_once": "oom",
    "allocates_beside_the_limit": "ok",
    "floods_stdout": "output_limit",
    "floods_stderr": "output_limit",
    "floods_in_passing": "output_limit",
    "opens_too_many_files": "crashed",
    "reads_stdin": "crashed",
}
PROCESSES = {
    "forks": "crashed",
    "forks_every_way": "ok",
    "starts_a_thread": "crashed",
    "starts_a_program": "crashed",
    "becomes_a_program": "crashed",
    "kills_others": "ok",
    "kills_itself": "crashed",
    "traces_others": "ok",
    "makes_namespaces": "ok",
    "asks_the_kernel_for_more": "ok",
}
NETWORK = {
    "opens_a_socket": "crashed",
    "connects_to_loopback": "crashed",
    "asks_the_name_server": "crashed",
    "opens_a_unix_socket": "crashed",
    "makes_a_socket_pair": "crashed",
    "opens_an_io_ring": "ok",
}
SECRETS = {
    "reads_the_environment": "ok",
    "reads_the_inherited_environment_block": "ok",
    "searches_memory_for_secrets": "ok",
}
CRASHES = {
    "reads_address_zero": "crashed",
    "aborts": "crashed",
    "corrupts_the_heap": "crashed",
    "recurses": "crashed",
    "recurses_without_limit": "crashed|oom|timeout",
    "recurses_in_c": "crashed|oom",
    "raises": "crashed",
    "raises_at_import": "crashed",
    "raises_what_cannot_be_printed": "crashed",
    "raises_a_long_story": "crashed",
    "interrupts": "crashed",
}
ANSWERS = {
    "answers_nan": "protocol",
    "answers_infinity": "protocol",
    "answers_minus_infinity": "protocol",
    "answers_a_bool": "protocol",
    "answers_a_string": "protocol",
    "answers_none": "protocol",
    "answers_a_huge_integer": "protocol",
    "answers_a_dict": "protocol",
    "answers_a_number_out_of_range": "protocol",
    "answers_a_fraction": "protocol",
    "answers_a_complex_number": "protocol",
    "answers_a_float_subclass": "protocol",
    "answers_an_object": "protocol",
    "answers_with_a_hostile_type_name": "protocol",
    "answers_later": "protocol",
}
PIPES = {
    "closes_everything": "protocol",
    "writes_garbage_everywhere": "protocol",
    "forges_an_unknown_status": "protocol",
    "forges_an_endless_detail": "protocol",
    "forges_a_detail_of_length_nan": "protocol",
    "forges_half_an_answer": "protocol",
    "forges_answers_in_advance": "ok",
    "floods_the_answer_pipe": "protocol|timeout|ok",
}
OUTSIDE = {
    "writes_the_judges_memory": "ok",
    "changes_files": "ok",
}
TAMPERING = {
    "sleeps_at_exit": "ok",
    "patches_everything": "ok",
    "changes_what_it_is_shown": "ok|crashed",
    "patches_what_the_worker_calls": "protocol|crashed|timeout",
    "replaces_the_worker": "protocol|crashed",
}
SHAPES = {
    "forgets_the_hook": "invalid",
    "takes_too_many_parameters": "invalid",
    "defines_a_number": "invalid",
}
FILES = {
    "raises_its_privileges": "ok",
    "reads_private_files": "ok",
    "lists_the_root": "ok",
    "looks_for_the_project": "ok",
    "imports_what_is_installed": "ok",
    "writes_a_huge_file": "crashed",
    "writes_a_sparse_file": "crashed",
    "fills_the_scratch_folder": "crashed",
    "leaves_something_behind": "ok",
}
"""Only where the sandbox has a root of its own: ``process`` shares the machine's files and, rootless, its user."""

ANYWHERE = LOOPS | EXITS | RESOURCES | PROCESSES | NETWORK | SECRETS | CRASHES
ANYWHERE |= ANSWERS | PIPES | OUTSIDE | TAMPERING | SHAPES

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


@pytest.mark.parametrize(
    ("kind", "name"),
    [("bubblewrap", name) for name in ANYWHERE | FILES] + [("process", name) for name in ANYWHERE],
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
