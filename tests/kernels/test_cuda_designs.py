"""Human designs in CUDA: launched as their kernels are declared at every size, and ranked as their accesses deserve."""

import re
from collections.abc import Iterator

import pytest
from speciate.evaluators import KernelProblem, Place, Sandbox, Sizes, evaluator_of
from speciate.evaluators.check._baselines import FEW_CONTENDERS
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._cuda import check_text
from speciate.evaluators.kernel._launches import launches_of

from tests.conftest import needs_nvcc
from tests.kernels.test_room import FOLDERS, made

KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')


def declared(source: str) -> dict[str, tuple[str, ...]]:
    """Return the types of each kernel's parameters, as the text has them."""
    return {
        name: tuple(re.sub(r"\s*\w+$", "", each.strip()) for each in parameters.split(","))
        for name, parameters in KERNEL.findall(source)
    }


def all_sizes(problem: KernelProblem) -> Iterator[Sizes]:
    yield from problem.test_sizes
    for named in problem.sizes.values():
        yield from named.values()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_design_is_launched_as_its_kernels_are_declared(folder: str) -> None:
    problem = made(folder, "cuda")
    baselines = problem.baselines()
    assert sum(not each.control for each in baselines) >= FEW_CONTENDERS
    assert sum(each.control for each in baselines) == 1
    assert problem.experts()
    for design in (*baselines, *problem.experts()):
        check_text(design.candidate)
        launches = launches_of(design.candidate.source, problem.interface)
        kernels = declared(design.candidate.source)
        assert {each.kernel for each in launches.launches} == set(kernels)
        for launch in launches.launches:
            assert launches.signature(launch) == kernels[launch.kernel], design.name
        for sizes in all_sizes(problem):
            assert len(launches.plan(sizes)) == len(launches.launches)


def test_fours_are_faster_than_heads_that_lie_apart(bubblewrap: Sandbox) -> None:
    needs_nvcc()
    problem, evaluator = made("rope", "cuda"), evaluator_of("kernel")
    found = {}
    for name in ("fours", "head-a-thread"):
        (design,) = (each.candidate for each in problem.baselines() if each.name == name)
        with evaluator.open(problem, design, Place(problem.limits, bubblewrap)) as session:
            session.subject.error = verify(problem, session.subject)
            found[name] = problem.measure(session.subject, problem.workloads("train")[0])
    assert found["fours"].metrics["coalescing"] == pytest.approx(1.0)
    assert found["head-a-thread"].metrics["coalescing"] < 0.5
    assert found["head-a-thread"].objective > 1.5 * found["fours"].objective
