"""The same engine written a second time, the slow and obvious way.

One iteration at a time, every request touched in each, every observed number summed from scratch. Shares
no code with the simulator but the layout constants and the iteration model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from speciate.simulators.serving import HOLD, IterationModel, ReplicaSpec, Router, Trace


@dataclass
class Job:
    """One request."""

    number: int
    arrival: float
    prompt: int
    output: int
    predicted: int
    key: float = 0.0
    generated: int = 0
    to_compute: int = 0
    computed: int = 0
    decoding: bool = False
    blocks: int = 0
    chunk: int = 0
    preemptions: int = 0
    replica: int = -1
    placed: float = -1.0
    admitted: float = -1.0
    first_token: float = -1.0
    finish: float = -1.0


@dataclass
class Server:
    """One replica; ``ends`` is infinite when it does nothing."""

    index: int
    spec: ReplicaSpec
    running: list[Job] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    ends: float = inf
    iterations: int = 0
    preemptions: int = 0
    shown_blocks: dict[int, int] = field(default_factory=dict)
    brought: int = 0
    """Tokens that running requests hold and that show when their iteration has ended."""

    def needed(self, tokens: int) -> int:
        return ceil(tokens / self.spec.block_size)

    def free(self) -> int:
        return self.spec.blocks - sum(job.blocks for job in self.running)

    def start(self, now: float) -> None:
        """Schedule one iteration as vLLM V1 does: running requests in order, then waiting ones."""
        if not self.running and not self.waiting:
            self.ends = inf
            return
        before = {job.number: job.blocks for job in self.running}
        budget, preempted, position = self.spec.chunk_tokens, False, 0
        while position < len(self.running):
            job = self.running[position]
            job.chunk = 1 if job.decoding else min(job.to_compute - job.computed, budget)
            want = self.needed(job.computed + 1) if job.decoding else job.blocks
            while want - job.blocks > self.free() and job in self.running:
                self.preempt(self.running.pop())
                preempted = True
            if job in self.running:
                job.blocks = want
                budget -= job.chunk
                position += 1
        while not preempted and self.waiting and budget and len(self.running) < self.spec.max_batch:
            job = self.waiting[0]
            job.to_compute = job.prompt + job.generated
            if self.needed(job.to_compute) > self.free():
                break
            self.waiting.pop(0)
            self.running.append(job)
            job.blocks = self.needed(job.to_compute)
            job.computed = self.spared(job)
            job.chunk = min(job.to_compute - job.computed, budget)
            budget -= job.chunk
            job.admitted = now if job.admitted < 0 else job.admitted
        # The blocks a decode takes in this iteration show when it has ended.
        self.shown_blocks = {job.number: before.get(job.number, job.blocks) for job in self.running}
        self.ends = now + self.duration(self.spec.cost)

    def duration(self, cost: IterationModel) -> float:
        decodes = [job for job in self.running if job.decoding]
        prompts = [job for job in self.running if not job.decoding]
        tokens = sum(job.chunk for job in self.running)
        time = cost.token_s[tokens] + cost.head_s[len(self.running)]
        if decodes:
            rate = cost.mixed_context_s if prompts else cost.context_s
            time += cost.decode_fixed_s + rate * sum(job.computed + 1 for job in decodes)
        if prompts:
            pairs = sum(job.chunk * (job.computed + job.chunk / 2) for job in prompts)
            time += cost.prefill_fixed_s + cost.pair_s * pairs
        return time

    def spared(self, job: Job) -> int:
        """Tokens that a job which is admitted need not compute."""
        return 0

    def prompt_computed(self, job: Job) -> None:
        """What a server does when a prompt is complete."""

    def preempt(self, job: Job) -> None:
        self.preemptions += 1
        job.preemptions += 1
        job.blocks = job.computed = 0
        job.decoding = False
        self.waiting.insert(0, job)

    def end(self, now: float) -> int:
        self.iterations += 1
        self.ends = inf
        finished = 0
        for job in list(self.running):
            job.computed += job.chunk
            if not job.decoding and job.computed == job.to_compute:
                self.prompt_computed(job)
            if job.decoding or job.computed == job.to_compute:
                job.generated += 1
                job.decoding = True
                job.first_token = now if job.first_token < 0 else job.first_token
                if job.generated == job.output:
                    job.finish = now
                    self.running.remove(job)
                    finished += 1
        self.shown_blocks = {job.number: job.blocks for job in self.running}
        return finished

    def row(self) -> list[float]:
        used = sum(self.shown_blocks.values())
        decodes = [job for job in self.running if job.decoding]
        waiting = [job.prompt + job.generated for job in self.waiting]
        present = self.running + self.waiting
        context = sum(job.computed for job in self.running) - self.brought
        row = [self.index, self.spec.speed, self.spec.blocks, used, self.spec.blocks - used]
        row += [sum(map(self.needed, waiting)), len(self.running), len(self.waiting)]
        row += [sum(waiting) + sum(job.to_compute - job.computed for job in self.running if not job.decoding)]
        row += [sum(max(job.predicted - job.generated, 0) for job in present), context]
        row += [self.spec.cost.decode_s(len(decodes), context + len(decodes)) if decodes else 0.0]
        row += [sum(self.needed(job.prompt + max(job.predicted, job.generated)) for job in present)]
        return [float(value) for value in [*row, self.preemptions]]


class World:
    """The cluster: jobs to come, the central queue and the servers."""

    def __init__(self, replicas: Sequence[ReplicaSpec], trace: Trace, router: Router):
        columns = (trace.arrival_s, trace.prompt_tokens, trace.output_tokens, trace.predicted_output)
        self.jobs = [
            Job(number, float(arrival), int(prompt), int(output), int(predicted))
            for number, (arrival, prompt, output, predicted) in enumerate(zip(*columns, strict=True))
        ]
        self.servers = [Server(index, spec) for index, spec in enumerate(replicas)]
        self.coming = list(self.jobs)
        self.queue: list[Job] = []
        self.router = router
        self.forced = 0
        self.now = 0.0

    def head(self) -> Job:
        return min(self.queue, key=lambda job: (job.key, job.number))

    def fields(self, job: Job) -> list[float]:
        blocks = float(self.servers[0].needed(job.prompt))
        return [job.arrival, self.now - job.arrival, float(job.prompt), float(job.predicted), blocks]

    def put(self, job: Job, server: Server) -> None:
        self.queue.remove(job)
        job.placed, job.replica = self.now, server.index
        server.waiting.append(job)

    def ask(self) -> None:
        while self.queue:
            waiting = float(sum(job.prompt + job.predicted for job in self.queue))
            observation = [*self.fields(self.head()), self.now, float(len(self.queue)), waiting]
            for server in self.servers:
                observation += server.row()
            answer = self.router.place(observation)
            if answer == HOLD:
                return
            self.put(self.head(), self.servers[int(answer)])

    def arrive(self) -> None:
        self.now = self.coming[0].arrival
        while self.coming and self.coming[0].arrival == self.now:
            job = self.coming.pop(0)
            job.key = self.router.key(self.fields(job))
            self.queue.append(job)
            if job is self.head():
                self.ask()

    def step(self) -> bool:
        """Handle the next event. Returns False when there is none."""
        first = min(self.servers, key=lambda server: (server.ends, server.index))
        if first.ends < inf and (not self.coming or first.ends <= self.coming[0].arrival):
            self.now = first.ends
            if first.end(self.now) and self.queue:
                self.ask()
        elif self.coming:
            self.arrive()
        elif self.queue:
            self.forced += 1
            self.put(self.head(), max(self.servers, key=lambda server: (server.spec.speed, -server.index)))
        else:
            return False
        for server in self.servers:
            if server.ends == inf:
                server.start(self.now)
        return True


def reference_run(replicas: Sequence[ReplicaSpec], trace: Trace, router: Router) -> World:
    """Run ``trace`` to the end."""
    world = World(replicas, trace, router)
    while world.step():
        pass
    return world
