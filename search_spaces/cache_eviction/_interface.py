"""What an eviction policy observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

OBJECT = Record(
    name="Object",
    quantities=(
        Quantity(name="idle", unit="requests", about="since it was last wanted before this request; 0 if it never was"),
        Quantity(name="age", unit="requests", about="since it was stored"),
        Quantity(name="hits", about="since it was stored"),
        Quantity(name="asked", about="how often it was ever wanted, this time included"),
        Quantity(name="ghost", unit="requests", about="since it was let go; 0 if it was not, or that is forgotten"),
        Quantity(name="predicted", unit="requests", about="guess, when last wanted, of when it is wanted again; noisy"),
        Quantity(name="priority", about="its priority so far; 0 while it is being stored"),
        Quantity(name="fresh", about="1 while it is being stored, else 0"),
    ),
)
CACHE = Record(
    name="Cache",
    quantities=(
        Quantity(name="now", unit="requests", about="by a clock that starts anywhere in each workload"),
        Quantity(name="capacity", unit="objects", about="that are held"),
        Quantity(name="floor", about="priority of the object that was let go last"),
        Quantity(name="error", about="mean |ln(predicted / true)| of the last few hundred guesses that came true"),
        Quantity(name="guesses", about="how many that is known from, fading"),
    ),
)
_SHOWN = (Argument(name="item", record=OBJECT), Argument(name="cache", record=CACHE))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="priority",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called when an object is stored and whenever it is hit. What has the lowest priority goes first.",
        ),
        Hook(
            name="review",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called for the object of the lowest priority while a place is needed: its new priority. It is let "
            "go unless that is higher and reaches the next object's, which is then reviewed in turn.",
        ),
    )
)
