"""What a placement is made from, and its one canonical form: the expert of each slot."""

from speciate.evaluators import Array, PlanInterface

INTERFACE = PlanInterface(
    inputs=(
        Array(
            name="loads",
            shape=("windows", "layers", "experts"),
            unit="tokens",
            about="of the past windows, oldest first; experts is shape[2]",
        ),
        Array(
            name="placement",
            shape=("layers", "slots"),
            kind="integer",
            about="the expert of each slot now; slot s is on device s // (slots // devices)",
        ),
        Array(name="devices", kind="integer", about="each has slots // devices slots of every layer"),
        Array(name="nodes", kind="integer", about="device d is in node d // (devices // nodes)"),
        Array(
            name="move_cost",
            about="what it costs now to fetch every slot's weights from other nodes, in windows of perfect balance; "
            "0 before the first window. Within a node it is an eighth. A slot whose expert its device held is free",
        ),
    ),
    outputs=(
        Array(
            name="place",
            shape=("layers", "slots"),
            kind="integer",
            low=0,
            about="the expert of each slot in the next window, below experts; each expert of a layer needs a slot, "
            "and its tokens are shared equally by all its slots",
        ),
    ),
    about="Called before each window.",
    counts_lines=True,
)
