"""Control arms on request: what each is, what it may cost, and that nothing is written that cannot be run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from speciate.agent import Archive, Budget, ModelSettings, RunSettings, open_archive
from speciate.evaluators import SpeciateError
from speciate.runs._arms import ARMS, arm_of, arm_settings, charge_words, controls_of
from speciate.runs._commands import commands_for
from speciate.runs._search import new_run
from speciate.runs.cli import app

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Archive]:
    archive = open_archive(tmp_path / "new.db", create=True)
    yield archive
    archive.close()


def with_models(settings: RunSettings, **budget: float) -> RunSettings:
    model = ModelSettings(name="m", base_url="http://127.0.0.1:9/v1", usd_per_million_input=1, usd_per_million_output=2)
    changes = {"proposer": "llm", "models": (model,), "budget": Budget.model_validate(budget)}
    return settings.model_copy(update=changes)


def test_each_arm_is_the_run_with_less(run_settings: RunSettings) -> None:
    llm = with_models(run_settings, evaluations=50, usd=5, tokens=10_000, minutes=30)
    arms = {arm: arm_settings(llm, arm, None) for arm in ARMS}
    assert {arm: arm_of(settings) for arm, settings in arms.items()} == {arm: arm for arm in ARMS}
    assert {arm: (s.proposer, s.memory) for arm, s in arms.items()} == {
        "random": ("random", "archive"),
        "best-of-n": ("llm", "start"),
        "no-archive": ("llm", "best"),
    }
    assert all((s.seed, s.window, s.problem) == (llm.seed, llm.window, llm.problem) for s in arms.values())
    assert arms["random"].models == ()
    assert arms["random"].budget == Budget(evaluations=50, minutes=30)
    assert arms["best-of-n"].budget == arms["no-archive"].budget == llm.budget


def test_the_arms_own_evaluations_replace_evaluations_and_minutes_and_keep_the_money(run_settings: RunSettings) -> None:
    llm = with_models(run_settings, minutes=30, usd=5)
    assert arm_settings(llm, "no-archive", 7).budget == Budget(evaluations=7, usd=5)
    assert arm_settings(llm, "random", 7).budget == Budget(evaluations=7)


def test_an_arm_that_cannot_be_is_refused_before_there_is_a_run(empty: Archive, run_settings: RunSettings) -> None:
    with pytest.raises(SpeciateError, match="its own control"):
        new_run(empty, run_settings.model_copy(update={"proposer": "random"}), ["best-of-n"])
    with pytest.raises(SpeciateError, match="--control-evals"):
        new_run(empty, with_models(run_settings, usd=1), ["random"])
    assert empty.runs() == []


def test_what_a_paying_arm_may_cost_is_said(run_settings: RunSettings) -> None:
    assert charge_words(run_settings) is None
    words = charge_words(with_models(run_settings, usd=5, tokens=200_000, evaluations=40))
    assert words is not None
    assert "5 USD, 200,000 tokens, 40 evaluations" in words
    unlimited = charge_words(with_models(run_settings, evaluations=40))
    assert unlimited is not None
    assert unlimited.endswith("no limit of dollars or tokens")


def test_arms_are_found_in_one_order_and_named_by_the_command_that_repeats_the_run(
    empty: Archive, run_settings: RunSettings
) -> None:
    run = new_run(empty, run_settings, ["no-archive", "random", "best-of-n"], 12)
    arms = controls_of(empty, run.id)
    assert [arm_of(arm.settings) for arm in arms] == list(ARMS)
    again = commands_for(run, arms, "speciate.db")["The same search again"]
    assert "--control random --control best-of-n --control no-archive --control-evals 12" in again
    assert "--control" not in commands_for(run, (), "speciate.db")["The same search again"]
    equal = [arm._replace(settings=run.settings.model_copy(update={"memory": "best"})) for arm in arms[:1]]
    assert "--control-evals" not in commands_for(run, equal, "speciate.db")["The same search again"]


def test_the_command_that_repeats_a_run_says_how_its_arms_are_chosen(empty: Archive, run_settings: RunSettings) -> None:
    other = "static" if run_settings.choice == "bandit" else "bandit"
    named = run_settings.model_copy(update={"choice": other, "operators": ("tune", "term")})
    plain, chosen = new_run(empty, run_settings, []), new_run(empty, named, [])
    assert "--choice" not in commands_for(plain, (), "speciate.db")["The same search again"]
    assert f"--choice {other} --operators tune,term" in commands_for(chosen, (), "speciate.db")["The same search again"]


def test_a_model_without_a_key_leaves_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    db = tmp_path / "x.db"
    words = ["run", LANES, "--model", "m", "--evals", "3", "--sandbox", "process", "--quiet", "--db", str(db)]
    assert app([*words, "--control", "best-of-n"]) == 2
    assert "OPENAI_API_KEY" in capsys.readouterr().err
    archive = open_archive(db)
    assert archive.runs() == []
    archive.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--control", "chance"), "--control: expected one of random, best-of-n, no-archive, got 'chance'"),
        (("--control-evals", "5"), "--control-evals: expected a control arm"),
        (("--proposer", "random", "--control", "random"), "its own control"),
    ],
)
def test_mistakes_are_one_clear_line(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app(["run", LANES, "--sandbox", "process", "--db", str(tmp_path / "x.db"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
