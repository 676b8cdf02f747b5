"""From a model's text to a design, or to a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent._diff import DiffError, apply_blocks, parse_blocks
from speciate.agent._replies import RawReply, parse_reply

CODE = "def choose(job, yard):\n    return 1\n"
PARENT = "A = 1\n\n\ndef choose(job, yard):\n    if job.size > A:\n        return 1\n    return 0\n"
HOOKS = ("choose",)


def parsed(text: str | None, finish: str | None = "stop", parent: str = PARENT, choices: int = 1):
    return parse_reply(RawReply(text, finish, choices), parent, HOOKS)


@pytest.mark.parametrize(
    "text",
    [
        f"Idea: one.\n\n```python\n{CODE}```\n",
        f"```py\n{CODE}```",
        f"```\n{CODE}```\ntrailing words",
        f"~~~~ python title=x\n{CODE}~~~~",
        f"   ```python\n{CODE}   ```",
        f"Idea\n```python\n{CODE}",
        f"Sketch:\n```python\nx = 1\n```\nAll:\n```python\n{CODE}```\nUsage:\n```\nchoose(1, 2)\nmore\nlines\n```",
        f"<think>\n```python\ndef choose(): wrong\n```\n</think>\n```python\n{CODE}```",
        CODE,
        f"```python\r\n{CODE}```".replace("\n", "\r\n").replace("\r\r", "\r"),
    ],
)
def test_a_whole_file_is_found_in_any_dress(text):
    result = parsed(text)
    assert (result.outcome, result.source) == ("rewrite", CODE)


def test_a_fence_inside_a_longer_fence_is_part_of_the_code():
    code = f'"""Doc.\n\n```\nnot code\n```\n"""\n{CODE}'
    assert parsed(f"````python\n{code}````").source == code


def test_the_idea_is_the_text_before_the_code_on_one_line_and_short():
    assert parsed(f"Idea: wait\nfor the fast lane.\n\n```\n{CODE}```").idea == "Idea: wait for the fast lane."
    assert len(parsed(f"{'x' * 9000}\n```\n{CODE}```").idea) == 500


@pytest.mark.parametrize(
    ("text", "finish", "outcome"),
    [
        ("I would look at the queue first.", "stop", "no_code"),
        ("Here: `choose` is good.", "stop", "no_code"),
        ("```python\n```", "stop", "no_code"),
        ("", "stop", "empty"),
        (None, "stop", "empty"),
        ("  \n ", None, "empty"),
        ("", "length", "truncated"),
        (None, "length", "truncated"),
        (f"Idea\n```python\n{CODE}", "length", "truncated"),
        ("<think>so many thoughts", "length", "truncated"),
        ("Idea\n```python\nx = 1\n```\nand then\n```python\ndef ch", "length", "truncated"),
        ("<<<<<<< SEARCH\nA = 1\n=======\nA = 2\n>>>>>>> REPLACE\n<<<<<<< SEA", "length", "truncated"),
        ("<<<<<<< SEARCH\nA = 1\n=======\nA = 2\n", "stop", "diff_failed"),
        ("<<<<<<< SEARCH\nB = 1\n=======\nB = 2\n>>>>>>> REPLACE", "stop", "diff_failed"),
    ],
)
def test_what_cannot_be_used_says_why(text, finish, outcome):
    result = parsed(text, finish)
    assert (result.outcome, result.source) == (outcome, None)
    assert len(result.reason) > 15


def test_no_choices_is_an_outcome_of_its_own():
    assert parsed(None, None, choices=0).outcome == "no_choices"


def test_a_reply_cut_after_its_complete_file_is_used():
    assert parsed(f"```python\n{CODE}```\nThis works becau", "length").source == CODE


def test_blocks_are_applied_in_order_wherever_they_stand():
    text = (
        "Idea.\n```\n<<<<<<< SEARCH\nA = 1\n=======\nA = 2\nB = 3\n>>>>>>> REPLACE\n```\nand\n"
        "<<<<<<< SEARCH\nB = 3\n=======\n>>>>>>> REPLACE\n"
    )
    result = parsed(text)
    assert (result.outcome, result.source) == ("diff", PARENT.replace("A = 1", "A = 2"))


def test_indentation_and_trailing_blanks_are_forgiven_and_put_right():
    search, replace = "if job.size > A:  \n    return 1", "if job.size > 2:\n    return 2\n"
    result = parsed(f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE")
    assert result.source == PARENT.replace("> A", "> 2").replace("        return 1\n", "        return 2\n\n")


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("    return 7", ["block 1", "matches nothing", "'    return 7'"]),
        ("", ["empty SEARCH"]),
        ("   \n\n", ["empty SEARCH"]),
        ("x = 0", ["matches 2 places", "more lines"]),
        ("  x = 0", ["matches 2 places"]),
    ],
)
def test_a_block_that_does_not_fit_says_how(search, words):
    blocks = parse_blocks(f"<<<<<<< SEARCH\n{search}\n=======\npass\n>>>>>>> REPLACE")
    with pytest.raises(DiffError) as error:
        apply_blocks("x = 0\ny = 1\nx = 0\n", blocks)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< SEARCH\na\n",
        "<<<<<<< SEARCH\na\n=======\nb",
        "<<<<<<< SEARCH\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE",
    ],
)
def test_unfinished_blocks_are_refused(text):
    with pytest.raises(DiffError):
        parse_blocks(text)


lines = st.lists(st.text("ab \t=#", max_size=6), min_size=1, max_size=8)


@given(lines, lines, st.data())
def test_an_edit_of_a_unique_place_changes_that_place_only(before, after, data):
    source = [f"{number}{line}" for number, line in enumerate(before)]
    at = data.draw(st.integers(0, len(source) - 1))
    new = [f"z{line}" for line in after]
    text = "\n".join(["<<<<<<< SEARCH", source[at], "=======", *new, ">>>>>>> REPLACE"])
    result = parse_reply(RawReply(text, "stop"), "\n".join(source) + "\n")
    assert result.source == "\n".join([*source[:at], *new, *source[at + 1 :]]) + "\n"


@given(st.text(), st.sampled_from(["stop", "length", None]), st.text(max_size=50))
def test_any_text_parses_to_something(text, finish, parent):
    result = parsed(text, finish, parent)
    assert (result.source is None) == (result.outcome not in ("diff", "rewrite"))
