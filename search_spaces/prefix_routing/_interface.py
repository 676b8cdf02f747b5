"""What a router observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

REQUEST = Record(
    name="Request",
    quantities=(
        Quantity(name="prompt_tokens", unit="tokens", about="exact"),
        Quantity(name="predicted_output", unit="tokens", about="a noisy prediction; the true length is never shown"),
        Quantity(name="session", about="a number that all requests of one conversation share"),
        Quantity(
            name="first_block",
            about="a number that all prompts with the same first block share; -1 for a prompt shorter than a block",
        ),
    ),
)
CLUSTER = Record(
    name="Cluster",
    quantities=(Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),),
)
REPLICA = Record(
    name="Replica",
    quantities=(
        Quantity(name="index", about="what to answer to place the request here"),
        Quantity(name="speed", unit="x", about="relative speed of an iteration; 1 is the ordinary replica"),
        Quantity(name="cache_blocks", unit="blocks", about="room of its prefix cache"),
        Quantity(name="cached_tokens", unit="tokens", about="of this prompt, cached here now: not to be computed"),
        Quantity(
            name="prefill_tokens",
            unit="tokens",
            about="prompt tokens still to compute here, running and queued, without what is cached",
        ),
        Quantity(name="running", unit="requests", about="in the batch"),
        Quantity(name="queued", unit="requests", about="placed here and not yet admitted"),
        Quantity(name="free_blocks", unit="blocks", about="paged memory not held by running requests, 16 tokens each"),
        Quantity(name="context_tokens", unit="tokens", about="KV tokens of running requests"),
        Quantity(name="iteration_s", unit="s", about="time of the next iteration if it only decodes"),
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="place",
            arguments=(
                Argument(name="head", record=REQUEST),
                Argument(name="view", record=CLUSTER, table="replicas", row=REPLICA),
            ),
            answer=Answer(kind="integer", low=0, high="rows-1"),
            about="Called once for each request, when it arrives. Answer the index of the replica that takes it; there "
            "it stays.",
        ),
    )
)
