"""Every choice that is measured. An arm is a line: what it changes of the defaults, and who writes."""

from functools import partial
from typing import Any

from arms import Ablation, Arm
from landscapes import LANDSCAPES
from speciate.agent._genetic import ARMS
from speciate.agent._llm_operators import WEIGHTS

EVALUATIONS = 60
STATIC, BANDIT = {"choice": "static"}, {"choice": "bandit"}
LAND = ("sphere", "rastrigin", "deceptive", "valley")
FUNCTIONS = tuple(LANDSCAPES)
PROGRAMS = ("approximation", "routing")


def arm(author: str = "genetic", evaluations: int = EVALUATIONS, **settings: Any) -> Arm:
    """Return an arm with a budget of evaluations, unless ``settings`` have another."""
    return Arm({"budget": {"evaluations": evaluations}, "window": 8, **STATIC, **settings}, author)


def on_points(author: str = "one step", evaluations: int = 400, **settings: Any) -> Arm:
    """Return an arm of searches of points."""
    return arm(author, evaluations, **settings)


def written(evaluations: int = EVALUATIONS, author: str = "author", **settings: Any) -> Arm:
    """Return an arm whose programs an author writes; without lessons, which only one of the authors heeds."""
    return arm(author, evaluations, **{"lessons": "off", **settings})


slips = partial(written, author="slipping author")


def bought(word: str, **settings: Any) -> Arm:
    """Return an arm with two models and so many dollars."""
    usd = {"cheap": 0.15, "dear": 0.1}[word]
    return Arm({"budget": {"usd": usd}, "window": 8, "lessons": "off", **settings}, f"{word} pays")


def told(**settings: Any) -> Arm:
    """Return an arm with so many tokens, for an author whom details do not help."""
    return Arm({"budget": {"tokens": 60_000}, "window": 8, "lessons": "off", **settings}, "author")


def heeding(lessons: str) -> Arm:
    """Return an arm of an author that does as the lessons say."""
    return arm("heedful author", 120, lessons=lessons, operators=("rewrite", "diff"))


ONE = on_points()
GENETIC = arm()
OPERATORS = [each.name for each in ARMS]

ABLATIONS = (
    Ablation("3 islands, migration 50", on_points(islands={"count": 3}), ONE, LAND),
    Ablation(
        "3 islands, migration 25, restart 60",
        on_points(islands={"count": 3, "migrate": 25, "restart": 60}),
        ONE,
        LAND,
    ),
    Ablation("64 centroids for a grid of 64", on_points(archive={"kind": "cvt", "niches": 64}), ONE, LAND),
    Ablation("window 8 for 1", ONE, on_points(window=1), LAND),
    Ablation("window 4 for 1", on_points(window=4), on_points(window=1), LAND),
    Ablation("window 8 for 1, programs", GENETIC, arm(window=1), PROGRAMS),
    Ablation(
        "operators by bandit, even weights",
        on_points("steps, even", **BANDIT),
        on_points("steps, even", **STATIC),
        LAND,
    ),
    Ablation(
        "operators by bandit, ill weights",
        on_points("steps, ill-weighted", **BANDIT),
        on_points("steps, ill-weighted", **STATIC),
        LAND,
    ),
    *(
        Ablation(
            f"models by bandit, the {word} one is the better buy",
            Arm({"budget": {"usd": 0.4}, "window": 8, **BANDIT}, f"{word} pays"),
            Arm({"budget": {"usd": 0.4}, "window": 8, **STATIC}, f"{word} pays"),
            LAND,
        )
        for word in ("cheap", "dear")
    ),
    Ablation(
        "3 islands by bandit",
        on_points(islands={"count": 3}, **BANDIT),
        on_points(islands={"count": 3}, **STATIC),
        LAND,
    ),
    Ablation("genetic operators by bandit", arm(evaluations=150, **BANDIT), arm(evaluations=150), PROGRAMS),
    *(
        Ablation(f"genetic {name}", GENETIC, arm(operators=[o for o in OPERATORS if o != name]), PROGRAMS)
        for name in OPERATORS
    ),
    Ablation("llm operators by bandit", written(100, **BANDIT), written(100), PROGRAMS),
    *(
        Ablation(f"llm {name}", written(), written(operators=[o for o in WEIGHTS if o != name]), PROGRAMS)
        for name in WEIGHTS
    ),
    Ablation("repair, an author that slips", slips(repairs=1), slips(repairs=0), PROGRAMS),
    *(
        Ablation(
            f"models by bandit, the {word} one is the better buy, programs",
            bought(word, **BANDIT),
            bought(word, **STATIC),
            PROGRAMS,
        )
        for word in ("cheap", "dear")
    ),
    Ablation("prompt variants by bandit, equal tokens", told(**BANDIT), told(**STATIC), PROGRAMS),
    Ablation("lessons of the run, heeded", heeding("run"), heeding("off"), FUNCTIONS),
    Ablation("lessons of an earlier run, heeded", heeding("family"), heeding("off"), FUNCTIONS),
)
