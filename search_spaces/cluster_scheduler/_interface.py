"""What a scheduler observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

JOB = Record(
    name="Job",
    quantities=(
        Quantity(name="waited", unit="s", about="since it arrived, service included"),
        Quantity(name="done", unit="s", about="work done so far, in seconds on its best type; it ends at its size"),
        Quantity(name="service", unit="GPU s", about="held so far, of all types"),
        Quantity(name="predicted", unit="s", about="some predictor's guess of its size on its best type"),
        Quantity(name="gpus", about="that it needs, all of one type"),
        Quantity(name="running", about="1 if it ran in the last round, else 0"),
        Quantity(
            name="error",
            about="mean |ln(predicted / size)| over the finished jobs of the same predictor; 1 before the first",
        ),
        Quantity(name="known", unit="jobs", about="how many finished jobs that is known from"),
    ),
)
OFFER = Record(
    name="Offer",
    quantities=(
        Quantity(name="speed", about="of the job on this type, relative to its best: 0 to 1"),
        Quantity(name="held", about="1 if the job ran on this type in the last round, else 0"),
        Quantity(name="gpus", about="that there are of this type"),
        Quantity(name="wanted", about="GPUs that the jobs present whose best type this is need, by those there are"),
        Quantity(name="worth", about="mean speed of the jobs present on this type, each by its GPUs"),
    ),
)
CLUSTER = Record(
    name="Cluster",
    quantities=(
        Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),
        Quantity(name="present", unit="jobs", about="arrived and not finished"),
        Quantity(name="demand", about="GPUs that they need, by all there are"),
        Quantity(name="mean_work", unit="s", about="of the finished jobs, on their best types; 0 before the first"),
        Quantity(name="finished", unit="jobs"),
        Quantity(name="round_s", unit="s"),
        Quantity(name="restart_s", unit="s", about="lost in a round in which a job does not go on where it ran before"),
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="rank",
            arguments=(
                Argument(name="job", record=JOB),
                Argument(name="offer", record=OFFER),
                Argument(name="cluster", record=CLUSTER),
            ),
            answer=Answer(kind="number"),
            about="Called at the start of each round for every job present and every type of GPU (the offer) on which "
            "it can run. The lowest rank is served first: the job gets its GPUs of that type for the round, if so many "
            "are left and it has none yet; ties go to who arrived first.",
        ),
    )
)
