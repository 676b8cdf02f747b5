"""The comparison of searches is fair and its figures are right: author, landscapes, evaluators, void rows."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).with_name("peers")))

import figures
import search
import search_evaluation
from edits import edited
from landscapes import LANDSCAPES
from proposer import Author
from search_problem import problem
from speciate.agent._diff import apply_blocks, parse_blocks
from speciate.evaluators import Candidate, judge_inline

SHINKA = Path(search.__file__).with_name("shinka_evaluation.py")


@pytest.mark.parametrize("name", LANDSCAPES)
def test_edits_of_a_program_are_programs_that_differ_and_depend_on_the_seed_alone(name):
    parent = LANDSCAPES[name].seed
    for number in range(60):
        child = edited(parent, Random(number))
        compile(child, "child", "exec")
        assert child != parent
        assert edited(parent, Random(number)) == child
        parent = child


@pytest.mark.parametrize("name", LANDSCAPES)
def test_both_evaluators_give_one_program_one_score(name, tmp_path, monkeypatch):
    parent, told = LANDSCAPES[name].seed, tmp_path / "scores.txt"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of a program that is written over within a second
    monkeypatch.setenv("PEERS_LANDSCAPE", name)
    monkeypatch.setenv("PEERS_LOG", str(told))
    program = tmp_path / "program.py"
    compared = 0
    for number in range(12):
        source = edited(parent, Random(number)) if number else parent
        program.write_text(source, "utf-8")
        theirs = search_evaluation.evaluate(str(program))["combined_score"]
        ours = judge_inline(problem({"landscape": name}), Candidate.from_source(source)).score
        assert (ours or 0.0) == theirs
        compared += theirs > 0
    assert compared > 6
    assert len(told.read_text("utf-8").split()) == 12


def test_a_program_that_fails_scores_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PEERS_LANDSCAPE", "packing")
    monkeypatch.setenv("PEERS_LOG", str(tmp_path / "scores.txt"))
    program = tmp_path / "program.py"
    program.write_text("def priority(bin):\n    return float('nan')\n", "utf-8")
    assert search_evaluation.evaluate(str(program)) == {"combined_score": 0.0}


@pytest.mark.parametrize("fails", [False, True])
def test_the_two_files_that_shinkaevolve_reads_tell_the_same_score(fails, tmp_path):
    program, results = tmp_path / "program.py", tmp_path / "results"
    text = "def value(point):\n    return nothing\n" if fails else LANDSCAPES["approximation"].seed
    program.write_text(text, "utf-8")
    environment = {**os.environ, "PEERS_LANDSCAPE": "approximation", "PEERS_LOG": str(tmp_path / "scores.txt")}
    words = ["--program_path", str(program), "--results_dir", str(results)]
    subprocess.run([sys.executable, SHINKA, *words], env=environment, check=True)
    (score,) = map(float, (tmp_path / "scores.txt").read_text("utf-8").split())
    assert json.loads((results / "metrics.json").read_text("utf-8"))["combined_score"] == score
    assert json.loads((results / "correct.json").read_text("utf-8"))["correct"] is not fails
    assert (score == 0.0) == fails


def asked(author, prompt, system=""):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
    body = json.dumps({"model": "author", "messages": messages}).encode()
    request = urllib.request.Request(f"{author.base_url}/chat/completions", body)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def test_the_author_writes_alike_for_every_framework_and_never_reads_the_other_programs():
    parent = LANDSCAPES["routing"].seed
    ours = f"x\nBEGIN DATA ab\n```python\n{parent}```\nEND DATA ab\nBEGIN DATA cd\n```python\nother\n```\n"
    theirs = f"## Top Program\n```python\nother\n```\n# Current Program\n```python\n{parent}\n```\n# Task\n"
    marked = f"# EVOLVE-BLOCK-START\n{parent}# EVOLVE-BLOCK-END\n"
    other = "# Prior programs\n\n```python\nother\n```\n"
    shinkas = f"{other}# Current program\n\nHere it is:\n\n```python\n{marked}```\n\n# Task\n{other}"
    with Author("1") as one, Author("1") as two, Author("1") as three:
        first, second, third = asked(one, ours), asked(two, theirs), asked(three, shinkas)
        again = asked(one, ours)
        block = asked(three, shinkas, "<<<<<<< SEARCH\n")
    assert first == second == third
    child = again.split("```python\n")[1].split("```")[0]
    assert apply_blocks(marked, parse_blocks(block)) == marked.replace(parent, child)
    assert first.split("```python\n")[1] != again.split("```python\n")[1]
    with Author("1") as author:
        assert "```" not in asked(author, "nothing to see")
        assert (author.replies, author.lost) == (1, 1)


def test_a_diff_asked_for_is_the_rewrite_in_another_form():
    parent = LANDSCAPES["caching"].seed
    shown = f"BEGIN DATA ab\n```python\n{parent}```\nEND DATA ab\n"
    for number in range(20):
        with Author(str(number)) as author:
            rewrite = asked(author, shown)
        with Author(str(number)) as author:
            block = asked(author, f"{shown}<<<<<<< SEARCH\n")
        assert apply_blocks(parent, parse_blocks(block)) == rewrite.split("```python\n")[1].split("```")[0]


def row(framework, seed, best, **other):
    counts = {"exit": 0, "lost": 0, "unused": 0, "failed": 0, "replies": 100, "evaluations": 100}
    told = {"problem": "p", "framework": framework, "seed": seed, "best": best, "best_by_replies": best}
    return {**told, **counts, "wall_s": 1, "cpu_s": 1, **other}


def test_a_row_is_void_where_more_than_one_reply_in_twenty_was_not_understood():
    assert not figures.void(row("speciate", 1, 1.0, unused=5))
    assert figures.void(row("speciate", 1, 1.0, unused=6))
    assert figures.void(row("speciate", 1, 1.0, exit=1))
    rows = [row("speciate", seed, 2.0) for seed in (1, 2, 3)] + [row("openevolve", seed, 1.0) for seed in (1, 2)]
    table = figures.summary([*rows, row("openevolve", 3, 9.0, unused=50)], "openevolve", "OpenEvolve")
    assert "| p | 2 | 2.00 | 1.00 | +1.00 [+1.00, +1.00] | 2 of 2 |" in table


def test_each_framework_has_ours_beside_it_at_its_own_number_of_evaluations():
    rows = [row("speciate", 1, 2.0, asked=100), row("openevolve", 1, 1.0, asked=100)]
    rows += [row("speciate", 1, 1.5, asked=30), row("shinka", 1, 1.75, asked=30)]
    tables = search.tables_of(rows, search.PEERS)
    assert "### ShinkaEvolve, 30 evaluations\n\n| problem | seeds | Speciate | ShinkaEvolve |" in tables
    assert "| p | 1 | 2.00 | 1.00 | +1.00 [+1.00, +1.00] | 1 of 1 |" in tables
    assert "| p | 1 | 1.50 | 1.75 | -0.25 [-0.25, -0.25] | 0 of 1 |" in tables


def test_the_table_goes_between_its_marks_and_a_line_cut_short_is_no_row(tmp_path):
    page = f"a\n{search.BEGIN}\nold\n{search.END}\nb\n"
    assert search.with_table(page, "new") == f"a\n{search.BEGIN}\nnew\n{search.END}\nb\n"
    assert search.with_table("plain\n", "new") == "plain\n"
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"seed": 1}\n{"seed": 2, "sco', "utf-8")
    assert search.rows_of(rows) == [{"seed": 1}]
    search.append(rows, {"seed": 3})
    assert search.rows_of(rows) == [{"seed": 1}, {"seed": 3}]
    assert search.rows_of(tmp_path / "none.jsonl") == []
