"""The seeds in Triton of every kernel problem are right in the interpreter, and compile for devices."""

import pytest
from support.own_process import said

from tests.conftest import needs_triton
from tests.kernels.test_room import FOLDERS


@pytest.fixture(autouse=True, scope="module")
def _triton() -> None:
    needs_triton()


def test_every_seed_is_compiled_for_a_device() -> None:
    found = said("triton_builds", *FOLDERS)
    assert sorted(found) == FOLDERS
    for made in found.values():
        (call,) = made["calls"]
        assert call["launches"]
        assert all(f"for 'sm_{call['architecture']}" in kernel["told"] for kernel in made["kernels"].values())
        assert all(" 0 bytes spill stores" in kernel["told"] for kernel in made["kernels"].values())


def test_every_seed_is_right_in_the_interpreter() -> None:
    found = said("triton_seeds", *FOLDERS)
    assert sorted(found) == FOLDERS
    assert {name: share for name, share in found.items() if share > 1.0} == {}
