"""What a run of kernels says of its cost and of the build cache, and the marks in its report."""

import pytest
from speciate.agent import Archive
from speciate.evaluators import Baseline, Evaluation, Measurement, Problem
from speciate.runs._built import built_words
from speciate.runs._findings import findings_of
from speciate.runs._report import html_of, markdown_of

from .conftest import main_run


def kernel_word(candidate: str, cached: float, cpu_s: float, **metrics: float) -> Evaluation:
    measured = Measurement(workload="train/S", objective=1.0, metrics={"build_cached": cached, **metrics})
    cost = {"cpu_s": cpu_s, "wall_s": 2 * cpu_s}
    told = {"candidate": candidate, "split": "train", "status": "ok", "score": 1.0, "cost": cost}
    labels = ("modelled",) if "modelled_s" in metrics and "device_s" not in metrics else ()
    return Evaluation.model_validate({**told, "measurements": (measured,), "labels": labels})


def test_the_cost_of_a_kernel_and_the_hit_rate_of_its_builds_are_told(archive: Archive) -> None:
    run = main_run(archive)
    assert built_words(archive, run.id) == ()
    for number, (cached, cpu_s) in enumerate([(0, 1.0), (1, 2.0), (1, 3.0), (1, 9.0)]):
        archive.store_evaluation(run.id, kernel_word(f"{number:032x}", cached, cpu_s), f"baseline:{number}")
    (words,) = built_words(archive, run.id)
    assert "2.5 CPU seconds and 5 wall seconds" in words
    assert "median of 4" in words
    assert "75% of the builds" in words
    measured = kernel_word(f"{4:032x}", 0.0, 1.0, modelled_s=3e-6, device_s=4e-6)
    archive.store_evaluation(run.id, measured, "baseline:4")
    assert len(built_words(archive, run.id)) == 1


def test_modelled_times_are_told_as_such_and_their_ranks_compared_with_a_devices(archive: Archive) -> None:
    run = main_run(archive)
    for number, modelled_s in enumerate((3e-6, 4e-6, 5e-6)):
        word = kernel_word(f"{number:032x}", 0.0, 1.0, modelled_s=modelled_s)
        archive.store_evaluation(run.id, word, f"baseline:{number}")
    _, told = built_words(archive, run.id)
    assert "Times of 3 evaluations are modelled, not measured" in told
    assert "unknown until one has run them" in told
    for number, device_s in enumerate((4e-6, 9e-6, 7e-6), start=3):
        word = kernel_word(f"{number:032x}", 0.0, 1.0, modelled_s=number * 1e-6, device_s=device_s)
        archive.store_evaluation(run.id, word, f"baseline:{number}")
    _, told = built_words(archive, run.id)
    assert "modelled and measured time is 0.50 (mean of 1 sizes, lowest 0.50)" in told


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
