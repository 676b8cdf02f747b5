"""The public names of ``speciate``: listed here, documented, typed; and a package of somebody else's on them."""

import ast
import inspect
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from speciate.evaluators import SandboxUnavailableError, sandbox_named

import speciate
from tests.conftest import missing

ROOT = Path(__file__).parent.parent
# fmt: off
PUBLIC = [
    "Answer", "Archive", "ArchiveView", "Argument", "Array", "Baseline", "Buffer", "Candidate", "CandidateFault",
    "Cost", "Descriptor", "Draw", "Elite", "Evaluation", "EvaluationCache", "Evaluator", "Executor", "Finished",
    "Function", "Hook", "Incorrect", "Interface", "JudgeTask", "Kernel", "KernelArrays", "KernelInterface",
    "KernelProblem", "Limits", "Measurement", "Objective", "Parameter", "Parent", "Past", "Place", "Plan",
    "PlanInterface", "PlanProbe", "Policy", "PolicyInterface", "PolicyProbe", "Probe", "ProbeCall", "Problem",
    "ProblemError", "ProblemRef", "Program", "ProgramInterface", "Proposal", "Proposer", "Quantity", "RealBed",
    "RealTest", "Reasons", "Record", "RunSettings", "Sandbox", "SandboxError", "SandboxProcess",
    "SandboxUnavailableError", "Session", "Sizes", "SourceFile", "SpeciateError", "Spent", "Split", "Status",
    "Task", "Workload", "__version__", "draw", "judge", "judge_inline", "load_baselines", "load_problem",
    "open_archive",
]
# fmt: on


def test_the_public_names_are_these() -> None:
    assert sorted(speciate.__all__) == sorted(PUBLIC)
    assert dir(speciate) == sorted(PUBLIC)
    with pytest.raises(AttributeError, match="no public name 'nonsense'"):
        _ = speciate.nonsense


def test_every_public_name_is_documented_and_typed() -> None:
    tree = ast.parse(Path(speciate.__file__).read_text(encoding="utf-8"))
    typed = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    for name in set(PUBLIC) - {"__version__"}:
        assert name in typed, f"{name} is not visible to a type checker"
        value = getattr(speciate, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            own = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
            assert own, f"{name} has no docstring of its own"
    assert (ROOT / "speciate/py.typed").is_file()


def test_importing_speciate_loads_no_room() -> None:
    code = "import speciate, sys; print([m for m in sys.modules if m.startswith('speciate.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with Speciate and the third-party package installed by pip; its python.

    What Speciate depends on is taken from this environment by a ``.pth`` file, since installing it again would
    test nothing of ours.
    """
    folder = tmp_path_factory.mktemp("foreign")
    venv.create(folder / "venv")
    python = folder / "venv/bin/python"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    ours = sysconfig.get_path("purelib")
    for source in (ROOT, ROOT / "tests/thirdparty"):
        copy = folder / source.name
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
        listed = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if name.startswith(("tests/", "docs/")) or not (source / name).is_file():
                continue
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((source / name).read_bytes())
        # Our pip does it for that Python: to give it a pip of its own takes longer than all that is installed.
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        install = [*pip, "install", "-q", "--no-deps", "--no-build-isolation", str(copy)]
        made = subprocess.run(
            install, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ours}, check=False
        )
        assert made.returncode == 0, made.stderr
    # After our own packages, so that the installed Speciate is the one that is imported.
    Path(purelib, "dependencies.pth").write_text(f"import sys; sys.path.append({ours!r})\n", encoding="utf-8")
    return python


def said(python: Path, folder: Path, *words: str) -> str:
    """Run ``speciate`` of the fresh environment in ``folder`` and return its standard output."""
    environment = {**os.environ, "DICE_COUNT": str(folder / "count"), "PYTHONPATH": ""}
    command = [python, "-P", "-m", "speciate", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_third_party_package_is_found_and_run(foreign: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [foreign, "-P", "-c", "import speciate; print(speciate.__file__)"], capture_output=True, text=True, cwd=tmp_path
    )
    assert str(foreign.parent.parent) in where.stdout
    assert "dice" in said(foreign, tmp_path, "problems")

    options = ["--proposer", "digits", "--executor", "counted", "--evals", "12", "--seed", "3", "--quiet", "--json"]
    found = json.loads(said(foreign, tmp_path, "run", "dice", *options))

    assert found["proposer"] == "digits"
    assert found["champion"]["code"].strip() != "3.000000"
    assert found["champion"]["design"]["train"] < 0.2
    assert int((tmp_path / "count").read_text(encoding="ascii").split()[0]) >= 12
    assert "not executed" in said(foreign, tmp_path, "show", found["champion"]["design"]["candidate_id"][:10])


def test_a_third_party_sandbox_judges_our_own_problems(foreign: Path, tmp_path: Path) -> None:
    try:
        sandbox_named("bubblewrap")
    except SandboxUnavailableError as error:
        missing(str(error))
    candidate = tmp_path / "first.py"
    candidate.write_text("def choose(job, yard):\n    return 0\n", encoding="utf-8")
    lanes = str(ROOT / "tests/support/lanes.py")
    told = said(foreign, tmp_path, "eval", lanes, str(candidate), "--sandbox", "walled", "--json")
    assert json.loads(told)["sandbox"] == "walled"
