"""Whether a champion's structure is new, or only its constants."""

import ast

import pytest
from speciate.evaluators import Baseline, Candidate
from speciate.runs._novelty import novelty_of, skeleton

EARLIEST = """
POWER = 0.6


def choose(job, yard):
    best, least = 0, 1e300
    for lane in yard.lanes:
        score = lane.backlog + job.size / lane.speed**POWER
        if score < least:
            best, least = lane.index, score
    return best
"""
FIRST = "def choose(job, yard):\n    return 0\n"


def baselines() -> list[Baseline]:
    return [
        Baseline(name="earliest", title="", candidate=Candidate.from_source(EARLIEST)),
        Baseline(name="first", title="", candidate=Candidate.from_source(FIRST)),
    ]


def verdict(source: str) -> tuple[str, str]:
    found = novelty_of(Candidate.from_source(source), baselines())
    return found.kind, found.nearest


def test_the_baseline_itself_is_recognised_whatever_its_comments() -> None:
    commented = EARLIEST.replace("def choose", "# a remark\ndef choose")
    assert verdict(commented) == ("same", "earliest")
    assert "itself" in novelty_of(Candidate.from_source(commented), baselines()).sentence


@pytest.mark.parametrize(
    "source",
    [
        EARLIEST.replace("0.6", "1.75"),
        EARLIEST.replace("POWER = 0.6\n", "").replace("POWER", "1.75"),
        EARLIEST.replace("0.6", "-0.2"),
        EARLIEST.replace("POWER", "EXPONENT").replace("least", "lowest").replace("lane.", "l.").replace("lane ", "l "),
        EARLIEST.replace("job, yard", "job: object, yard: object").replace("):", ") -> int:", 1),
    ],
)
def test_other_numbers_and_names_are_only_constants(source: str) -> None:
    assert verdict(source) == ("constants", "earliest")


def test_another_formula_is_a_new_structure_with_its_nearest_baseline() -> None:
    changed = EARLIEST.replace("lane.backlog + ", "lane.backlog * lane.jobs + ")
    found = novelty_of(Candidate.from_source(changed), baselines())
    assert (found.kind, found.nearest) == ("structure", "earliest")
    assert 0.5 < found.similarity < 1
    assert "new" in found.sentence


def test_a_rebound_name_is_not_taken_for_a_constant() -> None:
    tree = skeleton(
        "TOTAL = 1\n\n\ndef choose(job, yard):\n    global TOTAL\n    TOTAL = TOTAL + 1\n    return TOTAL\n"
    )
    assert "Assign" in ast.dump(tree.body[0])


def test_no_baselines_and_unparsable_text_are_told_as_such() -> None:
    assert "no baseline" in novelty_of(Candidate.from_source(FIRST), []).sentence
    assert verdict("def choose(:") == ("structure", "earliest")
