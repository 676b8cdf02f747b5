"""What sets a child apart from its parent, in phrases that like changes share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent._changes import MOST, Words, changes
from speciate.evaluators import Candidate, SourceFile
from synthetic_problem import RoutingProblem

WORDS = Words(frozenset(("key", "place")), frozenset(("size", "age", "load", "HOLD")))
PARENT = """SLACK = 2.0


def key(job):
    return job.size * 3


def place(job, rows):
    for row in rows:
        if row.load < SLACK:
            return row.index
    return HOLD
"""


def told(before, after, words=WORDS):
    return changes(Candidate.from_source(before), Candidate.from_source(after), words)


@pytest.mark.parametrize(
    ("old", "new", "phrases"),
    [
        ("SLACK = 2.0", "SLACK = 2.5", ("constant `SLACK` made larger",)),
        ("SLACK = 2.0", "SLACK = -1.5", ("constant `SLACK` made smaller",)),
        ("job.size * 3", "job.size * 2", ("a number in `key` made smaller",)),
        ("job.size * 3", "job.age * 3", ("`key` uses `age` more", "`key` uses `size` less")),
        ("row.load < SLACK", "max(row.load) < SLACK", ("`place` calls `max` more",)),
        ("job.size * 3", "job.size * job.size", ("`key` uses `size` more",)),
        ("    return HOLD", "    return 0", ("`place` uses `HOLD` less",)),
        ("def place", "def _low(x):\n    return 0\n\n\ndef place", ("the program made longer",)),
        ("job.size * 3", "_low(job) * 3", ("`key` uses `size` less", "`key` calls `_low` more")),
        ("return job.size * 3", "return job.size * 3  # size, age, load 99", ()),
        ("def key(job):", 'def key(job):\n    """Uses age 7 times."""', ()),
        ("    return job.size * 3", "    weight = 4\n    return job.size * weight", ()),
    ],
)
def test_changes_are_told_in_the_problems_words(old, new, phrases):
    assert told(PARENT, PARENT.replace(old, new)) == phrases


def test_a_named_constant_is_told_of_beside_other_changes():
    child = PARENT.replace("SLACK = 2.0", "SLACK = 9.0").replace("job.size", "job.age")
    assert told(PARENT, child)[0] == "constant `SLACK` made larger"


def test_names_of_the_authors_own_are_never_told():
    child = f"def zeta(a):\n    return a\n\n\n{PARENT}".replace("job.size", "zeta(job.size)")
    assert told(PARENT, child) == ("the program made longer",)


def test_other_languages_are_compared_alike():
    def program(text):
        return Candidate(files=(SourceFile(path="main.c", text=text),), language="c")

    before = "// load 3\nint f(int size) { return size * 3; }\n"
    more = program(before.replace("* 3", "* 4"))
    assert changes(program(before), more, WORDS) == ("a number in the program made larger",)
    after = before.replace("size * 3", "abs(load) * 3")
    assert "the program uses `load` more" in changes(program(before), program(after), WORDS)
    assert changes(program(before), program(before.replace("load 3", "age 4")), WORDS) == ()


def test_programs_of_other_files_are_not_compared():
    one, other = (Candidate(files=(SourceFile(path=path, text="x = 1\n"),)) for path in ("a.py", "b.py"))
    assert changes(one, other, WORDS) == ()


def test_the_words_of_a_problem_are_what_its_interface_names():
    words = Words.of(RoutingProblem())
    assert words.functions == {"key", "place"}
    assert {"prompt_tokens", "free_blocks", "HOLD", "queue_length"} <= words.known
    assert not {"request", "head", "view", "key", "place"} & words.known


@given(st.text(max_size=200), st.text(alphabet="def key(size)*0.1e9_=\n '\"#", max_size=200))
def test_any_two_texts_give_a_few_short_phrases(before, after):
    phrases = told(before, after)
    assert len(phrases) <= MOST
    assert all(len(phrase) < 100 and "\n" not in phrase for phrase in phrases)
    assert told(before, before) == ()


def test_a_name_without_end_is_not_repeated():
    long = "x" * 10_000
    assert long not in " ".join(told(PARENT, f"{long} = 1\n{long}(2)\n{PARENT}"))
