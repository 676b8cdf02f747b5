"""The models of a run: from the command line and from a file, with their prices, in show, report and replay."""

import json
import re
from pathlib import Path

import pytest
from speciate.agent import ModelSettings, PriceTable, open_archive, shipped_prices
from speciate.agent._tables import Reply, Request
from speciate.agent._variants import VARIANTS
from speciate.evaluators import SpeciateError
from speciate.runs._models import models_asked, models_text
from speciate.runs.cli import app
from sqlalchemy import select
from support.lanes import EARLIEST
from support.openai_server import OpenAIServer

GUIDE = Path(__file__).parent.parent.parent / "docs" / "models.md"
LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")
KEY = "sk-very-secret-0123456789abcdef"
HERE = {"base_url": "http://127.0.0.1:9/v1"}

FILE = """
[[model]]
name = "cheap"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "CHEAP_KEY"
roles = ["draft"]
temperature = 0.9
requests_per_minute = 60
tokens_per_minute = 100_000
concurrency = 4
usd_per_million_input = 1
usd_per_million_cached_input = 0.1
usd_per_million_output = 2.5

[model.operators.diff]
temperature = 0.2
effort = "high"

[[model]]
name = "strong \\"two\\""
api = "responses"
effort = "low"
"""

PRICES = """
as_of = 2026-01-31

[[price]]
model = "cheap"
input = 3.0
cached_input = 0.3
output = 6.0

[[price]]
model = "elsewhere"
host = "api.example.com"
input = 3.0
output = 6.0
"""


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str, name: str = "models.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def asked(file: Path | None = None, prices: Path | None = None, names: tuple[str, ...] = (), **options: object):
    return models_asked(names, options, file, prices)


def test_a_file_says_everything_of_each_model(write):
    cheap, strong = asked(write(FILE))
    assert (cheap.roles, cheap.api, cheap.concurrency) == (("draft",), "chat", 4)
    assert (cheap.usd_per_million_cached_input, cheap.priced_on) == (0.1, None)
    assert (cheap.sampling("diff").temperature, cheap.sampling("diff").effort) == (0.2, "high")
    assert (cheap.sampling("rewrite").temperature, cheap.sampling("rewrite").effort) == (0.9, None)
    assert (strong.name, strong.api, strong.roles) == ('strong "two"', "responses", ("draft", "repair"))
    assert strong.usd_per_million_input is None


def test_models_as_text_are_the_same_models(write):
    models = (*asked(write(FILE)), ModelSettings(name="ö\\\t", operators={"idea first": {"effort": "none"}}))
    assert asked(write(models_text(models), "again.toml")) == models


def test_the_examples_of_the_guide_are_files_that_can_be_used(write):
    models, prices = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    table = write(prices, "prices.toml")
    small, strong = asked(write(models), table)
    assert (small.roles, strong.roles) == (("draft",), ("repair",))
    (priced,) = asked(prices=table, names=("strong-model",), base_url="https://api.example.com/v1")
    assert priced.usd_per_million_cache_write == strong.usd_per_million_cache_write
    for field in ModelSettings.model_fields.keys() - {"priced_on"}:
        assert field in GUIDE.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "model: Field required"),
        ("[[model]]", "model.1.name: Field required"),
        (f"[[model]]\nname = 'm'\napi_key = '{KEY}'", "model.1.api_key: Extra inputs are not permitted"),
        (f"[[model]]\nname = 'm'\napi_key_env = '{KEY}'", "model.1.api_key_env: String should match"),
        ("[[model]]\nname = 'm'\nroles = ['mend']", "model.1.roles.1: Input should be 'draft' or 'repair'"),
        ("[[model]]\nname = 'm'\nroles = []", "model.1.roles: Tuple should have at least 1 item"),
        ("[[model]]\nname = 'm'\nconcurrency = 0", "model.1.concurrency: Input should be greater"),
        ("[[model]]\nname = 'm'\ntemperature = inf", "model.1.temperature: Input should be a finite number"),
        ("[[model]]\nname = 'm'\n[model.operators.diff]\ntemp = 1", "model.1.operators.diff.temp: Extra inputs"),
        ("[[model]\nname = 'm'", "expected TOML: "),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_line_that_names_the_place(write, text, words):
    path = write(text)
    with pytest.raises(SpeciateError) as error:
        asked(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert KEY not in str(error.value)


def test_no_file_and_two_ways_at_once_are_refused(write, tmp_path):
    with pytest.raises(SpeciateError, match=r"none.toml cannot be read: No such file"):
        asked(tmp_path / "none.toml")
    for options in ({"names": ("m",)}, {"temperature": 1.0}, {"api_key_env": "MINE"}):
        with pytest.raises(SpeciateError, match=r"^--models says all there is"):
            asked(write(FILE), **options)


def test_prices_are_the_models_own_or_the_users_table_or_the_one_that_is_shipped(write, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    table = write(PRICES, "prices.toml")
    own, strong = asked(write(FILE), table)
    assert (own.usd_per_million_input, own.priced_on) == (1, None)
    assert strong.usd_per_million_input is None
    (theirs,) = asked(prices=table, names=("cheap",), **HERE)
    assert (theirs.usd_per_million_input, theirs.usd_per_million_cached_input) == (3.0, 0.3)
    assert theirs.priced_on == "2026-01-31"
    (partly,) = asked(prices=table, names=("cheap",), usd_per_million_input=7.0, **HERE)
    assert (partly.usd_per_million_input, partly.usd_per_million_output) == (7.0, None)
    (elsewhere,) = asked(prices=table, names=("elsewhere",), base_url="https://api.example.com/v1")
    (impostor,) = asked(prices=table, names=("elsewhere",), **HERE)
    assert (elsewhere.usd_per_million_output, impostor.usd_per_million_output) == (6.0, None)
    first = shipped_prices().price[0]
    (shipped,) = asked(names=(first.model,))
    (local,) = asked(names=(first.model,), **HERE)
    assert shipped.usd_per_million_output == first.output
    assert shipped.priced_on == shipped_prices().as_of.isoformat()
    assert local.usd_per_million_output is None


def test_the_table_that_is_shipped_is_dated_and_names_each_model_once():
    table = shipped_prices()
    assert isinstance(table, PriceTable)
    names = [(price.host, price.model) for price in table.price]
    assert len(set(names)) == len(names)
    assert all(host for host, _ in names)


def test_a_table_whose_cache_would_cost_more_than_none_is_refused(write):
    path = write(PRICES.replace("cached_input = 0.3", "cached_input = 3.1"), "prices.toml")
    with pytest.raises(SpeciateError, match=r"price.1: .*cached_input <= input"):
        asked(prices=path, names=("m",))


BROKEN = [f"def choose(job, yard):\n    return {number} / 0.0\n" for number in range(1, 9)]
MENDED = [EARLIEST.replace("0.6", f"{0.65 + number / 20}") for number in range(8)]


def costs(db: Path) -> list[tuple[str, int, float | None]]:
    query = select(Request.model, Request.turn, Reply.cost_usd).outerjoin(Reply, Reply.request_id == Request.id)
    archive = open_archive(db)
    with archive.database.read() as connection:
        rows = connection.execute(query.order_by(Request.ticket, Request.turn, Request.attempt)).all()
    archive.close()
    return [tuple(row) for row in rows]


def told(words: list[str], capsys) -> str:
    assert app(words) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_cheap_model_drafts_a_strong_one_repairs_and_all_of_it_is_told_and_replayed(tmp_path, capsys, write):
    db, report = tmp_path / "runs.db", tmp_path / "report"
    script = ["given", "rewrite"] * 4
    with OpenAIServer(script, sources=BROKEN) as cheap, OpenAIServer(["given"], sources=MENDED) as strong:
        prices = write(PRICES, "prices.toml")
        models = write(f"""
[[model]]
name = "cheap"
base_url = "{cheap.base_url}"
roles = ["draft"]
temperature = 0.7

[[model]]
name = "strong"
base_url = "{strong.base_url}"
api = "responses"
roles = ["repair"]
usd_per_million_input = 20
usd_per_million_output = 40

[model.operators.repair]
effort = "high"
""")
        words = ["--models", str(models), "--prices", str(prices), "--usd", "9", "--evals", "10", "--quiet"]
        told(["run", LANES, *words, "--sandbox", "process", "--db", str(db), "--report", str(report)], capsys)
        asked_of = (cheap.requests, strong.requests)
        assert strong.bodies[0]["reasoning"] == {"effort": "high"}
        assert cheap.bodies[0]["temperature"] == 0.7
    assert min(asked_of) > 0
    spent = costs(db)
    assert [(model, turn > 0) for model, turn, _ in spent] == [(name, name == "strong") for name, _, _ in spent]
    assert all(usd is not None for *_, usd in spent)
    archive = open_archive(db)
    (run,) = archive.runs()
    mended = next(record for t in archive.tickets(run.id) for record in archive.candidates_of(run.id, t.number)[1:])
    assert {ticket.draw.model for ticket in archive.tickets(run.id)} == {None, "cheap"}
    archive.close()

    prices.write_text(PRICES.replace("3.0", "300.0").replace("6.0", "600.0"))
    kept = tmp_path / "kept.db"
    replayed = json.loads(told(["replay", run.id, "--db", str(db), "--into", str(kept), "--json"], capsys))
    assert replayed["identical"]
    assert costs(kept) == spent
    archive = open_archive(kept)
    assert archive.runs()[0].settings.models == run.settings.models
    archive.close()

    lines = told(["show", run.id, "--db", str(db)], capsys).splitlines()
    (row,) = [line.split() for line in lines if line.startswith("cheap  ")]
    assert row[1] == str(asked_of[0])
    assert f"{sum(entry.prompt_tokens // 8 for entry in cheap.log):,}" in row
    charged = "USD per million tokens: 3 for input, 0.3 for cached input, 6 for output (the table of 2026-01-31)"
    assert f"cheap: {charged}" in lines
    where = [f"{run.id}/{mended.ticket}", "--db", str(db)]
    variant = json.loads(told(["show", *where, "--json"], capsys))["variant"]
    assert f", model cheap, prompt {variant}, repaired by strong" in told(["show", *where], capsys)
    assert variant in VARIANTS
    again = write(told(["show", run.id, "--models", "--db", str(db)], capsys), "again.toml")
    assert asked(again) == run.settings.models

    findings = json.loads((report / "findings.json").read_text())
    assert findings["cost"]["models"]["strong"]["reasoning_tokens"] > 0
    commands = list(findings["commands"].values())
    assert commands[0].endswith("--models --db " + str(db) + " > models.toml")
    assert "--models models.toml" in commands[1]
    for name in ("report.md", "report.html"):
        text = (report / name).read_text()
        assert charged in text
        assert f"{findings['cost']['models']['cheap']['cached_tokens']:,}" in text
