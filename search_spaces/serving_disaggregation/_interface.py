"""What a planner and its routers observe and answer."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

SITE = Record(
    name="Site",
    quantities=(
        Quantity(name="index"),
        Quantity(name="rank", about="its place by prompt_token_s, the fastest first, ties by index"),
        Quantity(name="node", about="number of the node it is in; links within a node are fast"),
        Quantity(name="prompt_token_s", unit="s", about="for each token of a prompt, in a full chunk"),
        Quantity(name="decode_token_s", unit="s", about="of an iteration that decodes one request, attention apart"),
        Quantity(name="blocks", unit="blocks", about="paged KV memory, 16 tokens each"),
    ),
)
PLAN = Record(
    name="Plan",
    quantities=(
        Quantity(name="replicas"),
        Quantity(name="rate", unit="requests/s", about="forecast of the mean, some ten per cent off"),
        Quantity(name="prompt_tokens", unit="tokens", about="forecast of the mean, likewise"),
        Quantity(name="output_tokens", unit="tokens", about="forecast of the mean, likewise"),
        Quantity(name="prompt_s", unit="s", about="for each prompt token, if all replicas computed prompts only"),
        Quantity(name="ttft_slo", unit="s", about="objective for the time to the first token"),
        Quantity(name="tpot_slo", unit="s", about="objective for the mean time of each token after it"),
    ),
)
REQUEST = Record(
    name="Request",
    quantities=(
        Quantity(name="prompt_tokens", unit="tokens", about="exact"),
        Quantity(name="predicted_output", unit="tokens", about="a noisy prediction; the true length is never shown"),
        Quantity(name="waited", unit="s", about="since it arrived; 0 in `prefill`"),
    ),
)
CLUSTER = Record(
    name="Cluster",
    quantities=(
        Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),
        Quantity(name="ttft_slo", unit="s", about="objective for the time to the first token"),
        Quantity(name="tpot_slo", unit="s", about="objective for the mean time of each token after it"),
    ),
)
REPLICA = Record(
    name="Replica",
    quantities=(
        Quantity(name="index", about="what to answer to choose it"),
        Quantity(name="prefills", about="1 where prompts are computed, else 0"),
        Quantity(name="decodes", about="1 where requests are decoded, else 0"),
        Quantity(name="prompt_token_s", unit="s", about="for each token of a prompt, in a full chunk"),
        Quantity(name="decode_token_s", unit="s", about="of an iteration that decodes one request, attention apart"),
        Quantity(name="transfer_token_s", unit="s", about="for each prompt token, to bring the KV cache here"),
        Quantity(name="link_wait_s", unit="s", about="until what it has to send is sent"),
        Quantity(name="incoming", unit="requests", about="whose KV cache is on its way here or waits for a link"),
        Quantity(name="prefill_tokens", unit="tokens", about="prompt tokens still to compute, running and queued"),
        Quantity(name="running", unit="requests", about="in the batch"),
        Quantity(name="queued", unit="requests", about="placed here or arrived, and not yet admitted"),
        Quantity(name="free_blocks", unit="blocks", about="paged memory that nothing holds"),
        Quantity(name="context_tokens", unit="tokens", about="in the KV cache"),
        Quantity(name="iteration_s", unit="s", about="time of the next iteration if it only decodes; else 0"),
    ),
)
_SHOWN = (
    Argument(name="request", record=REQUEST),
    Argument(name="view", record=CLUSTER, table="replicas", row=REPLICA),
)
_ELSE = (
    "A replica that does no such work stands for the next one around that does, and all of its row from "
    "transfer_token_s on is 0."
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="role",
            arguments=(Argument(name="site", record=SITE), Argument(name="plan", record=PLAN)),
            answer=Answer(kind="integer", low=0, high=2),
            about="Called for each replica in order, before the first request. Answer MIXED (0: serves from prompt to "
            "last token, and decodes what it is sent), PREFILL (1) or DECODE (2). If nobody is left for one kind of "
            "work, the last replica is mixed.",
        ),
        Hook(
            name="prefill",
            arguments=_SHOWN,
            answer=Answer(kind="integer", low=0, high="rows-1"),
            about=f"Called once for each request, when it arrives. Answer who computes its prompt. {_ELSE}",
        ),
        Hook(
            name="decode",
            arguments=_SHOWN,
            answer=Answer(kind="integer", low=0, high="rows-1"),
            about="Called when a PREFILL replica has computed a prompt and its first token. Answer who decodes the "
            f"rest: the KV cache is sent there, one at a time from each replica. {_ELSE}",
        ),
    ),
    constants={"MIXED": 0, "PREFILL": 1, "DECODE": 2},
)
