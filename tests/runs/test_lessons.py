"""What ``show`` and the report tell of lessons: the clearest evidence, and text that stays text."""

import json

import pytest
from speciate.agent import Archive, RunRecord
from speciate.agent._lessons import ANY
from speciate.agent._statements import LESSONS
from speciate.runs._findings import Findings
from speciate.runs._lessons import lessons_of
from speciate.runs._report import html_of, markdown_of
from speciate.runs.cli import app

WORDS = "Weigh the backlog | <b>by</b> speed."
BOOK = (
    ("change", ANY, 20.0, 80.0, -4.0),
    ("change", "`choose` uses `speed` more", 9.0, 3.0, 0.6),
    ("change", "`choose` uses `backlog` less", 0.0, 12.0, -3.6),
    ("change", "the program made longer", 4.0, 16.0, 0.0),
    ("model", WORDS, 2.0, 1.0, 0.03),
    ("model", "Send all to the first lane.", 0.0, 5.0, -0.5),
)


@pytest.fixture
def told(archive: Archive, run: RunRecord) -> RunRecord:
    """The searched run with a book of our own."""
    names = ("kind", "text", "evidence_for", "evidence_against", "gain")
    rows = [
        {"run_id": run.id, "number": n, "commit": 20, "family": "toy", "source": [], "created_at": 0.0}
        | dict(zip(names, row, strict=True))
        for n, row in enumerate(BOOK)
    ]
    with archive.database.write() as connection:
        connection.execute(LESSONS.delete())
        connection.execute(LESSONS.insert(), rows)
    return run


def test_the_clearest_lessons_are_told_with_their_evidence(archive: Archive, told: RunRecord) -> None:
    lessons = lessons_of(archive, told)
    assert lessons is not None
    assert [(said.number, said.standing) for said in lessons.told] == [
        (1, "helps"),
        (2, "hurts"),
        (4, "in use"),
        (5, "contradicted"),
    ]
    first, second = lessons.told[:2]
    assert (first.improved, first.not_improved, first.gain) == (9.0, 3.0, pytest.approx(0.05))
    assert first.success is not None
    assert second.success is not None
    assert first.success > 1 > second.success
    assert (lessons.known, lessons.commit, lessons.usual) == (5, 20, 0.2)


def shown(archive: Archive, run: RunRecord, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert app(["show", run.id, "--db", archive.database.name, *more]) == 0
    return capsys.readouterr().out


def test_show_tells_them_as_text_and_as_json(
    archive: Archive, told: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(archive, told, capsys)
    assert "lessons    5 after 20 commits, the most telling 4 are told; of all changes 20 % improved" in text
    assert "L1      helps              9.0      3.0     +5.0 %  `choose` uses `speed` more" in text
    facts = json.loads(shown(archive, told, capsys, "--json"))
    assert [said["text"] for said in facts["lessons"]["told"]] == [BOOK[n][1] for n in (1, 2, 4, 5)]


def test_a_models_words_cannot_leave_their_cell(archive: Archive, told: RunRecord, findings: Findings) -> None:
    page = findings.model_copy(update={"lessons": lessons_of(archive, told)})
    html, text = html_of(page, {}), markdown_of(page, ())
    assert "&lt;b&gt;by&lt;/b&gt; speed." in html
    assert "<b>" not in html
    [row] = [line for line in text.splitlines() if "Weigh the backlog" in line]
    assert row.replace("\\|", "").count("|") == 6
    assert r"\<b\>" in row


def test_a_run_that_learnt_nothing_tells_nothing(
    archive: Archive, run: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    with archive.database.write() as connection:
        connection.execute(LESSONS.delete())
    assert lessons_of(archive, run) is None
    assert "lessons " not in shown(archive, run, capsys)
