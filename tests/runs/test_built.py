"""What a run of kernels says of its cost and of the build cache, and the marks in its report."""

import pytest
from speciate.agent import Archive
from speciate.evaluators import Baseline, Evaluation, Measurement, Problem
from speciate.runs._built import built_words
from speciate.runs._findings import findings_of
from speciate.runs._report import html_of, markdown_of

from .conftest import main_run


def kernel_word(candidate: str, cached: float, cpu_s: float) -> Evaluation:
    measured = Measurement(workload="train/S", objective=1.0, metrics={"build_cached": cached})
    cost = {"cpu_s": cpu_s, "wall_s": 2 * cpu_s}
    told = {"candidate": candidate, "split": "train", "status": "ok", "score": 1.0, "cost": cost}
    return Evaluation.model_validate({**told, "measurements": (measured,)})


def test_the_cost_of_a_kernel_and_the_hit_rate_of_its_builds_are_told(archive: Archive) -> None:
    run = main_run(archive)
    assert built_words(archive, run.id) == ()
    for number, (cached, cpu_s) in enumerate([(0, 1.0), (1, 2.0), (1, 3.0), (1, 9.0)]):
        archive.store_evaluation(run.id, kernel_word(f"{number:032x}", cached, cpu_s), f"baseline:{number}")
    (words,) = built_words(archive, run.id)
    assert "2.5 CPU seconds and 5 wall seconds" in words
    assert "median of 4" in words
    assert "75% of the builds" in words


def test_a_mark_is_in_the_table_and_no_rival_of_the_claim(
    settled: Archive, lanes: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = main_run(settled)
    before = findings_of(settled, run, lanes)
    assert before.marks == ()
    mark = Baseline(name="our-best", title="Our best", candidate=lanes.baselines()[0].candidate)
    monkeypatch.setattr(type(lanes), "experts", lambda self: (mark,))
    found = findings_of(settled, run, lanes)
    assert [design.name for design in found.marks] == ["our-best"]
    assert (found.claim, found.best_baseline) == (before.claim, before.best_baseline)
    text = markdown_of(found, ())
    assert "| our-best |" in text
    assert ">our-best</td>" in html_of(found, {})
    assert "which no proposer was shown: our-best" in text
