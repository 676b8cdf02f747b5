"""The cluster with prefix caches a second time, the slow and obvious way: a list a cache, searched from its start."""

from collections.abc import Sequence

from speciate.simulators.serving import PREFIX_REPLICA_FIELDS, REPLICA_FIELDS, CachingReplica, Placer, PrefixTrace

from .reference import Job, Server, World


class CachingServer(Server):
    """A server whose cache is a list of blocks, least recently used first."""

    def __init__(self, index: int, replica: CachingReplica, trace: PrefixTrace):
        super().__init__(index, replica.spec)
        self.room = replica.cache_blocks
        self.trace = trace
        self.cache: list[int] = []
        self.expected: dict[int, int] = {}

    def spared(self, job: Job) -> int:
        hit = 0
        for block in self.trace.blocks[job.number]:
            if block not in self.cache:
                break
            hit += self.trace.block_tokens
        return min(hit, job.prompt - 1)

    def prompt_computed(self, job: Job) -> None:
        for block in reversed(self.trace.blocks[job.number]):
            if block in self.cache:
                self.cache.remove(block)
            self.cache.append(block)
        del self.cache[: max(0, len(self.cache) - self.room)]

    def start(self, now: float) -> None:
        before = list(self.running)
        super().start(now)
        # What is taken from the cache shows, like what is computed, when the iteration has ended.
        self.brought = sum(job.computed for job in self.running if job not in before)

    def end(self, now: float) -> int:
        self.brought = 0
        return super().end(now)

    def preempt(self, job: Job) -> None:
        super().preempt(job)
        self.expected.pop(job.number, None)

    def shown(self, job: Job) -> list[float]:
        row = dict(zip(REPLICA_FIELDS, self.row(), strict=True))
        row["prefill_tokens"] -= sum(self.expected.get(waiting.number, 0) for waiting in self.waiting)
        row |= {"cache_blocks": float(self.room), "cached_tokens": float(self.spared(job))}
        return [row[name] for name in PREFIX_REPLICA_FIELDS]


class CachingWorld(World):
    """Places each job when it arrives."""

    servers: list[CachingServer]

    def __init__(self, replicas: Sequence[CachingReplica], trace: PrefixTrace, placer: Placer):
        super().__init__([replica.spec for replica in replicas], trace.requests, placer)
        self.servers = [CachingServer(index, replica, trace) for index, replica in enumerate(replicas)]
        self.trace = trace

    def arrive(self) -> None:
        self.now = self.coming[0].arrival
        while self.coming and self.coming[0].arrival == self.now:
            job = self.coming.pop(0)
            blocks = self.trace.blocks[job.number]
            first = float(blocks[0]) if blocks else -1.0
            head = [float(job.prompt), float(job.predicted), float(self.trace.session[job.number]), first, self.now]
            server = self.servers[int(self.router.place(sum([each.shown(job) for each in self.servers], head)))]
            server.expected[job.number] = server.spared(job)
            self.queue.append(job)
            self.put(job, server)


def prefix_reference_run(replicas: Sequence[CachingReplica], trace: PrefixTrace, placer: Placer) -> CachingWorld:
    """Run ``trace`` to the end."""
    world = CachingWorld(replicas, trace, placer)
    while world.step():
        pass
    return world
