"""``speciate sandbox``: the image is built from what there is, chosen by name, recorded, and missed in words."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import missing
from speciate.agent import open_archive
from speciate.evaluators import SandboxError, SpeciateError
from speciate.evaluators.sandbox import Docker, build_image
from speciate.evaluators.sandbox._docker_engine import engine
from speciate.runs.cli import app
from support.docker_engine import IMAGE, docker_sandbox, rootfs_tar

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")
BUILT = "speciate-tests-built"


@pytest.fixture(scope="module")
def docker() -> Docker:
    found = docker_sandbox()
    if isinstance(found, str):
        missing(found)
    assert isinstance(found, Docker)
    return found


@pytest.fixture
def removed(docker: Docker) -> Iterator[None]:
    """Remove the image that a test builds."""
    yield
    docker.release()
    deadline = time.monotonic() + 30.0
    while True:
        try:
            with engine() as client:
                for image in client.api.images(BUILT):
                    client.api.remove_image(image["Id"], force=True)
            return
        except SandboxError:  # A container that was closed takes a moment to be gone.
            assert time.monotonic() < deadline
            time.sleep(0.2)


def said(args: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    assert app(args) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    if code == 2:
        assert err.count("\n") == 1, err
    return out if code == 0 else err


@pytest.mark.usefixtures("removed")
def test_it_is_built_from_a_root_file_system_and_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = rootfs_tar()
    if isinstance(tar, str):
        missing(tar)
    out = said(["sandbox", "build", "--rootfs", str(tar), "--name", f"{BUILT}:a"], capsys)
    last = out.splitlines()[-1]
    assert last.startswith(f"{BUILT}:a  sha256:")
    assert "Python 3." in last
    assert "numpy" in last
    assert len(out.splitlines()) > 3
    monkeypatch.setenv("SPECIATE_SANDBOX_IMAGE", f"{BUILT}:a")
    listed = said(["sandbox"], capsys)
    assert f"image {BUILT}:a sha256:" in listed
    assert "does not stop: reading the image's files" in listed
    facts = json.loads(said(["sandbox", "--json"], capsys))
    assert last.split()[1] in {image["digest"] for image in facts["images"]}
    assert {"docker", "bubblewrap", "process"} <= {check["name"] for check in facts["sandboxes"]}


@pytest.mark.usefixtures("removed")
def test_it_is_built_from_an_image_that_is_here_without_a_registry(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(["sandbox", "build", "--base", IMAGE, "--name", f"{BUILT}:b", "--quiet"], capsys)
    assert out.startswith(f"{BUILT}:b  sha256:")
    assert out.count("\n") == 1


@pytest.mark.usefixtures("removed")
def test_a_folder_is_taken_as_a_root_file_system(docker: Docker, tmp_path: Path) -> None:
    """The folder has no Python: it is imported, and then refused for that."""
    (tmp_path / "usr").mkdir()
    before = everything()
    with pytest.raises(SpeciateError, match="expected a base with python3 and the GNU C library"):
        build_image(f"{BUILT}:c", rootfs=tmp_path)
    assert everything() == before


def everything() -> set[str]:
    """Return the ids of all images and of all containers that were made and not started."""
    with engine() as client:
        made = client.api.containers(all=True, filters={"status": "created"})
        return {item["Id"] for item in (*client.api.images(all=True), *made)}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--base", "x", "--rootfs", "y"], "expected one of them, got both"),
        (["--rootfs", "/nowhere/at/all"], "expected a tar file or the folder of a root file system"),
        (["--base", "localhost:1/no/such:image"], "could not be pulled"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_sentence(
    words: list[str], answer: str, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer in said(["sandbox", "build", *words], capsys, code=2)


def test_a_base_that_cannot_be_pulled_points_at_a_root_file_system(
    docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    err = said(["sandbox", "build", "--base", "localhost:1/no/such:image"], capsys, code=2)
    assert "--rootfs DIR" in err
    assert "debootstrap" in err


def test_without_an_engine_there_is_nothing_to_build_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert "no Docker engine answers" in said(["sandbox", "build"], capsys, code=2)


def test_a_run_in_docker_records_the_images_digest(
    docker: Docker, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECIATE_SANDBOX_IMAGE", IMAGE)
    database = tmp_path / "runs.db"
    words = ["run", LANES, "--evals", "4", "--sandbox", "docker", "--workers", "1", "--seed", "1"]
    said([*words, "--db", str(database), "--report", str(tmp_path), "--quiet"], capsys)
    archive = open_archive(database)
    try:
        run = archive.runs()[0]
        assert run.environment["sandbox"] == "docker"
        assert run.environment["image"] == docker.identity()
    finally:
        archive.close()
