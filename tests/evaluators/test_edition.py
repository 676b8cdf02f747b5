"""A problem that is edited in place is another problem; what no figure depends on does not matter."""

from pathlib import Path

from speciate.evaluators._edition import edition


def folder(tmp_path: Path) -> Path:
    (tmp_path / "baselines").mkdir()
    (tmp_path / "data").mkdir()
    for name in ("problem.py", "bench.sh", "brief.md", "tuned.toml", "baselines/a.py", "data/trace.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path / "problem.py"


def test_what_a_score_may_depend_on_makes_another_edition(tmp_path: Path) -> None:
    definition = folder(tmp_path)
    seen = {edition(definition, whole_folder=True)}
    for name in ("problem.py", "bench.sh", "data/trace.csv"):
        (tmp_path / name).write_text(f"{name} changed", encoding="utf-8")
        seen.add(edition(definition, whole_folder=True))
    (tmp_path / "bench.sh").rename(tmp_path / "run.sh")
    seen.add(edition(definition, whole_folder=True))
    assert len(seen) == 5


def test_texts_results_and_baselines_make_no_other_edition(tmp_path: Path) -> None:
    definition = folder(tmp_path)
    before = edition(definition, whole_folder=True)
    (tmp_path / "reports").mkdir()
    for name in ("brief.md", "tuned.toml", "baselines/a.py", "speciate.db", "reports/x.html", ".hidden"):
        (tmp_path / name).write_text("changed", encoding="utf-8")
    assert edition(definition, whole_folder=True) == before


def test_a_problem_of_one_file_is_that_file(tmp_path: Path) -> None:
    definition = folder(tmp_path)
    before = edition(definition, whole_folder=False)
    (tmp_path / "bench.sh").write_text("changed", encoding="utf-8")
    assert edition(definition, whole_folder=False) == before
    definition.write_text("changed", encoding="utf-8")
    assert edition(definition, whole_folder=False) != before
