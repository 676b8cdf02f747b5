"""What a scaler observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

FLEET = Record(
    name="Fleet",
    quantities=(
        Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),
        Quantity(name="up", unit="replicas", about="that take requests"),
        Quantity(name="starting", unit="replicas", about="paid for, and of no use yet"),
        Quantity(name="draining", unit="replicas", about="that finish what they have and take no more"),
        Quantity(name="most", unit="replicas", about="there can be"),
        Quantity(name="next_ready_s", unit="s", about="until the next that starts is up; 0 if none starts"),
        Quantity(name="start_s", unit="s", about="that a start takes"),
        Quantity(name="waiting", unit="requests", about="centrally, since every replica has its 64"),
        Quantity(name="outstanding", unit="requests", about="at the replicas, queued and running"),
        Quantity(name="used_share", about="of the KV blocks of the replicas that are up"),
        Quantity(name="rate_30", unit="requests/s", about="that arrived in the last 30 s"),
        Quantity(name="rate_120", unit="requests/s", about="that arrived in the last 120 s"),
        Quantity(name="rate_600", unit="requests/s", about="that arrived in the last 600 s"),
        Quantity(name="tokens_rate", unit="tokens/s", about="prompt and predicted output of the last 120 s"),
        Quantity(name="finish_rate", unit="requests/s", about="that finished in the last 120 s"),
        Quantity(name="late_share", about="of those, how many took longer than they were promised"),
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="replicas",
            arguments=(Argument(name="fleet", record=FLEET),),
            answer=Answer(kind="number"),
            about="Called every 15 s. Answer how many replicas are wanted, those that start included; it is rounded "
            "and kept between 1 and `most`. To grow, draining replicas are taken back at once and others are started; "
            "to shrink, starts are given up and then the replicas with the fewest requests drain.",
        ),
    )
)
