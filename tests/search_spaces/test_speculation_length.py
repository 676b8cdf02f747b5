"""The speculation-length problem: what a policy is shown, how its texts behave, and what is refused."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    Evaluation,
    ProblemError,
    Split,
    Status,
    judge_inline,
    load_problem,
    measured_headroom,
    policy_probe,
)
from speciate.search_spaces.speculation_length._interface import BATCH, INTERFACE, SEQUENCE
from speciate.search_spaces.speculation_length._workloads import MIXES, Mix, TextModel, generate
from speciate.simulators.decoding import BATCH_FIELDS, SEQUENCE_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"tokens": "40"}
PLAIN = Mix(0.8, 0.8, 30, 0.0, 0.0, 0.4, 0.0, 0.0, 0.05, 100.0, (8, 8))


def policy(length: str, width: str = "1") -> Candidate:
    return Candidate.from_source(
        f"def length(sequence, batch):\n    return {length}\ndef width(sequence, batch):\n    return {width}\n"
    )


@cache
def judged() -> dict[str, Evaluation]:
    """What became of the baselines on short texts."""
    problem = load_problem("speculation-length", SMALL)
    return {baseline.name: judge_inline(problem, baseline.candidate) for baseline in problem.baselines()}


def ranks(mix: Mix, seed: int = 3) -> np.ndarray:
    waves = generate(TextModel(400, 40, mix), seed)
    return np.concatenate([text.rank for wave in waves for text in wave.texts])


def test_the_interface_is_the_simulators_layout() -> None:
    assert SEQUENCE.fields == SEQUENCE_FIELDS
    assert BATCH.fields == BATCH_FIELDS
    assert INTERFACE.hook("length").width(0) == len(SEQUENCE_FIELDS) + len(BATCH_FIELDS)


def test_splits_differ_in_seed_and_in_every_mix() -> None:
    problem = load_problem("speculation-length")
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    mixes = [mix for split in SPLITS for mix in MIXES[split].values()]
    assert len(set(mixes)) == len(mixes)


def test_batches_are_on_both_sides_of_the_knee() -> None:
    for split in SPLITS:
        loads = [4 * slots / mix.knee for mix in MIXES[split].values() for slots in mix.slots]
        assert min(loads) < 0.1
        assert max(loads) > 1.0


def test_acceptance_and_alternatives_are_what_the_mix_says() -> None:
    found = ranks(PLAIN)
    assert (found == 0).mean() == pytest.approx(0.8, abs=0.01)
    wrong = found[found > 0]
    assert (wrong < 4).mean() == pytest.approx(0.4, abs=0.02)
    assert [(wrong == rank).mean() for rank in (1, 2, 3)] == pytest.approx([0.2, 0.12, 0.08], abs=0.02)


def test_the_last_tokens_say_more_of_the_next_the_longer_the_stretches_are() -> None:
    correlation = []
    for stay in (2, 10, 100):
        right = ranks(PLAIN._replace(easy=0.95, hard=0.3, stay=stay)) == 0
        correlation.append(float(np.corrcoef(right[1:], right[:-1])[0, 1]))
    assert correlation == sorted(correlation)
    assert abs(correlation[0]) < 0.05
    assert correlation[-1] > 0.3


def test_confidence_is_too_high_by_the_bias_and_leaves_the_text_as_it_is() -> None:
    honest, sure = (generate(TextModel(100, 20, PLAIN._replace(bias=bias, noise=0.5)), 4) for bias in (0.0, 1.0))
    for one, other in zip(honest, sure, strict=True):
        for first, second in zip(one.texts, other.texts, strict=True):
            np.testing.assert_array_equal(first.rank, second.rank)
            logits = [np.log(each.confidence / (1 - each.confidence)) for each in (first, second)]
            np.testing.assert_allclose(logits[1] - logits[0], 1.0)


def test_acceptance_drifts_from_wave_to_wave_where_the_mix_says_so() -> None:
    for drift, moved in ((0.0, False), (1.5, True)):
        waves = generate(TextModel(300, 30, PLAIN._replace(drift=drift, slots=(8,) * 6)), 5)
        means = [np.mean(np.concatenate([text.rank == 0 for text in wave.texts])) for wave in waves]
        assert (np.ptp(means) > 0.1) == moved


def test_no_speculation_scores_one_and_no_baseline_passes_the_bound() -> None:
    problem = load_problem("speculation-length", SMALL)
    assert judge_inline(problem, policy("0")).score == 1.0
    for evaluation in judged().values():
        assert evaluation.status is Status.OK
        for measurement, workload in zip(evaluation.measurements, problem.workloads("train"), strict=True):
            assert measurement.objective >= (problem.bound(workload) or 0.0)
            assert "of the time is drafting" in measurement.feedback


def test_who_prices_the_next_token_beats_who_looks_at_acceptance_or_at_the_batch_alone() -> None:
    scores = {name: evaluation.score or 9.0 for name, evaluation in judged().items()}
    ladder = [scores[name] for name in ("marginal-tree", "goodput", "up-and-down", "autoregressive")]
    assert ladder == sorted(ladder)
    assert scores["marginal-tree"] < scores["shared-budget"] < scores["uniform-random"]


def test_the_probe_tells_designs_apart_that_part_in_large_batches_only() -> None:
    problem = load_problem("speculation-length", SMALL)
    narrow = [judge_inline(problem, policy(f"3 if batch.active < {most} else 0")) for most in (24, 64)]
    assert narrow[0].score != narrow[1].score
    active = {call.values[len(SEQUENCE_FIELDS)] for call in policy_probe(problem).calls}
    assert min(active) <= 2.0
    assert max(active) == 48.0


def test_a_fixed_draft_wins_in_narrow_waves_and_loses_in_wide_ones() -> None:
    problem = load_problem("speculation-length", SMALL)
    by_mix = {m.workload.split("/")[1]: m.objective for m in judge_inline(problem, policy("10")).measurements}
    assert by_mix["narrow"] < 0.8
    assert by_mix["wide"] > 1.0


def test_kinds_of_policies_lie_in_niches_of_their_own() -> None:
    found = {name: evaluation.descriptors for name, evaluation in judged().items()}
    assert found["autoregressive"] == {"length": 0.0, "waste": 0.0}
    assert found["up-and-down"]["length"] < found["fixed-length"]["length"] < found["uniform-random"]["length"]
    assert found["goodput"]["waste"] < found["uniform-random"]["waste"] - 0.1


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("speculation-length")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"tokens": "0"}, {"sequences": "0"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"speculation-length, option '{next(iter(options))}'"):
        load_problem("speculation-length", options)
