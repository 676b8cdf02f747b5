"""What a router observes and answers."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

HOLD = -1

REQUEST = Record(
    name="Request",
    quantities=(
        Quantity(name="arrival", unit="s", about="time of arrival, by a clock that starts anywhere in each workload"),
        Quantity(name="waited", unit="s", about="time since arrival; 0 in `key`"),
        Quantity(name="prompt_tokens", unit="tokens", about="exact"),
        Quantity(name="predicted_output", unit="tokens", about="a noisy prediction; the true length is never shown"),
        Quantity(name="prompt_blocks", unit="blocks", about="KV blocks of 16 tokens the prompt fills"),
    ),
)

CLUSTER = Record(
    name="Cluster",
    quantities=(
        Quantity(name="now", unit="s", about="time, by the same clock as `arrival`"),
        Quantity(name="queue_length", unit="requests", about="waiting centrally, this one included"),
        Quantity(name="queue_tokens", unit="tokens", about="prompt and predicted output waiting centrally"),
    ),
)

REPLICA = Record(
    name="Replica",
    quantities=(
        Quantity(name="index", unit="", about="what to answer to place the request here"),
        Quantity(name="speed", unit="x", about="relative speed of an iteration; 1 is the ordinary replica"),
        Quantity(name="total_blocks", unit="blocks", about="KV capacity"),
        Quantity(name="used_blocks", unit="blocks", about="held by running requests"),
        Quantity(name="free_blocks", unit="blocks", about="total - used"),
        Quantity(name="reserved_blocks", unit="blocks", about="prompts placed here and not yet admitted"),
        Quantity(name="running", unit="requests", about="in the batch"),
        Quantity(name="queued", unit="requests", about="placed here and not yet admitted"),
        Quantity(name="prefill_tokens", unit="tokens", about="prompt tokens still to compute, running and queued"),
        Quantity(name="decode_tokens", unit="tokens", about="predicted output still to come, running and queued"),
        Quantity(name="context_tokens", unit="tokens", about="KV tokens of running requests"),
        Quantity(name="iteration_s", unit="s", about="time of the next iteration if it only decodes"),
        Quantity(name="peak_blocks", unit="blocks", about="blocks if all here grow to their predicted length"),
        Quantity(name="preemptions", unit="", about="so far"),
    ),
)

INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="key",
            arguments=(Argument(name="request", record=REQUEST),),
            answer=Answer(kind="number"),
            about="Called once when a request arrives. The central queue is ordered by this number, lowest first; "
            "ties by arrival.",
        ),
        Hook(
            name="place",
            arguments=(
                Argument(name="head", record=REQUEST),
                Argument(name="view", record=CLUSTER, table="replicas", row=REPLICA),
            ),
            answer=Answer(kind="integer", low=HOLD, high="rows-1"),
            about="Called for the head of the queue on arrival and when capacity frees. Answer a replica's index, or "
            "HOLD to keep it (and all behind it) waiting centrally.",
        ),
    ),
    constants={"HOLD": HOLD},
)
