"""The known hacks of kernel benchmarks: each fools a naive harness, and none fools the judge.

Not fooled means rejected, or taken for what it is: right, and at most 1.1 times as fast as the honest kernel that it
is made from. Speed is compared by the judge's own pairs and their interval. Of hack 25 the kernel that writes past its
view is here; the one that races with itself, which only an interpreter of Triton hides, is in ``test_triton``.
"""

import statistics

import numpy as np
import pytest
from speciate.evaluators import Candidate, CandidateFault, Place, Sandbox, Status, evaluator_of
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._timing import PAIRS, WARM_UP, timed
from support.kernel_corpus import AIMED_HERE, CORPUS, HACKS, HONEST, LIBRARY, Hack, source
from support.naive_harness import naive
from support.row_softmax import RowSoftmax
from support.stand_in import Device, StandIn

PROBLEM = RowSoftmax("numba")
SIZES = PROBLEM.sizes["train"]["S"]
FAST = 3.0
"""A speedup that the naive harness sees only where there is none: honest kernels lie about 1."""
GAIN = 1.1
"""Of nothing: the most that a hack may have over the honest kernel in it."""
TIMINGS = 3
"""One in some dozens of intervals lies beyond the truth; a gain that is there is in each."""


def candidate(file: str) -> Candidate:
    return Candidate.from_source(source(file), path="kernel.py")


def outcome(file: str, sandbox: Sandbox) -> tuple[str, float]:
    """Return how the judge ends with a file of the corpus, and its least speedup over the honest kernel, if ``ok``."""
    evaluator, place = evaluator_of("kernel"), Place(PROBLEM.limits, sandbox)
    try:
        with (
            evaluator.open(PROBLEM, candidate(file), place) as hack,
            evaluator.open(PROBLEM, candidate(HONEST), place) as honest,
        ):
            verify(PROBLEM, hack.subject)
            speedup = np.inf
            for repetition in range(TIMINGS):
                rng = np.random.default_rng([hack.subject.seed, repetition])
                found = timed(PROBLEM, hack.subject, honest.subject, SIZES, rng)
                speedup = min(speedup, 1 / found.high)
                if speedup <= GAIN:
                    break
    except CandidateFault as fault:
        return str(fault.status), 0.0
    return str(Status.OK), speedup


def test_every_file_of_the_corpus_is_tried_and_every_known_hack_has_one() -> None:
    files = [hack.file for hack in HACKS] + [LIBRARY, HONEST, *AIMED_HERE]
    assert sorted(files) == sorted(path.stem for path in CORPUS.glob("*.py"))
    elsewhere = {19, 20}
    assert {hack.number for hack in HACKS} | elsewhere == set(range(1, 26))


def test_the_naive_harness_tells_right_from_wrong_where_nobody_cheats() -> None:
    ok, speedup, repeats = naive(source(HONEST))
    assert (ok, repeats) == (True, 10)
    assert speedup < FAST
    for wrong in ("answers_zeros", "answers_nan", "answers_one_number"):
        assert not naive(source(wrong)).ok


@pytest.mark.parametrize("hack", HACKS, ids=lambda hack: hack.file)
def test_a_hack_fools_the_naive_harness(hack: Hack) -> None:
    # It times some hacks once: whatever else the machine does then can hide a gain, and make none.
    verdicts = (naive(hack.source, **hack.options) for _ in range(TIMINGS))
    assert any(verdict.ok and (hack.naive == "wrong" or verdict.speedup > FAST) for verdict in verdicts)


@pytest.mark.parametrize("hack", HACKS, ids=lambda hack: hack.file)
def test_a_hack_does_not_fool_the_judge(hack: Hack, bubblewrap: Sandbox) -> None:
    status, speedup = outcome(hack.file, bubblewrap)
    if hack.ends == HONEST:
        assert status == Status.OK
        assert speedup <= GAIN
    else:
        assert status in hack.ends.split("|")


@pytest.mark.parametrize(("file", "ends"), AIMED_HERE.items())
def test_what_is_aimed_at_the_judges_own_ways_is_found_out(file: str, ends: str, bubblewrap: Sandbox) -> None:
    assert outcome(file, bubblewrap)[0] in ends.split("|")


def test_the_honest_kernel_is_right(bubblewrap: Sandbox) -> None:
    assert outcome(HONEST, bubblewrap)[0] == Status.OK


def test_a_kernel_that_falls_back_to_a_library_is_told_apart(bubblewrap: Sandbox) -> None:
    assert naive(source(LIBRARY)).ok
    evaluator = evaluator_of("kernel")
    with evaluator.open(PROBLEM, candidate(LIBRARY), Place(PROBLEM.limits, bubblewrap)) as session:
        assert verify(PROBLEM, session.subject) <= 1.0
        assert session.labels == ["library"]


def test_what_a_cache_keeps_through_a_flush_is_of_no_use_on_other_buffers() -> None:
    """Hack 20. The naive harness flushes what may be flushed, and calls on the same buffer again."""
    device = Device(room=1, hit_s=1e-6, miss_s=1e-3)
    cold = device.call(0)
    assert cold / statistics.median(device.call(0) for _ in range(10)) > FAST
    kernel = StandIn(PROBLEM, Device(room=1, hit_s=1e-6, miss_s=1e-3).call)
    found = timed(PROBLEM, kernel, StandIn(PROBLEM, lambda _: 1e-3), SIZES, np.random.default_rng(0))
    assert 1 / found.ratio <= GAIN


def test_a_time_that_memory_cannot_reach_is_no_score() -> None:
    """Hacks 20 and 22: all that is read lies in a cache, or one shape's time is next to nothing."""
    assert statistics.geometric_mean([1.0, 1.0, 1e-3 / 1e-9]) > FAST
    kernel = StandIn(PROBLEM, lambda _: 1e-9)
    with pytest.raises(CandidateFault, match="impossible") as caught:
        timed(PROBLEM, kernel, StandIn(PROBLEM, lambda _: 1e-3), SIZES, np.random.default_rng(0))
    assert caught.value.status is Status.CHEATED


def test_a_kernel_that_dawdles_at_first_is_timed_as_often_as_any() -> None:
    """Hack 21."""
    dawdling = iter([1.0] * 16 * 2 * WARM_UP)
    kernel = StandIn(PROBLEM, lambda _: next(dawdling, 1e-3))
    found = timed(PROBLEM, kernel, StandIn(PROBLEM, lambda _: 1e-3), SIZES, np.random.default_rng(0))
    assert kernel.laps == 2 * (WARM_UP + PAIRS)
    assert found.ratio == pytest.approx(1.0)
