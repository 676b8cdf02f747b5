"""What evidence does to lessons: it is counted, ages, contradicts, and decides what an author is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent._lessons import (
    ANY,
    HALF_LIFE,
    NOTHING,
    SHOWN_HELPS,
    SHOWN_HURTS,
    SHOWN_WORDS,
    Book,
    Lesson,
    Trial,
    alike,
    cited_in,
    evidence,
    lines,
)

GAINED, LOST = 0.1, -0.2


def book(*lessons, usual=(20.0, 80.0)):
    first = Lesson(0, "change", ANY, *usual)
    numbered = [first, *(lesson._replace(number=number) for number, lesson in enumerate(lessons, 1))]
    return Book({lesson.number: lesson for lesson in numbered}, 0, len(numbered))


def change(text, improved, not_, gain=0.0):
    return Lesson(0, "change", text, improved, not_, gain)


def word(text, improved=0.0, not_=0.0):
    return Lesson(0, "model", text, improved, not_)


def texts(lessons):
    return [lesson.text for lesson in lessons]


def test_each_kind_of_change_is_counted_and_so_are_all():
    trials = [Trial(7, GAINED, ("a", "b")), Trial(8, LOST, ("a",)), Trial(9, 0.0, ("c",))]
    told = NOTHING.after(20, trials, []).lessons.values()
    assert [(each.number, each.text, *each[3:6]) for each in told] == [
        (0, ANY, 1.0, 2.0, pytest.approx(-0.1)),
        (1, "a", 1.0, 1.0, pytest.approx(-0.1)),
        (2, "b", 1.0, 0.0, pytest.approx(0.1)),
        (3, "c", 0.0, 1.0, 0.0),
    ]


def test_evidence_is_halved_every_half_life_and_new_evidence_counts_whole():
    first = NOTHING.after(20, [Trial(1, GAINED, ("a",))] * 4, [])
    later = first.after(20 + HALF_LIFE, [Trial(2, LOST, ("a",))], [])
    assert later.lessons[1] == Lesson(1, "change", "a", 2.0, 1.0, pytest.approx(0.2 - 0.2), 20 + HALF_LIFE)
    assert later.after(20 + 3 * HALF_LIFE, [], []).lessons[1].evidence == pytest.approx(0.75)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 100), st.floats(0, 100))
def test_aging_in_one_step_or_two_is_the_same(first, second, improved, not_):
    lesson = Lesson(1, "change", "a", improved, not_, 0.5, 40)
    once, twice = lesson.aged(40 + first + second), lesson.aged(40 + first).aged(40 + first + second)
    assert once.evidence_for == pytest.approx(twice.evidence_for)
    assert once.evidence_against == pytest.approx(twice.evidence_against)
    assert once.evidence <= lesson.evidence + 1e-12


def test_one_design_cannot_outweigh_all_others():
    told = NOTHING.after(20, [Trial(1, -1e9, ("a",)), Trial(2, 1e9, ("b",))], [])
    assert (told.lessons[1].gain, told.lessons[2].gain) == (-0.5, 0.5)


def test_only_a_models_words_gain_by_being_cited_and_only_where_they_are_in_the_book():
    start = book(word("weigh the backlog by speed"), change("a", 1.0, 1.0))
    told = start.after(20, [Trial(5, GAINED, (), cited=(1, 2, 99)), Trial(6, LOST, (), cited=(1,))], [])
    now = start.lessons[1].aged(20)
    assert told.lessons[1][3:5] == (now.evidence_for + 1, now.evidence_against + 1)
    assert told.lessons[2] == start.lessons[2].aged(20)
    assert len(told.lessons) == 3


def test_what_is_known_is_not_written_down_again():
    start = book(word("Weigh the backlog of a lane by its speed."))
    again = ["weigh the backlog of a lane by its speed!", "Hold large jobs back.", "HOLD large jobs back"]
    told = start.after(20, [], again)
    assert texts(told.lessons.values())[2:] == ["Hold large jobs back."]
    assert (told.lessons[2].number, told.numbers) == (2, 3)
    assert told.after(40, [Trial(1, GAINED, ("Hold large jobs back.",))], []).numbers == 3


def test_numbers_of_forgotten_lessons_are_not_given_out_again():
    started = Book({0: Lesson(0, "change", ANY)}, 0, 7)
    assert list(started.after(20, [Trial(1, GAINED, ("new",))], ["a word of a model"]).lessons) == [0, 7, 8]


def test_success_is_held_against_what_is_usual():
    few, many = change("a", 1.0, 0.0), change("b", 10.0, 0.0)
    shelf = book(few, many)
    assert shelf.usual == 0.2
    assert 1 < shelf.success(shelf.lessons[1]) < shelf.success(shelf.lessons[2]) < 5
    assert shelf.success(Lesson(9, "change", "c", 2.0, 8.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("usual", [(0.0, 50.0), (1.0, 1.0)])
def test_nothing_is_said_of_changes_while_the_usual_is_unknown(usual):
    shelf = book(change("a", 5.0, 0.0), word("a word of a model", 0.0, 9.0), usual=usual)
    assert shelf.usual is None
    assert texts(shelf.shown())[-1:] == ["a word of a model"]
    assert "a" not in texts(shelf.shown())


def test_an_author_is_told_what_helped_and_what_hurt_and_the_newest_untried_words():
    helped = [change(f"helped {n}", 5.0 + n, 5.0) for n in range(SHOWN_HELPS + 2)]
    hurt = [change(f"hurt {n}", 0.0, 20.0 + n) for n in range(SHOWN_HURTS + 2)]
    usual = [change("as usual", 4.0, 16.0), change("hardly tried", 2.0, 0.0)]
    words = [word(f"saying number {n}") for n in range(SHOWN_WORDS + 2)]
    told = texts(book(*helped, *hurt, *usual, *words).shown())
    assert told == [
        *(f"helped {n}" for n in (5, 4, 3, 2)),
        *(f"hurt {n}" for n in (4, 3, 2)),
        *(f"saying number {n}" for n in (5, 4, 3, 2)),
    ]


def test_contradicted_words_go_out_of_use_until_their_evidence_has_aged():
    shelf = book(word("hold all jobs back", 0.0, 4.0), word("send each job on at once", 2.0, 2.0))
    assert texts(shelf.shown()) == ["send each job on at once"]
    later = shelf.after(HALF_LIFE, [], [])
    assert set(texts(later.shown())) == {"hold all jobs back", "send each job on at once"}
    again = later.after(HALF_LIFE + 20, [Trial(1, LOST, (), cited=(1,))] * 2, [])
    assert texts(again.shown()) == ["send each job on at once"]


def test_what_an_author_says_to_follow_is_read_from_its_words():
    assert cited_in("First [L12], then [L3] and [L12]; not L4, [l5], [L] or [L12345678].") == (12, 3)


def test_lessons_as_lines():
    shelf = book(change("a", 3.0, 1.0, 0.02), word("b b b b"))
    assert lines(shelf, shelf.shown()).split("\n") == [
        "Of all changes, 20 % improved on their parents.",
        "[L1] a: 3 improved on their parents, 1 did not; 0.5 % gained on average",
        "[L2] b b b b: not tried yet",
    ]
    told = evidence(Lesson(1, "change", "a", 12.4, 0.25, -1.0))
    assert told == "12 improved on their parents, 0.2 did not; 7.9 % lost on average"


@given(st.text(max_size=60))
def test_a_text_is_like_itself(text):
    assert alike(text, f"{text}!")
