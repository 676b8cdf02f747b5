"""NumPy inside a sealed worker: there when asked for, with one thread, and nothing else beside it."""

import pytest
from speciate.evaluators import CandidateFault, Limits, PolicyInterface, Sandbox, SandboxedPolicy
from speciate.evaluators.sandbox import Worker

NUMPY = """
import numpy
def choose(view):
    values = numpy.random.default_rng(1).normal(size=(200, 200))
    left, sizes, right = numpy.linalg.svd(values)
    return float(numpy.allclose((left * sizes) @ right, values)) - 1.0
"""
PYDANTIC = "import numpy\nimport pydantic\ndef choose(view):\n    return 0.0\n"


def answer(sandbox: Sandbox, source: str, interface: PolicyInterface, room: Worker | None) -> float:
    limits = Limits(decision_wall_s=10.0)
    with SandboxedPolicy(sandbox.start(limits, room=room), source, interface, limits) as policy:
        policy.begin(1)
        return policy.hook("choose")((0.0,) * interface.hook("choose").width(1))


@pytest.mark.usefixtures("nothing_left")
def test_a_worker_that_is_given_packages_computes_with_numpy(sandbox: Sandbox, one_hook: PolicyInterface) -> None:
    assert answer(sandbox, NUMPY, one_hook, Worker(packages=True)) == 0.0


@pytest.mark.parametrize(("room", "missing"), [(None, "numpy"), (Worker(packages=True), "pydantic")])
def test_nothing_else_that_is_installed_can_be_imported(
    bubblewrap: Sandbox, one_hook: PolicyInterface, room: Worker | None, missing: str
) -> None:
    with pytest.raises(CandidateFault, match=f"No module named '{missing}'"):
        answer(bubblewrap, PYDANTIC, one_hook, room)
