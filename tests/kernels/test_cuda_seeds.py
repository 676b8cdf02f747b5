"""The plain form of every kernel problem in CUDA: compiled for both architectures, and right in the emulator."""

import importlib

import pytest
from speciate.evaluators import Place, Sandbox, evaluator_of
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._cuda import ARCHITECTURES

from tests.conftest import needs_nvcc
from tests.kernels.test_room import FOLDERS


@pytest.fixture(autouse=True, scope="module")
def _nvcc() -> None:
    needs_nvcc()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_plain_form_in_cuda_compiles_and_is_right(folder: str, bubblewrap: Sandbox) -> None:
    problem = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "cuda"})
    seed, evaluator = problem.seed(), evaluator_of("kernel")
    assert evaluator.screen(problem, seed) is None
    with evaluator.open(problem, seed, Place(problem.limits, bubblewrap)) as session:
        assert verify(problem, session.subject) <= 1.0
        cuda = session.subject.cuda
    assert cuda is not None
    launched = {launch.kernel for launch in cuda.launches.launches}
    for architecture in ARCHITECTURES:
        built = [each for each in cuda.image.resources if each.architecture == architecture]
        assert {each.kernel for each in built} == launched
        assert all(each.registers > 0 and each.spill_bytes == 0 for each in built)
