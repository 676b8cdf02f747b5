"""Words of the command line that become settings of a run."""

import pytest
from speciate.evaluators import SpeciateError
from speciate.runs._settings import archive_settings, run_settings


def settings(**words):
    return run_settings(
        {"problem": {"name": "x"}, "proposer": "genetic", "models": [], "budget": {}, "workers": 1, **words}
    )


@pytest.mark.parametrize(("word", "kind", "niches"), [("grid", "grid", 64), ("cvt", "cvt", 64), ("cvt:9", "cvt", 9)])
def test_archive_is_named_in_a_word(word, kind, niches):
    chosen = settings(archive=archive_settings(word)).archive
    assert (chosen.kind, chosen.niches, chosen.centroids) == (kind, niches, ())


@pytest.mark.parametrize("word", ["", "grid:4", "cvt:", "cvt:-1", "cvt:4.5", "cvt:²", "voronoi"])
def test_another_archive_is_refused_in_a_sentence(word):
    with pytest.raises(SpeciateError, match=r"^--archive: expected grid, cvt or cvt:N"):
        archive_settings(word)


@pytest.mark.parametrize("word", ["cvt:1", "cvt:5000"])
def test_too_few_or_too_many_niches_are_refused(word):
    with pytest.raises(SpeciateError, match=r"^--archive cvt:N: Input should be (greater|less)"):
        settings(archive=archive_settings(word))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"mode": "researcher"}, "--mode researcher needs a model: give --model NAME or --models FILE"),
        ({"mode": "mixed", "proposer": "dice", "models": [{"name": "m"}]}, "--mode mixed goes with --proposer llm"),
        ({"mode": "dream", "proposer": "llm", "models": [{"name": "m"}]}, "--mode: Input should be 'evolve', 'resear"),
    ],
)
def test_mode_needs_a_model_that_it_is_of(words, told):
    with pytest.raises(SpeciateError) as error:
        settings(**words)
    assert str(error.value).startswith(told)


def test_mode_is_kept_with_what_a_ticket_for_research_may_use():
    chosen = settings(mode="mixed", proposer="llm", models=[{"name": "m"}])
    assert (chosen.mode, chosen.research.share, chosen.research.experiments) == ("mixed", 0.25, 12)
    assert settings().mode == "evolve"
