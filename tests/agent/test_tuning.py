"""Constants of a design: which they are, that nothing else changes, and that tuning them finds better ones."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent._literals import changeable_files, constants_of
from speciate.agent._surface import Surface
from speciate.agent._tuning import MOST_NUMBERS, Trial, tuned
from speciate.evaluators import Candidate, SourceFile

PYTHON = '''"""Doc 9."""

WEIGHT = 1.5
BIAS = 0.0
NEVER = 1e300


def key(request):
    total = 0.0
    for part in request.parts[2:]:  # 4 of them
        total += part * 0.25 + 3
    shares = {"a": 8.5, "b": 2.25}
    return total * 6.5 + shares["a"] if total > 4.5 + 1e-12 else -7.5
'''
CPP = """// 3 lanes
#define RATE 3
// EVOLVE-BLOCK-START
const float share = 0.5f;
static int block[64], limit = 32, mask = 0xff;
int f(int x) { return x * 7 + block[1] + (x == 0); }
// EVOLVE-BLOCK-END
int outside = 5;
"""
TOML = 'level = 6\nname = "v2"\nratio = 0.25\n'


def one(text: str, path: str, language: str) -> Candidate:
    return Candidate(files=(SourceFile(path=path, text=text),), language=language)


CASES = {
    "python": (one(PYTHON, "candidate.py", "python"), [1.5, 0.0, 0.25, 3.0, 8.5, 2.25, 6.5, 4.5, 7.5]),
    "c++": (one(CPP, "main.cpp", "c++"), [0.5, 32.0, 7.0]),
    "toml": (one(TOML, "settings.toml", "toml"), [6.0, 0.25]),
}


def found(candidate: Candidate):
    return constants_of(candidate, changeable_files(candidate))


@pytest.mark.parametrize("language", CASES)
def test_numbers_that_say_how_much_are_found(language):
    candidate, values = CASES[language]
    assert list(found(candidate).values) == values


@pytest.mark.parametrize("language", CASES)
@given(st.lists(st.floats(-1e15, 1e15), min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_other_numbers_in_their_places_leave_the_rest_as_it_is(language, wanted):
    candidate, values = CASES[language]
    constants = found(candidate)
    child = constants.written(wanted[: len(values)])
    again = found(child)
    assert again.skeleton == constants.skeleton
    for literal, value, came in zip(constants.literals, wanted, again.values, strict=False):
        assert came == literal.nearest(value)
        assert came == int(came) or not literal.whole
    assert constants.written(constants.values).files == candidate.files


def test_sizes_stay_powers_of_two_and_suffixes_stay():
    constants = found(CASES["c++"][0])
    assert constants.written([0.75, 50.0, 6.6]).source == CPP.replace("0.5f", "0.75f").replace("= 32", "= 64")


def test_only_files_with_blocks_are_tuned_where_any_has_them():
    marked = SourceFile(path="a.py", text="# EVOLVE-BLOCK-START\nA = 2.5\n# EVOLVE-BLOCK-END\n")
    plain = SourceFile(path="b.py", text="B = 3.5\n")
    both = Candidate(files=(marked, plain))
    assert found(both).values == (2.5,)
    assert found(Candidate(files=(plain, SourceFile(path="c.py", text="C = 4.5\n")))).values == (3.5, 4.5)
    assert found(both).written([9.0]).files[1] == plain


def test_a_program_that_does_not_parse_and_one_without_numbers_have_nothing_to_tune():
    for text in ("def f(:\n    return 1.5\n", "def f(x):\n    return x[0]\n"):
        constants = found(Candidate.from_source(text))
        assert tuned(constants, [Trial(constants.values, 1.0)], Random(1)) is None


TARGET = {"A": 1.0, "B": 0.7, "C": 20.0, "D": 0.2, "N": 12.0}
START = "A = 0.3\nB = 2.0\nC = 5.0\nD = 0.05\nN = 3\n"


def distance(source: str) -> float:
    numbers: dict[str, float] = {}
    exec(source, numbers)
    return sum((math.log((numbers[name] + 0.01) / (target + 0.01))) ** 2 for name, target in TARGET.items())


def tuning(seed: int, tries: int) -> list[Trial]:
    constants = found(Candidate.from_source(START))
    trials = [Trial(constants.values, distance(START))]
    for number in range(tries):
        best = min(trials, key=lambda trial: trial.score)
        centre = found(constants.written(best.values))
        values = tuned(centre, trials, Random(f"{seed}/{number}"))
        assert values is not None
        assert values not in [trial.values for trial in trials]
        trials.append(Trial(values, distance(constants.written(values).source)))
    return trials


def test_tuning_finds_better_numbers_and_is_the_same_again():
    trials = tuning(1, 40)
    assert min(trial.score for trial in trials) < 0.05 * trials[0].score
    assert tuning(1, 12) == trials[:13]
    assert tuning(2, 12) != trials[:13]


def test_numbers_written_finely_are_tuned_at_every_scale():
    constants = found(Candidate.from_source("A = 0.166666672\nB = 0.5\n"))
    sizes = []
    for seed in range(60):
        values = tuned(constants, [Trial(constants.values, 1.0)], Random(seed))
        assert values is not None
        sizes.append(abs(values[0] / constants.values[0] - 1.0))
        assert values[1] == 0.5 or abs(values[1] / 0.5 - 1.0) > 1e-3
    assert sum(size < 1e-5 for size in sizes) > 10
    assert sum(size > 1e-2 for size in sizes) > 5


def test_a_design_of_many_numbers_keeps_those_of_least_weight():
    text = "".join(f"N{n} = {n + 2}\n" for n in range(MOST_NUMBERS)) + "print(3, 4.5)\n"
    constants = found(Candidate.from_source(text))
    assert len(constants.values) == MOST_NUMBERS + 2
    values = tuned(constants, [Trial(constants.values, 1.0)], Random(3))
    assert values is not None
    assert values[-2:] == (3.0, 4.5)
    assert sum(a != b for a, b in zip(values, constants.values, strict=True)) > MOST_NUMBERS / 2


def test_plateaus_and_wild_scores_are_no_harm():
    constants = found(Candidate.from_source(START))
    rng = Random(5)
    trials = [Trial(constants.values, 1.0)]
    for score in [1.0] * 9 + [1e30, 0.5, float(10**9)]:
        values = tuned(constants, trials, rng)
        assert values is not None
        trials.append(Trial(values, score))
    assert tuned(constants, trials, rng) is not None


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_surface_is_that_of_linear_algebra(seed):
    rng = Random(seed)
    points = [tuple(rng.gauss(0, 1) for _ in range(3)) for _ in range(12)]
    values = [sum(x * x for x in point) for point in points]
    surface = Surface(points, values, rng)
    x = np.array(points) * np.array(surface._weights)

    def kernel(a, b):
        r = np.sqrt(5 * ((a[:, None] - b[None]) ** 2).sum(-1))
        return (1 + r + r * r / 3) * np.exp(-r)

    y = np.array(surface._values)
    matrix = kernel(x, x) + 1e-3 * np.eye(len(x))
    other = tuple(rng.gauss(0, 1) for _ in range(3))
    near = kernel(np.array([other]) * np.array(surface._weights), x)[0]
    variance = y @ np.linalg.solve(matrix, y) / len(y)
    mean, deviation = near @ np.linalg.solve(matrix, y), np.sqrt((1 - near @ np.linalg.solve(matrix, near)) * variance)
    gap = (y.min() - mean) / deviation
    wanted = deviation * (gap * 0.5 * (1 + math.erf(gap / math.sqrt(2))) + np.exp(-gap * gap / 2) / np.sqrt(2 * np.pi))
    assert surface.improvement(other) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
