"""With what budget the baselines were tuned, against what the champion's search was given."""

from collections.abc import Sequence

from speciate.evaluators import Baseline


def tuning_words(baselines: Sequence[Baseline], evaluations: int) -> str:
    """Return how the contenders among ``baselines`` were tuned, beside a search of ``evaluations``; may be empty."""
    contenders = [baseline for baseline in baselines if not baseline.control]
    tunable = [baseline for baseline in contenders if baseline.parameters]
    known = [b.tuned_evaluations for b in tunable if b.tuned_evaluations is not None]
    if not contenders:
        return ""
    if not tunable:
        return "The baselines have no constants to tune."
    if not known:
        return f"How the {len(tunable)} baselines with constants were tuned is not recorded (speciate tune does it)."
    low, high = min(known), max(known)
    told = f"Tuning each of {len(known)} baselines took {low if low == high else f'{low} to {high}'} evaluations"
    missing = len(tunable) - len(known)
    told += f", that of {missing} more is not recorded" if missing else ""
    told += f"; the search, which starts from them, was given {evaluations}"
    return f"{told}: a larger budget than a baseline's." if evaluations > low else f"{told}, no more than a baseline."
