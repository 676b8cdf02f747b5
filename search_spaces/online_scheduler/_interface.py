"""What a scheduler observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

SMALLEST_QUANTUM = 0.02
"""Work; a fiftieth of the mean size. Quanta below it are refused."""

JOB = Record(
    name="Job",
    quantities=(
        Quantity(name="waited", unit="s", about="since it arrived, service included"),
        Quantity(name="attained", unit="work", about="service received so far; it ends when this is its size"),
        Quantity(name="predicted", unit="work", about="some predictor's guess of its size; the size is never shown"),
        Quantity(name="weight", about="what a second of its response time costs"),
        Quantity(
            name="predictor_error",
            about="mean |ln(predicted / size)| over the finished jobs of the same predictor; 1 before the first",
        ),
        Quantity(name="predictor_count", unit="jobs", about="how many finished jobs that is known from"),
    ),
)
SYSTEM = Record(
    name="System",
    quantities=(
        Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),
        Quantity(name="present", unit="jobs", about="arrived and not finished"),
        Quantity(name="mean_size", unit="work", about="of the finished jobs; 0 before the first"),
        Quantity(name="finished", unit="jobs"),
    ),
)
_SHOWN = (Argument(name="job", record=JOB), Argument(name="system", record=SYSTEM))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="rank",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called when a job arrives and whenever it has received its quantum. The machine serves the lowest "
            "rank, ties by who was ranked first, and leaves a job for a lower rank at once; a rank stays as it is "
            "until the job's quantum is used up.",
        ),
        Hook(
            name="quantum",
            arguments=_SHOWN,
            answer=Answer(kind="number", low=SMALLEST_QUANTUM),
            about="Called when a job begins to be served after it was ranked: the work after which its rank is asked "
            "for anew. A large number means never.",
        ),
    )
)
