"""What a policy observes of experts and device, and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record
from speciate.simulators.moe import CANDIDATES

EXPERT = Record(
    name="Expert",
    quantities=(
        Quantity(name="layer", about="it belongs to, from 0"),
        Quantity(name="ahead", unit="layers", about="until its layer is served next: 1 is the next one"),
        Quantity(name="idle", unit="steps", about="since it was last wanted, or since the run began"),
        Quantity(name="uses", unit="steps", about="that wanted it, ever"),
        Quantity(name="rate", about="share of the last 16 or so steps that wanted it, fading"),
        Quantity(name="streak", unit="steps", about="in a row that wanted it, up to its layer's last turn; else 0"),
        Quantity(name="guess", about="guessed probability that its layer's next turn wants it; 0 if not yet guessed"),
        Quantity(name="companion", about="how often it followed those just served of the layer before; else 0"),
        Quantity(name="unused", about="1 if it was fetched beforehand and was not wanted since"),
        Quantity(name="priority", about="so far; 0 if it has none"),
    ),
)
DEVICE = Record(
    name="Device",
    quantities=(
        Quantity(name="now", unit="steps", about="by a clock that starts anywhere in each workload"),
        Quantity(name="current", about="the layer being served"),
        Quantity(name="layers"),
        Quantity(name="slots", unit="experts", about="that fit, of all layers"),
        Quantity(name="fetch", unit="layers", about="that are computed, on average, while one expert is fetched"),
        Quantity(name="queued", unit="experts", about="under way, waited for or to be fetched beforehand"),
        Quantity(name="floor", about="lowest priority of the others on the device"),
        Quantity(name="accuracy", about="share of the first guesses one layer ahead that came true, fading"),
        Quantity(name="hits", about="share of what was wanted that was on the device, fading"),
    ),
)
_SHOWN = (Argument(name="expert", record=EXPERT), Argument(name="device", record=DEVICE))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="keep",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called for an expert that was just used or came beforehand: its priority. When a slot is needed it "
            "is called for that of the lowest priority, which goes unless the new one is above the next lowest.",
        ),
        Hook(
            name="prefetch",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about=f"Called, while a layer is served, for the {CANDIDATES} likeliest experts of each of the next two "
            "layers that are not on the device. Those above 0 are fetched, highest first, when nothing is waited for.",
        ),
    )
)
