"""From a model's text to a design, or to a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent._diff import DiffError, apply_blocks, parse_blocks
from speciate.agent._replies import Asked, RawReply, parse_reply
from speciate.evaluators import SourceFile

CODE = "def choose(job, yard):\n    return 1\n"
PARENT = "A = 1\n\n\ndef choose(job, yard):\n    if job.size > A:\n        return 1\n    return 0\n"
HOOKS = ("choose",)


def parsed(text: str | None, finish: str | None = "stop", parent: str = PARENT, choices: int = 1):
    asked = Asked((SourceFile(path="candidate.py", text=parent),), HOOKS)
    return parse_reply(RawReply(text, finish, choices), asked)


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
    result = parsed(text, parent="\n".join(source) + "\n")
    assert result.source == "\n".join([*source[:at], *new, *source[at + 1 :]]) + "\n"


@given(st.text(), st.sampled_from(["stop", "length", None]), st.text(max_size=50))
def test_any_text_parses_to_something(text, finish, parent):
    result = parsed(text, finish, parent)
    assert (result.source is None) == (result.outcome not in ("diff", "rewrite"))


MAIN = "int main() { return twice(2); }\n"
TWO = (SourceFile(path="main.cpp", text=MAIN), SourceFile(path="lib/twice.h", text="// x\n"))


def files_of(text: str, asked: Asked, finish: str = "stop"):
    result = parse_reply(RawReply(text, finish), asked)
    return result.outcome, {file.path: file.text for file in result.files}, result.reason


def test_a_whole_file_in_another_language_is_the_longest_block():
    asked = Asked((SourceFile(path="main.cpp", text="int main() {}\n"),), python=False)
    text = "Idea.\n```sh\ng++ main.cpp\n```\n```cpp\nint main() {\n    return 1;\n}\n```\n"
    assert files_of(text, asked) == ("rewrite", {"main.cpp": "int main() {\n    return 1;\n}\n"}, "")
    assert files_of(text, asked, "length")[0] == "rewrite"
    assert files_of("Idea.\n```cpp\nint a;\n```\nand\n```cpp\nint main() {", asked, "length")[0] == "truncated"
    assert files_of("int main() {}", asked)[0] == "no_code"


@pytest.mark.parametrize("line", ["FILE: `lib/twice.h`", "**lib/twice.h**:\n", "### lib/twice.h"])
def test_files_are_told_apart_by_the_path_before_their_block(line):
    text = f"Idea.\n\nFILE: `main.cpp`\n```cpp\nint main() {{}}\n```\n{line}\n```cpp\n// y\n```\n"
    outcome, files, _ = files_of(text, Asked(TWO, python=False))
    assert (outcome, files) == ("rewrite", {"main.cpp": "int main() {}\n", "lib/twice.h": "// y\n"})


def test_a_file_that_is_not_repeated_stays():
    text = "Idea.\n```cpp lib/twice.h\n// y\n```\n"
    assert files_of(text, Asked(TWO, python=False))[1] == {"main.cpp": TWO[0].text, "lib/twice.h": "// y\n"}


def test_an_edit_finds_its_file():
    text = "Idea.\n<<<<<<< SEARCH\n// x\n=======\n// y\n>>>>>>> REPLACE\n"
    assert files_of(text, Asked(TWO, python=False))[:2] == (
        "diff",
        {"main.cpp": TWO[0].text, "lib/twice.h": "// y\n"},
    )
    twice = (SourceFile(path="a.c", text="// x\n"), SourceFile(path="b.c", text="// x\n"))
    assert "matches 2 places" in files_of(text, Asked(twice, python=False))[2]
    assert "block 1 matches nothing" in files_of(text.replace("// x", "// z"), Asked(TWO, python=False))[2]


MARKED = "fixed();\n// EVOLVE-BLOCK-START\nold();\n// EVOLVE-BLOCK-END\nlast();\n"


def test_nothing_outside_the_seeds_block_is_taken_from_a_reply():
    file = SourceFile(path="main.c", text=MARKED)
    asked = Asked((file, SourceFile(path="frame.c", text="x\n")), python=False, frame=(file,))
    told = MARKED.replace("old", "new").replace("fixed", "cheats")
    rewrite = f"Idea.\nFILE: `main.c`\n```c\n{told}```\nFILE: `frame.c`\n```c\ny\n```\n"
    kept = {"main.c": MARKED.replace("old", "new"), "frame.c": "x\n"}
    assert files_of(rewrite, asked._replace(frame=asked.files)) == ("rewrite", kept, "")
    edit = "<<<<<<< SEARCH\nfixed();\n=======\ncheats();\n>>>>>>> REPLACE\n"
    assert files_of(edit, asked)[0] == "frame_broken"
    bare = "Idea.\nFILE: `main.c`\n```c\nnew();\n```\n"
    assert files_of(bare, asked)[0] == "frame_broken"
    assert "EVOLVE-BLOCK-START" in files_of(bare, asked)[2]
