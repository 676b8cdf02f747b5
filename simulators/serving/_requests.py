"""What the engine keeps of each request: plain lists, one entry a request, shared by all replicas."""

import numpy as np

from ._trace import Trace


class Requests:
    """Per-request state. Lists and not arrays: reading one number of a list is several times as fast."""

    __slots__ = (
        "admitted_s",
        "arrival_s",
        "base",
        "cached",
        "fields",
        "finish_s",
        "first_token_s",
        "generated",
        "outlives",
        "output",
        "peak_blocks",
        "pending",
        "placed_s",
        "predicted",
        "preemptions",
        "prompt",
        "prompt_blocks",
        "replica",
        "reused",
    )

    def __init__(self, trace: Trace, block_size: int):
        n = len(trace)
        blocks = -(-trace.prompt_tokens // block_size)
        self.arrival_s: list[float] = trace.arrival_s.tolist()
        columns = (trace.arrival_s, np.zeros(n), trace.prompt_tokens, trace.predicted_output, blocks)
        self.fields: list[list[float]] = np.column_stack(columns).tolist()
        """REQUEST_FIELDS of each request on arrival."""
        self.prompt: list[int] = trace.prompt_tokens.tolist()
        self.output: list[int] = trace.output_tokens.tolist()
        self.predicted: list[int] = trace.predicted_output.tolist()
        self.prompt_blocks: list[int] = blocks.tolist()
        peak = -(-(trace.prompt_tokens + trace.predicted_output) // block_size)
        self.peak_blocks: list[int] = peak.tolist()
        """What ``peak_blocks`` of the replica counts for it until it outlives its prediction."""
        self.pending: list[int] = trace.prompt_tokens.tolist()
        """Tokens to compute before the next token comes out: the prompt, and what was generated before a preemption."""
        self.cached = [0] * n
        """Of ``pending``, the leading tokens whose KV cache is there when it is admitted: not to be computed."""
        self.reused = [0] * n
        """Tokens so spared, over all its admissions."""
        self.generated = [0] * n
        """Output tokens at the last admission."""
        self.base = [0] * n
        """While it decodes: its replica's step count less the tokens it has generated."""
        self.outlives = [-1] * n
        """While it decodes within its prediction: the step at which it outlives it. Else -1."""
        self.replica = [-1] * n
        self.preemptions = [0] * n
        self.placed_s = [-1.0] * n
        self.admitted_s = [-1.0] * n
        self.first_token_s = [-1.0] * n
        self.finish_s = [-1.0] * n
