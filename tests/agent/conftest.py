"""Where an archive is: what holds on a file must hold on a server."""

import pytest

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    """Where a new archive can be made: a path, then a URL of a server's empty database."""
    return tmp_path / "runs.db" if request.param == "sqlite" else request.getfixturevalue("server").database()


@pytest.fixture(scope="module", params=KINDS)
def shared_place(request, tmp_path_factory):
    """The same for a module's tests together."""
    if request.param == "sqlite":
        return tmp_path_factory.mktemp("archive") / "runs.db"
    return request.getfixturevalue("server").database()
