"""The report: self-contained, escaped, the same twice."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from speciate.evaluators import SpeciateError
from speciate.runs._findings import Findings
from speciate.runs._insights import Learnt
from speciate.runs._plots import plots_of, svg_of
from speciate.runs._report import html_of, markdown_of, write_report

HOSTILE = '"""</code><script>alert(1)</script>"""\n# ````\n# {{ 7 * 7 }}\ndef choose(job, yard):\n    return 2\n'


def hostile(findings: Findings) -> Findings:
    assert findings.champion is not None
    words = "<img src=http://evil/x onerror=alert(1)>\n# heading | cell"
    told = {"code": HOSTILE, **dict.fromkeys(("idea", "rationale", "hypothesis", "insight"), words)}
    learnt = Learnt(ticket=3, outcome="ok", score=1.0, hypothesis=words, insight=words)
    changed = {"champion": findings.champion.model_copy(update=told), "insights": (learnt,)}
    return findings.model_copy(update=changed)


def page(findings: Findings) -> str:
    return html_of(findings, {name: svg_of(figure, name) for name, figure in plots_of(findings).items()})


class Requests(HTMLParser):
    """Collects whatever would make a browser ask for something, or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        for name, value in attrs:
            asks = name in ("src", "href", "xlink:href", "srcset", "data") and not (value or "").startswith(
                ("#", "data:image/")
            )
            if asks or name.startswith("on"):
                self.found.append(f"{tag} {name}={value}")


def test_the_page_asks_for_nothing_and_runs_nothing(findings: Findings) -> None:
    html = page(hostile(findings))
    parser = Requests()
    parser.feed(html)
    assert parser.found == []
    assert not re.search(r"url\((?!#)|@import", html)
    assert "default-src 'none'" in html


def test_untrusted_text_is_escaped_and_not_evaluated(findings: Findings) -> None:
    html = page(hostile(findings))
    assert "&lt;script&gt;alert(1)" in html
    assert "{{ 7 * 7 }}" in html
    assert "<img" not in html


def test_markdown_fences_code_so_that_it_cannot_get_out(findings: Findings) -> None:
    text = markdown_of(hostile(findings), ("progress",))
    assert f"`````python\n{HOSTILE}`````\n" in text
    assert "\n# heading" not in text
    assert text.count(r"\<img") == 5, "a rationale stands for the idea"


def test_all_baselines_the_control_and_every_workload_are_in_both(findings: Findings) -> None:
    html, text = page(findings), markdown_of(findings, tuple(plots_of(findings)))
    wanted = ["earliest-finish", "least-backlog", "first-lane", "random control"]
    wanted += [workload.name for workload in findings.workloads]
    wanted += [findings.tuning, findings.dedupe.words, *(words for _, words in findings.dynamics.words)]
    for word in wanted:
        assert word in html
        assert word in text
    assert str(findings.champion.design.candidate_id if findings.champion else "") in html
    for plot in ("progress", "archive", "dynamics", "gains", "comparison"):
        assert f"]({plot}.png)" in text
    assert html.count("<svg") == 5


def test_the_same_findings_give_the_same_page(findings: Findings) -> None:
    assert page(findings) == page(findings)


def test_a_report_without_champion_or_elites_can_be_written(findings: Findings, tmp_path: Path) -> None:
    empty = findings.model_copy(
        update={
            "champion": None,
            "best_baseline": None,
            "controls": (),
            "curve": (),
            "metrics": (),
            "groups": (),
            "openings": (),
            "grid": findings.grid.model_copy(update={"cells": (), "filled": 0}),
        }
    )
    report = write_report(empty, tmp_path / "report")
    assert "Neither validation nor held-out" in report.html.read_text()
    assert not (tmp_path / "report" / "champion.py").exists()


def test_everything_lies_in_the_folder(findings: Findings, tmp_path: Path) -> None:
    report = write_report(findings, tmp_path / "deep" / "report")
    names = {path.name for path in (tmp_path / "deep" / "report").iterdir()}
    assert {"report.html", "report.md", "findings.json", "champion.py", "progress.png", "progress.svg"} <= names
    assert findings.champion is not None
    kernel = findings.champion.model_copy(update={"path": "kernel.cpp"})
    write_report(findings.model_copy(update={"champion": kernel}), tmp_path / "kernel")
    assert (tmp_path / "kernel" / "champion.cpp").read_text(encoding="utf-8") == kernel.code
    for image in re.findall(r"\]\((\w+\.png)\)", report.markdown.read_text()):
        assert (report.markdown.parent / image).read_bytes().startswith(b"\x89PNG")
    assert Findings.model_validate_json(report.data.read_text()) == findings


def test_a_folder_that_cannot_be_is_one_clear_line(findings: Findings, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SpeciateError, match="cannot be written"):
        write_report(findings, tmp_path / "taken")


def test_every_row_of_the_markdown_table_of_designs_has_a_cell_for_each_title(findings: Findings) -> None:
    lines = markdown_of(findings, ()).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| design |"))
    rows = [line for line in lines[start : start + 5] if line.startswith("|")]
    assert len(rows) >= 4
    assert {line.replace("\\|", "").count("|") for line in rows} == {rows[0].count("|")}
