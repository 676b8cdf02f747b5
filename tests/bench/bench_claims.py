"""How far a discovery can be believed: searches with noisy judges of known truth, and a design that cannot be trusted.

    python tests/bench/bench_claims.py

Prints how often selection makes the true best of 20 designs champion, which is better by one standard deviation of the
noise (300 runs of at most 330 measurements; goal: 90 %), beside the best of one measurement each; how many of 1,000
runs claim a gain where no design is better than the baseline (goal: at most 65); and what 1,000 gates say of a design
that knows the train workloads by heart (goal: no gain is confirmed). Exits with 1 where a goal is missed.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.evaluators._gate import Gate, GateState
from support.forecast import gain, memorised
from support.known_truth import BUDGET, RUNS, false_claims, found_best, normal

DESIGNS = 20
RIGHT_GOAL = 0.9
CLAIM_RUNS, CLAIM_GOAL = 1000, 65
GATES = 1000


def champion() -> bool:
    """Print how often the champion is the best design; return whether that is often enough."""
    found = found_best([-1.0] + [0.0] * (DESIGNS - 1), seed=1)
    shares = {"champion_is_the_best": found.right, "one_measurement_each": found.naive, "goal": RIGHT_GOAL}
    told = {name: round(share, 3) for name, share in shares.items()}
    print(json.dumps(told | {"runs": RUNS, "most_measurements": found.most, "budget": BUDGET}))
    return found.right >= RIGHT_GOAL and found.most <= BUDGET


def claims() -> bool:
    """Print how many runs claim what is not there; return whether they are few enough."""
    false = false_claims(1, normal, CLAIM_RUNS)
    print(json.dumps({"false_claims": false, "goal": CLAIM_GOAL, "runs": CLAIM_RUNS}))
    return false <= CLAIM_GOAL


def overfit() -> bool:
    """Print what gates say of a design that learned train by heart; return whether none of them confirms a gain."""
    design = memorised()
    train, validation = gain(design, "train"), gain(design, "validation")
    answers = [Gate(f"forecast/{i}").ask(GateState(), train, validation)[0] for i in range(GATES)]
    confirmed = sum(answer.confirmed for answer in answers)
    largest = max(answer.gain or 0.0 for answer in answers)
    told = {"overfit_gain_on_train": round(train, 3), "on_validation": round(validation, 3)}
    print(json.dumps(told | {"largest_told": round(largest, 4), "confirmed": confirmed, "goal": 0, "gates": GATES}))
    return confirmed == 0


def main() -> int:
    """Print all of it and return the exit code."""
    met = [champion(), claims(), overfit()]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
