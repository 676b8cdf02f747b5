"""What a drafting policy observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record
from speciate.simulators.decoding import LONGEST, WIDEST

SEQUENCE = Record(
    name="Sequence",
    quantities=(
        Quantity(name="generated", unit="tokens", about="so far; how many there will be is not known"),
        Quantity(name="drafted", unit="tokens", about="length of its last draft; 0 before the first"),
        Quantity(name="accepted", unit="tokens", about="of its last draft"),
        Quantity(name="recent", about="share of its last ten or so tested draft tokens that were right, fading"),
        Quantity(name="rate", about="the same since it began; both are the batch's acceptance before the first test"),
        Quantity(name="tested", unit="tokens", about="of its drafts: those accepted and the first wrong one of each"),
        Quantity(name="idle", unit="steps", about="since its last draft: what is not drafted is not learnt from"),
        Quantity(name="confidence", about="the drafter's own probability of its next token; may be off"),
        Quantity(name="chosen", unit="tokens", about="length just chosen for it, when width is asked; else 0"),
    ),
)
BATCH = Record(
    name="Batch",
    quantities=(
        Quantity(name="active", unit="sequences", about="in this step"),
        Quantity(name="waiting", unit="sequences", about="of the wave that have not begun"),
        Quantity(
            name="planned",
            unit="tokens",
            about="that the target checks in this step so far: one for each sequence, and the drafts already chosen",
        ),
        Quantity(name="deepest", unit="tokens", about="longest draft chosen in this step so far"),
        Quantity(name="knee", unit="tokens", about="at which a pass computes as long as it waits for memory"),
        Quantity(name="draft_cost", about="time of a pass of the drafter, in passes of the target over as many tokens"),
        Quantity(name="acceptance", about="share of the last 500 or so tested tokens of all sequences that were right"),
        Quantity(
            name="rescued",
            about=f"share of the wrong ones for which one of the next {WIDEST - 1} alternatives was right, fading",
        ),
    ),
)
_SHOWN = (Argument(name="sequence", record=SEQUENCE), Argument(name="batch", record=BATCH))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="length",
            arguments=_SHOWN,
            answer=Answer(kind="integer", low=0, high=LONGEST),
            about="Called for each sequence before each step, oldest first: how many tokens it drafts.",
        ),
        Hook(
            name="width",
            arguments=_SHOWN,
            answer=Answer(kind="integer", low=1, high=WIDEST),
            about="Called next where that is not 0: candidates at each level of the draft. The target checks "
            "length * width tokens; the alternatives to the first choice are not gone on from.",
        ),
    )
)
