"""What dedupe saved is counted from the rows, and a sample that differs is told."""

from speciate.agent import Archive, RunRecord
from speciate.evaluators import Cost, Evaluation, Status
from speciate.evaluators._ladder import REJUDGED_NOISY, REJUDGED_OTHER, REJUDGED_SAME, TOLD_APART
from speciate.runs._dedupe import dedupe_of
from speciate.runs._overview import run_lines


def stored(archive: Archive, run: RunRecord, candidate: str, **changes: object) -> None:
    told = {"candidate": candidate, "split": "train", "status": Status.OK, "score": 1.0, **changes}
    archive.store_evaluation(run.id, Evaluation.model_validate(told), "search")


def test_sources_behaviours_and_the_sample_are_told_apart(archive: Archive, run: RunRecord) -> None:
    before = dedupe_of(archive, run.id)
    assert before.candidates == len(archive.evaluations(run.id, purpose="search"))
    for known, cpu_s in (("a", 0.25), ("c", 2.0)):
        stored(archive, run, known * 32, cost=Cost(cpu_s=cpu_s))
    stored(archive, run, "a" * 32, status=Status.DUPLICATE, duplicate_of="a" * 32)
    # A reused evaluation brings the labels of the one it copies; it is not re-judged for that.
    reused = {"status": Status.DUPLICATE, "duplicate_of": "c" * 32, "labels": (REJUDGED_SAME,)}
    stored(archive, run, "b" * 32, **reused, cost=Cost(cpu_s=0.5))
    # What was reused by behaviour may be reused by its own source: that had cost what it took to tell.
    stored(archive, run, "b" * 32, status=Status.DUPLICATE, duplicate_of="b" * 32)
    stored(archive, run, "d" * 32, duplicate_of="c" * 32, labels=("library", REJUDGED_SAME))
    stored(archive, run, "e" * 32, duplicate_of="c" * 32, labels=(REJUDGED_OTHER,), status=Status.CRASHED, score=None)
    stored(archive, run, "f" * 32, labels=(TOLD_APART,))
    stored(archive, run, "0" * 32, status=Status.DUPLICATE, duplicate_of="f" * 32, labels=(TOLD_APART,))
    after = dedupe_of(archive, run.id)
    assert after.candidates == before.candidates + 9
    assert after.by_source == before.by_source + 2
    assert after.by_behaviour == before.by_behaviour + 2
    assert (after.rejudged, after.agreed, after.differed) == (2, 1, 1)
    assert after.hit_rate == (before.hits + 6) / after.candidates
    assert after.reused_cpu_s - before.reused_cpu_s == 0.25 + 2.0 + 0.5
    assert after.telling_cpu_s - before.telling_cpu_s == 0.5
    assert f"{after.saved_cpu_s:.2f} s of judging CPU saved" in after.words
    assert "of 2 re-judged in full 1 agreed to the bit, 1 differed" in after.words
    assert after.words.endswith("1 more answered the probe alike and were told apart by one workload")
    assert after.words in "\n".join(run_lines(archive, run))


def test_a_noisy_sample_is_not_held_to_the_bit(archive: Archive, run: RunRecord) -> None:
    stored(archive, run, "d" * 32, duplicate_of="c" * 32, labels=(REJUDGED_NOISY,))
    found = dedupe_of(archive, run.id)
    assert (found.rejudged, found.agreed, found.differed) == (1, 0, 0)
    assert "noisy" in found.words


def test_a_run_without_candidates_has_no_rate(archive: Archive) -> None:
    nothing = dedupe_of(archive, "no-such-run")
    assert (nothing.candidates, nothing.hit_rate) == (0, 0.0)
