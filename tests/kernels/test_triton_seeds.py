"""The seeds in Triton of every kernel problem are right in the interpreter, compile for devices, and have a score."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speciate.evaluators import evaluator_of
from speciate.evaluators.kernel._interpreted import compiled
from speciate.evaluators.kernel._labels import calls_a_library
from speciate.evaluators.kernel._modelled import device_named, watched
from speciate.evaluators.kernel._trace import launches
from speciate.evaluators.kernel._triton import ARCHITECTURES, read
from support.own_process import said

from tests.conftest import needs_triton
from tests.kernels.test_room import FOLDERS, made

DEVICES = {80: device_named("A100-80G"), 90: device_named("H100")}


@pytest.fixture(autouse=True, scope="module")
def _triton() -> None:
    needs_triton()


@pytest.fixture(scope="module")
def built() -> Any:
    return said("triton_builds", *FOLDERS)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@pytest.fixture(scope="module")
def errors(traces: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = said("triton_seeds", str(traces), *FOLDERS)
    return found


def test_every_seed_is_compiled_for_a_device(built: Any) -> None:
    assert sorted(built) == FOLDERS
    for each in built.values():
        (call,) = each["calls"]
        assert call["launches"]
        assert all(f"for 'sm_{call['architecture']}" in kernel["told"] for kernel in each["kernels"].values())
        assert all(" 0 bytes spill stores" in kernel["told"] for kernel in each["kernels"].values())


def test_every_seed_and_design_is_right_in_the_interpreter(errors: dict[str, dict[str, float]]) -> None:
    assert sorted(errors["seeds"]) == FOLDERS
    assert len(errors["designs"]) > 3 * len(FOLDERS)
    wrong = {name: share for found in errors.values() for name, share in found.items() if share > 1.0}
    assert wrong == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_designs_contend_with_each_other_and_a_yardstick(folder: str) -> None:
    problem = made(folder, "triton")
    evaluator, designs = evaluator_of("kernel"), problem.baselines()
    assert sum(not each.control for each in designs) >= 3
    assert sum(each.control for each in designs) == 1
    for each in designs:
        assert evaluator.screen(problem, each.candidate) is None
        assert not calls_a_library(each.candidate, "triton")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_seed_has_a_modelled_time(
    folder: str, built: Any, traces: Path, errors: dict[str, dict[str, float]]
) -> None:
    assert errors["seeds"][folder] <= 1.0
    problem = made(folder, "triton")
    (call,) = built[folder]["calls"]
    reply = {**built[folder], "calls": [{**call, "architecture": each} for each in ARCHITECTURES]}
    (launched,) = read(json.dumps(reply).encode(), 1)[call["architecture"]]
    seen = launches(np.load(traces / f"{folder}.npy"))
    least = problem.moved_bytes(problem.sizes["train"]["S"])
    found = watched(DEVICES[call["architecture"]], compiled(launched), seen, least)
    assert 1.0 <= found.ratio < 50.0
    assert found.dram_bytes > 0.9 * least
