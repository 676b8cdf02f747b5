"""The expert-prefetch problem: what a policy is shown, how gates and guesses behave, and what is refused."""

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
)
from speciate.search_spaces.expert_prefetch._interface import DEVICE, EXPERT, INTERFACE
from speciate.search_spaces.expert_prefetch._prefetch import Hooks
from speciate.search_spaces.expert_prefetch._workloads import MIXES, GateModel, Mix, generate, start_of
from speciate.simulators.moe import DEVICE_FIELDS, EXPERT_FIELDS, Gates, expected_distinct, least_service_time, serve

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"steps": "50"}
PLAIN = Mix(0.0, 0.0, 30, 0.0, 0.0, 1, 0.5, 0.5, 0.3, 1.0)


def policy(keep: str, prefetch: str = "0.0") -> Candidate:
    return Candidate.from_source(
        f"def keep(expert, device):\n    return {keep}\ndef prefetch(expert, device):\n    return {prefetch}\n"
    )


@cache
def judged() -> dict[str, Evaluation]:
    """What became of the baselines in a short run."""
    problem = load_problem("expert-prefetch", SMALL)
    return {baseline.name: judge_inline(problem, baseline.candidate) for baseline in problem.baselines()}


def gates(mix: Mix, *, steps: int = 300, seed: int = 3) -> Gates:
    return generate(GateModel(steps, 4, 24, 2, mix), seed)


def true_first(found: Gates, ahead: int, steps: slice = slice(None)) -> float:
    """How often the two likeliest experts were wanted."""
    first = np.argsort(-found.guess[ahead, steps], axis=2)[..., :2]
    return float(np.take_along_axis(found.wanted[steps], first, axis=2).mean())


def test_the_interface_is_the_simulators_layout() -> None:
    assert EXPERT.fields == EXPERT_FIELDS
    assert DEVICE.fields == DEVICE_FIELDS
    assert INTERFACE.hook("keep").width(0) == len(EXPERT_FIELDS) + len(DEVICE_FIELDS)


def test_splits_differ_in_seed_and_in_every_mix() -> None:
    problem = load_problem("expert-prefetch")
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    mixes = [mix for split in SPLITS for mix in MIXES[split].values()]
    assert len(set(mixes)) == len(mixes)


def test_when_a_run_begins_differs_by_workload() -> None:
    problem = load_problem("expert-prefetch")
    starts = {start_of(w) for split in SPLITS for w in problem.workloads(split)}
    assert len(starts) == len({w.seed for split in SPLITS for w in problem.workloads(split)})
    assert max(starts) > 2 * min(starts)


def test_gates_without_preferences_are_uniform_and_a_batch_touches_what_the_closed_form_says() -> None:
    for tokens in (1, 4, 8):
        found = gates(PLAIN._replace(tokens=tokens), steps=400)
        assert found.wanted.sum(axis=2).mean() == pytest.approx(expected_distinct(24, 2, tokens), rel=0.02)
        assert found.wanted.mean(axis=(0, 1)) == pytest.approx(found.wanted.mean(), rel=0.25)


def test_gates_stick_and_follow_where_the_mix_says_so() -> None:
    again = {}
    for stick in (0.0, 2.0):
        wanted = gates(PLAIN._replace(stick=stick)).wanted
        again[stick] = float((wanted[1:] & wanted[:-1]).sum() / wanted[1:].sum())
    assert again[0.0] == pytest.approx(2 / 24, abs=0.02)
    assert again[2.0] > 3 * again[0.0]
    lift = {}
    for follow in (0.0, 2.5):
        wanted = gates(PLAIN._replace(follow=follow), steps=600).wanted.astype(float)
        together = np.einsum("se,sf->ef", wanted[:, 1], wanted[:, 2]) / wanted[:, 1].sum(axis=0)[:, None]
        lift[follow] = float(together.max(axis=1).mean())
    assert lift[0.0] < 0.3 < lift[2.5]


def test_a_text_has_experts_of_its_own() -> None:
    share = []
    for topic, stay in ((0.0, 1e9), (2.5, 1e9), (2.5, 5.0)):
        counts = np.sort(gates(PLAIN._replace(topic=topic, stay=stay)).wanted.sum(axis=0), axis=1)
        share.append(float(counts[:, -4:].sum() / counts.sum()))
    assert share[0] < share[2] < share[1]


def test_guesses_are_better_the_nearer_and_turn_half_way_and_leave_the_gates_as_they_are() -> None:
    turning, steady = (gates(PLAIN._replace(topic=1.5, error=0.4, later=later)) for later in (3.0, 0.4))
    np.testing.assert_array_equal(turning.wanted, steady.wanted)
    np.testing.assert_array_equal(turning.guess[:, :150], steady.guess[:, :150])
    early, late = slice(0, 150), slice(150, None)
    assert true_first(turning, 0, early) > true_first(turning, 1, early) > true_first(turning, 0, late) + 0.1
    assert true_first(gates(PLAIN._replace(error=0.0, later=0.0)), 0) == 1.0


def test_the_gain_of_guesses_falls_as_they_get_worse_and_ends_in_a_loss() -> None:
    """Fetching the likely ones, against recency on demand: perfect guesses come near the bound."""
    seen = {name: EXPERT_FIELDS.index(name) for name in ("idle", "guess", "unused", "priority")}
    now = len(EXPERT_FIELDS)

    def keep(observed: Sequence[float]) -> float:
        unused = observed[seen["unused"]]
        return (observed[seen["priority"]] or observed[now]) if unused else observed[now] - observed[seen["idle"]]

    ratios = []
    for error in (0.0, 1.0, 2.0, 6.0):
        mix = PLAIN._replace(topic=1.5, stick=1.5, error=error, later=error)
        model = GateModel(200, 4, 24, 2, mix)
        found = generate(model, 5)
        alone, guessing = (
            serve(found, model.offload, Hooks(keep, lambda observed, least=least: observed[seen["guess"]] - least))
            for least in (2.0, 0.5)
        )
        ratios.append(guessing.time_s / alone.time_s)
        if error == 0.0:
            assert guessing.time_s < 1.1 * least_service_time(found, model.offload)
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.8
    assert ratios[-1] > 1.0


def test_recency_on_demand_scores_one_and_no_baseline_passes_the_bound() -> None:
    problem = load_problem("expert-prefetch", SMALL)
    assert judge_inline(problem, policy("device.now - expert.idle")).score == 1.0
    for evaluation in judged().values():
        assert evaluation.status is Status.OK
        for measurement, workload in zip(evaluation.measurements, problem.workloads("train"), strict=True):
            assert measurement.objective >= (problem.bound(workload) or 0.0)
            assert "guesses one layer ahead came true" in measurement.feedback


def test_guesses_help_on_a_fast_link_and_to_fetch_them_all_hurts_on_a_slow_one() -> None:
    problem = load_problem("expert-prefetch", SMALL)
    eager = judge_inline(problem, policy("device.now - expert.idle * (1 - expert.unused)", "expert.guess"))
    by_mix = {m.workload.split("/")[1]: m.objective for m in eager.measurements}
    nothing = judged()["least-recent"]
    alone = {m.workload.split("/")[1]: m.objective for m in nothing.measurements}
    assert by_mix["slow-link"] > 1.2 * alone["slow-link"]
    sure = {m.workload.split("/")[1]: m.objective for m in judged()["trusted-guesses"].measurements}
    assert sure["fast-link"] < 0.95 * alone["fast-link"]


def test_frequency_since_the_beginning_is_worse_than_recency_where_texts_change() -> None:
    problem = load_problem("expert-prefetch", SMALL)
    frequent = judge_inline(problem, policy("expert.uses")).score
    assert frequent is not None
    assert frequent > 1.0


def test_who_prices_guesses_beats_who_fetches_all_the_likely_and_who_fetches_none() -> None:
    found = {name: evaluation.score or 9.0 for name, evaluation in judged().items()}
    assert found["trusted-guesses"] < found["least-recent-next-layer"] < found["least-recent"]
    assert found["least-recent"] < 0.6 * found["uniform-random"]


def test_kinds_of_policies_lie_in_niches_of_their_own() -> None:
    found = {name: evaluation.descriptors for name, evaluation in judged().items()}
    assert found["least-recent"]["beforehand"] == 0.0
    assert found["least-recent"]["beforehand"] < found["trusted-guesses"]["beforehand"]
    assert found["pinned"]["victim_idle"] < 0.6 * found["least-recent"]["victim_idle"]


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("expert-prefetch")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"steps": "0"}, {"layers": "1"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"expert-prefetch, option '{next(iter(options))}'"):
        load_problem("expert-prefetch", options)


def test_options_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(ProblemError, match="at most half"):
        load_problem("expert-prefetch", {"experts": "6", "chosen": "4"})
