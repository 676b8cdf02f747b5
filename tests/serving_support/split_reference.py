"""The split cluster a second time, the slow and obvious way."""

from collections.abc import Sequence
from math import inf

from speciate.simulators.serving import (
    REPLICA_FIELDS,
    SPLIT_REPLICA_FIELDS,
    Controller,
    Fabric,
    Role,
    Site,
    Trace,
)

from .reference import Job, Server, World


class SplitServer(Server):
    """A server with a role. ``held``: computed here, not yet sent; ``arrived``: computed elsewhere, not yet resumed."""

    def __init__(self, index: int, site: Site):
        super().__init__(index, site.spec)
        self.site = site
        self.held: list[Job] = []
        self.arrived: set[int] = set()
        self.link_free = 0.0
        self.incoming = 0

    def free(self) -> int:
        return super().free() - sum(job.blocks for job in self.held)

    def start(self, now: float) -> None:
        before = list(self.running)
        super().start(now)
        self.brought = sum(job.computed for job in self.running if job not in before)
        if not self.running:
            self.ends = inf

    def spared(self, job: Job) -> int:
        return job.prompt if job.number in self.arrived else 0

    def prompt_computed(self, job: Job) -> None:
        self.arrived.discard(job.number)

    def end(self, now: float) -> int:
        self.brought = 0
        finished = super().end(now)
        if self.site.role is Role.PREFILL:
            self.held += [job for job in self.running if job.decoding]
            self.running = [job for job in self.running if not job.decoding]
            self.shown_blocks = {job.number: job.blocks for job in self.running}
        return finished

    def shown(self, able: bool, token_s: float, now: float) -> list[float]:
        cost, chunk = self.spec.cost, self.spec.chunk_tokens
        prefills, decodes = self.site.role is not Role.DECODE, self.site.role is not Role.PREFILL
        row = dict(zip(REPLICA_FIELDS, self.row(), strict=True)) if able else dict.fromkeys(REPLICA_FIELDS, 0.0)
        if able:
            row["prefill_tokens"] -= sum(job.prompt for job in self.waiting if job.number in self.arrived)
            row["context_tokens"] += sum(job.prompt for job in self.held)
            row["free_blocks"] -= sum(job.blocks for job in self.held)
            row |= {"link_wait_s": max(0.0, self.link_free - now), "incoming": float(self.incoming)}
            row["transfer_token_s"] = token_s
        row |= {"index": float(self.index), "prefills": float(prefills), "decodes": float(decodes)}
        row |= {"prompt_token_s": cost.token_s[chunk] / chunk, "decode_token_s": cost.decode_s(1, 0.0)}
        return [row.get(name, 0.0) for name in SPLIT_REPLICA_FIELDS]


class SplitWorld(World):
    """Arrivals, iterations and transfers, each looked for anew at every step."""

    servers: list[SplitServer]

    def __init__(self, sites: Sequence[Site], fabric: Fabric, trace: Trace, controller: Controller):
        super().__init__([site.spec for site in sites], trace, controller)  # type: ignore[arg-type]
        self.servers = [SplitServer(index, site) for index, site in enumerate(sites)]
        self.fabric = fabric
        self.controller = controller
        self.transfers: list[tuple[float, Job, SplitServer, SplitServer]] = []
        self.moved: dict[int, tuple[int, float]] = {}

    def ask_for(self, job: Job, without: Role, source: SplitServer | None) -> SplitServer:
        able = [server.site.role is not without for server in self.servers]
        observation = [float(job.prompt), float(job.predicted), self.now - job.arrival, self.now]
        for server in self.servers:
            token_s = self.fabric.token_s(source.site.node, server.site.node) if source else 0.0
            observation += server.shown(able[server.index], token_s, self.now)
        ask = self.controller.decode if source else self.controller.prefill
        index = int(ask(observation))
        while not able[index]:
            index = (index + 1) % len(able)
        return self.servers[index]

    def arrive(self) -> None:
        self.now = self.coming[0].arrival
        while self.coming and self.coming[0].arrival == self.now:
            job = self.coming.pop(0)
            server = self.ask_for(job, Role.DECODE, None)
            job.placed, job.replica = self.now, server.index
            server.waiting.append(job)

    def send(self, source: SplitServer, job: Job) -> None:
        target = self.ask_for(job, Role.PREFILL, source)
        begun = max(self.now, source.link_free)
        way = self.fabric.token_s(source.site.node, target.site.node)
        source.link_free = begun + self.fabric.latency_s + way * job.prompt
        target.incoming += 1
        self.moved[job.number] = (target.index, source.link_free)
        self.transfers.append((source.link_free, job, source, target))

    def step(self) -> bool:
        ending = min(self.servers, key=lambda server: (server.ends, server.index))
        sent = min(self.transfers, key=lambda each: (each[0], each[1].number), default=None)
        coming = self.coming[0].arrival if self.coming else inf
        times = [ending.ends, sent[0] if sent else inf, coming]
        if min(times) == inf:
            return False
        if ending.ends == min(times):
            self.now = ending.ends
            already = list(ending.held)
            ending.end(self.now)
            for job in [each for each in ending.held if each not in already]:
                self.send(ending, job)
        elif sent and sent[0] == min(times):
            self.now, job, source, target = sent
            self.transfers.remove(sent)
            source.held.remove(job)
            job.blocks = job.computed = 0
            job.decoding = False
            target.incoming -= 1
            target.arrived.add(job.number)
            target.waiting.append(job)
        else:
            self.arrive()
        for server in self.servers:
            if server.ends == inf:
                server.start(self.now)
        return True


def split_reference_run(sites: Sequence[Site], fabric: Fabric, trace: Trace, controller: Controller) -> SplitWorld:
    """Run ``trace`` to the end."""
    world = SplitWorld(sites, fabric, trace, controller)
    while world.step():
        pass
    return world
