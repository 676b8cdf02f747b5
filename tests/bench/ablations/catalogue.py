"""Every choice that is measured. An arm is a line: what it changes of the defaults, and who writes."""

from functools import partial
from typing import Any

from arms import Ablation, Arm
from landscapes import LANDSCAPES
from speciate.agent._genetic import ARMS
from speciate.agent._llm_operators import ON_REQUEST, WEIGHTS

EVALUATIONS = 60
STATIC, BANDIT = {"choice": "static"}, {"choice": "bandit"}
LAND = ("sphere", "rastrigin", "deceptive", "valley")
OPERATORS = [each.name for each in ARMS]
DRAWN = [name for name in WEIGHTS if name not in ON_REQUEST]
FUNCTIONS = tuple(LANDSCAPES)
PROGRAMS = ("approximation", "routing")


def on_points(author: str = "one step", evaluations: int = 400, **settings: Any) -> Arm:
    """Return an arm of searches of points."""
    return Arm({"budget": {"evaluations": evaluations}, "window": 8, **STATIC, **settings}, author)


def bred(evaluations: int = EVALUATIONS, **settings: Any) -> Arm:
    """Return an arm of the genetic proposer: all of its operators, unless ``settings`` name them."""
    return on_points("genetic", evaluations, **{"operators": OPERATORS, **settings})


def written(evaluations: int = EVALUATIONS, author: str = "author", **settings: Any) -> Arm:
    """Return an arm whose programs an author writes, with all operators unless ``settings`` name them.

    It is without lessons, which only one of the authors heeds.
    """
    return on_points(author, evaluations, **{"operators": list(WEIGHTS), "lessons": "off", **settings})


slips = partial(written, author="slipping author")


def bought(word: str, **settings: Any) -> Arm:
    """Return an arm with two models and so many dollars; nothing it draws is free."""
    budget = {"usd": {"cheap": 0.15, "dear": 0.1}[word]}
    return written(author=f"{word} pays", budget=budget, operators=DRAWN, **settings)


def told(**settings: Any) -> Arm:
    """Return an arm with so many tokens, for an author whom details do not help."""
    return written(budget={"tokens": 60_000}, operators=DRAWN, **settings)


def heeding(lessons: str) -> Arm:
    """Return an arm of an author that does as the lessons say."""
    return written(120, "heedful author", lessons=lessons, operators=("rewrite", "diff"))


ONE = on_points()
GENETIC = bred()

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
    Ablation("window 8 for 1, programs", GENETIC, bred(window=1), PROGRAMS),
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
    Ablation("genetic operators by bandit", bred(150, **BANDIT), bred(150), PROGRAMS),
    *(
        Ablation(f"genetic {name}", GENETIC, bred(operators=[o for o in OPERATORS if o != name]), PROGRAMS)
        for name in OPERATORS
    ),
    Ablation("llm operators by bandit", written(100, **BANDIT), written(100), PROGRAMS),
    Ablation(
        "llm operators by bandit, without tune-constants",
        written(100, operators=DRAWN, **BANDIT),
        written(100, operators=DRAWN),
        PROGRAMS,
    ),
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
