"""A stand-in for the CUDA driver, two devices behind it, and kernels that it can launch."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from speciate.evaluators import _gpu_driver, release_bars
from speciate.evaluators.kernel import _gpus, toolkit

_HERE = Path(__file__).parent


@contextmanager
def stand_in_driver(folder: Path) -> Iterator[bytes]:
    """Have the stand-in found in place of a driver, here and in new processes; yields an image with its kernels."""
    home = toolkit()
    assert home is not None
    driver, kernels = folder / _gpu_driver.LIBRARY, folder / "kernels.so"
    _built(driver, "stand_in_gpu.cpp", f"-I{home}/include")
    _built(kernels, "stand_in_kernels.cpp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_gpu_driver, "LIBRARY", str(driver))
        patch.setattr(_gpus, "MANAGEMENT_LIBRARY", str(driver))
        patch.setenv("LD_LIBRARY_PATH", str(folder))
        patch.delenv(_gpus.VISIBLE, raising=False)
        _gpus.look.cache_clear()
        yield str(kernels).encode()
        release_bars()
    _gpus.look.cache_clear()


def _built(target: Path, source: str, *flags: str) -> None:
    command = ["g++", "-std=gnu++17", "-O1", "-w", "-shared", "-fPIC", *flags, "-o", str(target), str(_HERE / source)]
    subprocess.run(command, check=True)
