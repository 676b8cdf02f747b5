"""What every test may ask for: the real data, and a database server."""

import gc
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from speciate.evaluators.kernel import toolkit
from speciate.evaluators.kernel._build import CACHE_VARIABLE
from support.postgres import PostgresServer, postgres_server

# The same examples on every run, and no wall clock: a loaded machine is not a bug.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")

# Hundreds of thousands of objects of the tests and of what they import stay: they are looked through less often.
gc.set_threshold(10_000)

# No GPU: where there is one, kernels would be timed on it that are modelled elsewhere.
os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the file of one long fixture first: begun last, it kept one process busy when the others had ended."""
    items.sort(key=lambda item: item.path.name != "test_public.py")


def missing(reason: str) -> None:
    """Skip on a user's machine; fail in CI, where every part must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)


def needs_torch() -> None:
    """Skip, or fail, where torch is not installed."""
    if find_spec("torch") is None:
        missing("torch is not installed: pip install 'speciate[real]'")


def needs_triton() -> None:
    """Skip, or fail, where Triton is not installed."""
    if find_spec("triton") is None:
        missing("triton is not installed: pip install 'speciate[triton]'")


def needs_nvcc() -> None:
    """Skip, or fail, where there is no CUDA compiler."""
    if toolkit() is None:
        missing("no CUDA compiler on this machine: pip install 'speciate[cuda]'")


@pytest.fixture(scope="module")
def own_kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what a module's tests build, and the bars they choose, apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real traces (``SPECIATE_DATA``)."""
    folder = os.environ.get("SPECIATE_DATA")
    if not folder or not Path(folder).is_dir():
        missing("SPECIATE_DATA does not name the folder of real traces")
    return Path(str(folder))


@pytest.fixture(scope="session")
def server() -> PostgresServer:
    """A PostgreSQL server of this test process's own."""
    found = postgres_server()
    if isinstance(found, str):
        missing(found)
    return found
