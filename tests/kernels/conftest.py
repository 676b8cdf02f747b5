"""Where kernels are built and run in these tests: bubblewrap, and a cache of each module's own."""

import pytest
from speciate.evaluators import Sandbox
from speciate.evaluators.sandbox import Bubblewrap

from tests.conftest import missing


@pytest.fixture(scope="session")
def bubblewrap() -> Sandbox:
    reason = Bubblewrap().available()
    if reason is not None:
        missing(reason)
    return Bubblewrap()


@pytest.fixture(autouse=True)
def _own_cache(own_kernel_cache: None) -> None:
    """Every test of this folder builds apart from the user's cache."""
