"""The gate on a problem that can be learned by heart, and under a search that asks it again and again."""

import numpy as np
import pytest
from speciate.evaluators._gate import Gate, GateAnswer, GateSettings, GateState
from support.forecast import HONEST, gain, memorised


@pytest.fixture(scope="module")
def by_heart() -> tuple[float, float]:
    design = memorised()
    return gain(design, "train"), gain(design, "validation")


@pytest.fixture(scope="module")
def honest() -> tuple[float, float]:
    return gain(HONEST, "train"), gain(HONEST, "validation")


def answers(gains: tuple[float, float], gates: int = 200) -> list[GateAnswer]:
    return [Gate(f"forecast/{i}").ask(GateState(), *gains)[0] for i in range(gates)]


def test_a_design_that_knows_train_by_heart_gains_nothing_at_the_gate(by_heart: tuple[float, float]) -> None:
    train, validation = by_heart
    assert train > 0.99
    assert validation == 0.0
    told = answers(by_heart)
    assert {answer.source for answer in told} == {"validation"}
    assert max(abs(answer.gain) for answer in told if answer.gain is not None) < 0.02
    assert not any(answer.confirmed for answer in told)


def test_the_luckiest_of_all_answers_a_gate_may_give_is_confirmed_by_noise_in_one_gate_of_twenty() -> None:
    def fooled(gate: Gate) -> bool:
        told = [gate.ask(GateState(i, i), 0.5, 0.0)[0] for i in range(gate.settings.disagreements)]
        return any(answer.confirmed for answer in told)

    gates = 400
    assert 0.02 < sum(fooled(Gate(f"useless/{i}")) for i in range(gates)) / gates < 0.08


def test_an_honest_gain_is_told_and_confirmed(honest: tuple[float, float]) -> None:
    validation = honest[1]
    assert validation > 0.5
    for answer in answers(honest):
        assert answer.confirmed
        assert answer.gain == pytest.approx(validation, abs=0.03)


def test_where_train_can_be_believed_nothing_of_validation_is_given_away() -> None:
    gate, state = Gate("x", GateSettings(threshold=0.05)), GateState()
    for train in (0.1, 0.11, 0.12):
        answer, state = gate.ask(state, train, train - 0.005)
        assert (answer.gain, answer.source) == (train, "train")
    assert state == GateState(queries=3, disagreements=0)


def test_a_gain_smaller_than_the_threshold_is_not_confirmed_by_agreement() -> None:
    answer, _ = Gate("x", GateSettings(threshold=0.05)).ask(GateState(), 0.03, 0.02)
    assert answer.source == "train"
    assert not answer.confirmed


def test_the_budget_ends_and_then_nothing_is_told_or_confirmed() -> None:
    gate, state = Gate("x", GateSettings(disagreements=3, queries=5)), GateState()
    for _ in range(3):
        answer, state = gate.ask(state, 0.5, 0.0)
        assert answer.source == "validation"
    answer, after = gate.ask(state, 0.5, 0.5)
    assert (answer.gain, answer.source, answer.confirmed) == (None, "exhausted", False)
    assert after == state
    assert gate.exhausted(GateState(queries=5))


def test_answers_depend_on_the_gate_and_on_what_was_asked_before_only() -> None:
    gate = Gate("x")
    assert gate.ask(GateState(4, 2), 0.5, 0.1) == gate.ask(GateState(4, 2), 0.5, 0.1)
    assert gate.ask(GateState(4, 2), 0.5, 0.1) != gate.ask(GateState(5, 2), 0.5, 0.1)
    assert gate.ask(GateState(4, 2), 0.5, 0.1) != Gate("y").ask(GateState(4, 2), 0.5, 0.1)


def shown_gain(seed: int, gated: bool) -> float:
    """Return the gain an analyst reports who asks for each of 400 useless rules and combines those that look good.

    The labels are random, so every rule is right half of the time and the true gain is 0: the experiment of the
    paper's figure 1, smaller.
    """
    rng = np.random.default_rng(seed)
    points = 2500
    rules = {split: rng.choice((-1, 1), (points, 400)) for split in ("train", "validation")}
    labels = {split: rng.choice((-1, 1), points) for split in rules}
    gate, state = Gate(f"useless/{seed}", GateSettings(threshold=0.08, noise=0.005)), GateState()

    def ask(train: float, validation: float) -> float | None:
        nonlocal state
        if not gated:
            return validation
        answer, state = gate.ask(state, train, validation)
        return answer.gain

    right = {split: rules[split].T @ labels[split] / points for split in rules}
    told = [ask(float(a), float(b)) for a, b in zip(right["train"], right["validation"], strict=True)]
    kept = [i for i, gain in enumerate(told) if gain is not None and abs(gain) > 0.02 and gain * right["train"][i] > 0]
    signs = np.sign([told[i] for i in kept])
    votes = {split: np.sign(rules[split][:, kept] @ signs) for split in rules}
    reported = ask(*(float(votes[split] @ labels[split]) / points for split in ("train", "validation")))
    assert reported is not None
    return reported


def test_asking_again_and_again_finds_a_gain_where_none_is_only_without_the_gate() -> None:
    assert min(shown_gain(seed, gated=False) for seed in range(8)) > 0.12
    assert max(abs(shown_gain(seed, gated=True)) for seed in range(8)) < 0.08
