"""The seeds in Triton of every kernel problem are right in the interpreter."""

import pytest
from support.own_process import said

from tests.kernels.test_room import FOLDERS

pytest.importorskip("triton", reason="triton is not installed: pip install 'speciate[triton]'")


def test_every_seed_is_right_in_the_interpreter() -> None:
    found = said("triton_seeds", *FOLDERS)
    assert sorted(found) == FOLDERS
    assert {name: share for name, share in found.items() if share > 1.0} == {}
