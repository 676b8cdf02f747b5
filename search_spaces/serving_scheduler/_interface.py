"""What a scheduler observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

JOB = Record(
    name="Job",
    quantities=(
        Quantity(name="waited", unit="s", about="since it arrived"),
        Quantity(name="prompt_tokens", unit="tokens", about="exact"),
        Quantity(name="generated", unit="tokens", about="of its output, so far"),
        Quantity(name="predicted_output", unit="tokens", about="a noisy prediction; the true length is never shown"),
        Quantity(name="left_tokens", unit="tokens", about="to compute before its next token; 0 for a kept cache"),
        Quantity(name="blocks", unit="blocks", about="KV blocks of 16 tokens it holds, or needs to join"),
        Quantity(name="resident", unit="s", about="since it last joined; 0 in the line"),
        Quantity(name="preemptions", about="so far"),
        Quantity(name="first_target", unit="s", about="promised to its first token"),
        Quantity(name="token_target", unit="s", about="promised for each token"),
        Quantity(name="swap_s", unit="s", about="to copy its blocks to the host, and as long again to copy them back"),
    ),
)
ENGINE = Record(
    name="Engine",
    quantities=(
        Quantity(name="now", unit="s", about="by a clock that starts anywhere in each workload"),
        Quantity(name="total_blocks", unit="blocks", about="KV capacity"),
        Quantity(name="free_blocks", unit="blocks", about="still free after the next token of all that decode"),
        Quantity(name="peak_blocks", unit="blocks", about="held if all that run grew to their predicted length"),
        Quantity(name="host_blocks", unit="blocks", about="free for caches copied to the host"),
        Quantity(name="decoding", unit="requests", about="that yield a token in the next iteration"),
        Quantity(name="waiting", unit="requests", about="in the line"),
        Quantity(name="waiting_tokens", unit="tokens", about="to compute of the line and of the prompt under way"),
        Quantity(name="iteration_s", unit="s", about="time of the next iteration with what has joined so far"),
        Quantity(name="budget", unit="tokens", about="of prompts that still fit the next iteration"),
        Quantity(name="joined_tokens", unit="tokens", about="of prompts that have joined the next iteration"),
    ),
)
_SHOWN = (Argument(name="job", record=JOB), Argument(name="engine", record=ENGINE))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="rank",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called when a request arrives, and when it is preempted. The line is ordered by this number, lowest "
            "first; ties by arrival.",
        ),
        Hook(
            name="chunk",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called before an iteration for the prompt under way, then for the head of the line, again and again "
            "until it does not join or the iteration is full. Answer how many tokens of its prompt to compute. Below 1 "
            "it does not join, and is not asked about until the state changes: a new head arrives, a request finishes, "
            "one is preempted. A head joins with all its blocks; where they are not free, those that `evict` puts at 0 "
            "or above are preempted for it, or it does not join.",
        ),
        Hook(
            name="evict",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called for each running request when blocks run out, or when `chunk` wants a head for which there "
            "are too few. The highest goes first. Below 0 it goes only where blocks ran out.",
        ),
        Hook(
            name="swap",
            arguments=_SHOWN,
            answer=Answer(kind="number"),
            about="Called for a victim whose cache fits the host's free blocks. Above 0 it is copied there, and back "
            "when it joins again; all that decode wait for both. Otherwise it is dropped and computed again.",
        ),
    )
)
