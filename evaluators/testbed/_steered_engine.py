"""Who is computed next where a scheduler says: the continuous batching of one replica, over paged KV memory.

The rules are those of the simulated replica (``simulators/serving/_scheduled.py``), written for a server: one plan an
iteration, real block numbers of the replica and of the host beside it, and times that are told and not computed.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from operator import itemgetter

from speciate.simulators.serving import Scheduler, Server, Tally

from ._job import Copy, Job, Part, SteeredPlan


class SteeredEngine:
    """The batch of one replica that a scheduler steers. Times are seconds of any one clock.

    Args:
        server: its limits, and what the scheduler is told to expect of its iterations and copies.
        scheduler: asked for decisions; may raise, which ends the run.
    """

    def __init__(self, server: Server, scheduler: Scheduler):
        self.running: list[Job] = []
        """In order of admission."""
        self.line: list[Job] = []
        """By rank, ties by arrival."""
        self.tally = Tally()
        self.preemptions = self.recomputed_tokens = 0
        self._spec = server.replica
        self._host = server.host
        self._scheduler = scheduler
        self._free = list(range(server.replica.blocks))
        self._host_free = list(range(server.host.blocks))
        self._steps = 0
        self._held = False
        """Whether nobody is asked about until the state changes."""
        self._joining: list[Job] = []
        """The head, while others are preempted for it: out of the line, and not yet running."""
        self._parts: list[Part] = []
        self._copies: list[Copy] = []
        self._under_way: SteeredPlan | None = None

    def arrive(self, now: float, job: Job) -> None:
        """Take ``job`` into the line."""
        job.pending = job.prompt
        self._line_up(now, job)
        if self.line[0] is job and not any(each.pending for each in self.running):
            self._held = False

    def schedule(self, now: float) -> SteeredPlan | None:
        """Ask for the next iteration and give it its blocks; None where there is nothing to do."""
        if not self.running and not self.line:
            return None
        short = self._growth() > len(self._free)
        if short:
            self._find_blocks(now)
        if not self._held and not (short and self._decoding()):
            self._compose(now)
        decodes = tuple(self._decoding())
        for job in decodes:
            if self._at_edge(job):
                job.blocks.append(self._free.pop())
        self._under_way = SteeredPlan(tuple(self._copies), decodes, tuple(self._parts))
        return self._under_way

    def complete(self, now: float) -> int:
        """Account for the iteration that ended at ``now``. Returns how many requests finished."""
        plan = self._under_way
        assert plan is not None, "nothing is under way"
        self._under_way, self._parts, self._copies = None, [], []
        self._steps += 1
        before = len(self.running)
        for job in plan.decodes:
            job.cached += 1
            self._came_out(now, job)
        for part in plan.chunks:
            job = part.job
            job.cached += part.count
            if job.cached == job.pending:
                job.pending, job.joined_step = 0, self._steps
                self._came_out(now, job)
        finished = before - len(self.running)
        if finished:
            self._held = False
        return finished

    def is_empty(self) -> bool:
        """Return whether nobody is here and all blocks are free, the host's too."""
        free = (len(self._free), len(self._host_free))
        return not (self.running or self.line) and free == (self._spec.blocks, self._host.blocks)

    def _compose(self, now: float) -> None:
        """Ask which prompts join the next iteration."""
        left = 0
        started = next((job for job in self.running if job.pending), None)
        if started is not None:
            count = self._count(now, started)
            if not count:
                return
            left = self._take(started, count)
        while self.line and not left and self._budget() > 0 and len(self.running) < self._spec.max_batch:
            left = self._head(now)

    def _head(self, now: float) -> int:
        """Ask about the head of the line. Returns what its chunk leaves of its prompt; -1 if it does not join."""
        job = self.line[0]
        count = self._count(now, job)
        if not count:
            return -1
        need = self._need(job)
        # A cache that comes back decodes at once, and may need a block for that.
        edge = bool(job.host) and job.cached == need * self._spec.block_size
        victims = self._victims_for(now, need + edge)
        if victims is None:
            self._hold()
            return -1
        self._joining = [self.line.pop(0)]
        for victim in victims:
            self._drop(now, victim)
        self.tally.displaced += len(victims)
        self._joining = []
        self._admit(now, job, need)
        if job.host:
            self._swap_in(job)
            return 0
        return self._take(job, count)

    def _admit(self, now: float, job: Job, need: int) -> None:
        """Let ``job`` run with ``need`` blocks."""
        self.running.append(job)
        job.blocks = [self._free.pop() for _ in range(need)]
        job.joined_s = now
        if job.admitted_s < 0.0:
            job.admitted_s = now

    def _take(self, job: Job, count: int) -> int:
        """Add a chunk of a prompt to the iteration. Returns what then is left of the prompt."""
        left = job.pending - job.cached
        count = min(count, left)
        self._parts.append(Part(job, job.cached, count))
        return left - count

    def _count(self, now: float, job: Job) -> int:
        """Ask how much of a prompt to compute. Returns tokens that fit the iteration; 0 not to."""
        self.tally.chunks += 1
        answer = self._ask(self._scheduler.chunk, now, job)
        count = int(min(max(answer, 0.0), self._budget()))
        if not count and not self._decoding() and not self._parts:
            self.tally.forced += 1
            return self._budget()
        if not count:
            self._hold()
        return count

    def _hold(self) -> None:
        """Ask no more until the state changes."""
        self._held = True
        self.tally.holds += 1

    def _find_blocks(self, now: float) -> None:
        """Preempt until the next token of every decoding request has its blocks."""
        for _, victim in self._victims(now, self.running):
            self._drop(now, victim)
            if self._growth() <= len(self._free):
                return

    def _victims_for(self, now: float, need: int) -> list[Job] | None:
        """Return whom to preempt so that ``need`` blocks are free beside the next tokens; None where it cannot be."""
        free = len(self._free) - self._growth()
        chosen: list[Job] = []
        if need <= free:
            return chosen
        eligible = [job for job in self._decoding() if job.joined_step < self._steps]
        for score, victim in self._victims(now, eligible):
            if score < 0.0:
                return None
            chosen.append(victim)
            free += len(victim.blocks) + self._at_edge(victim)
            if need <= free:
                return chosen
        return None

    def _victims(self, now: float, running: list[Job]) -> list[tuple[float, Job]]:
        """Return ``running``, which is in order of admission, with its scores in the order to preempt it."""
        engine = self._engine_fields(now)
        scored = []
        for job in reversed(running):
            self.tally.evicts += 1
            scored.append((self._scheduler.evict(self._job_fields(now, job) + engine), job))
        scored.sort(key=itemgetter(0), reverse=True)
        return scored

    def _drop(self, now: float, job: Job) -> None:
        """Preempt ``job`` and put it in line."""
        kept = False
        if not job.pending and len(job.blocks) <= len(self._host_free):
            kept = self._ask(self._scheduler.swap, now, job) > 0.0
        self.running.remove(job)
        if kept:
            self._swap_out(job)
        else:
            self.recomputed_tokens += job.cached if job.pending else job.prompt + job.generated
            job.pending, job.cached = job.prompt + job.generated, 0
        self._free += job.blocks
        job.blocks = []
        job.preemptions += 1
        self.preemptions += 1
        self._held = False
        self._line_up(now, job)

    def _swap_out(self, job: Job) -> None:
        """Copy the cache of ``job`` to the host."""
        job.host = [self._host_free.pop() for _ in job.blocks]
        self._copies.append(Copy(True, job.blocks, job.host))
        self.tally.swaps += 1
        self.tally.swapped_blocks += len(job.blocks)

    def _swap_in(self, job: Job) -> None:
        """Let an admitted request decode on from its cache on the host."""
        self._copies.append(Copy(False, list(job.blocks), job.host))
        self._host_free += job.host
        job.host, job.joined_step = [], self._steps

    def _came_out(self, now: float, job: Job) -> None:
        """Let ``job`` yield a token."""
        job.generated += 1
        job.token_s.append(now)
        if job.generated == job.output:
            self.running.remove(job)
            self._free += job.blocks
            job.blocks = []

    def _line_up(self, now: float, job: Job) -> None:
        """Put ``job`` in line by its rank; while that is asked for, it is the last."""
        self.tally.ranks += 1
        self.line.append(job)
        job.rank = self._ask(self._scheduler.rank, now, job)
        insort(self.line, self.line.pop(), key=lambda each: (each.rank, each.number))

    def _decoding(self) -> list[Job]:
        return [job for job in self.running if not job.pending]

    def _at_edge(self, job: Job) -> bool:
        """Return whether a decoding request's next token needs a block of its own."""
        return job.cached == len(job.blocks) * self._spec.block_size

    def _growth(self) -> int:
        """Return the blocks that the next token of every decoding request takes."""
        return sum(map(self._at_edge, self._decoding()))

    def _need(self, job: Job) -> int:
        """Return the blocks that a request in line needs to join."""
        return self._blocks_of(job.pending or job.cached)

    def _blocks_of(self, tokens: int) -> int:
        return -(-tokens // self._spec.block_size)

    def _budget(self) -> int:
        return self._spec.chunk_tokens - len(self._decoding()) - sum(part.count for part in self._parts)

    def _ask(self, hook: Callable[[Sequence[float]], float], now: float, job: Job) -> float:
        return hook(self._job_fields(now, job) + self._engine_fields(now))

    def _job_fields(self, now: float, job: Job) -> list[float]:
        """Return JOB_FIELDS of a request in line or between its iterations."""
        blocks = len(job.blocks) or self._need(job)
        fields = (
            *(now - job.arrival_s, job.prompt, job.generated, job.predicted, job.left, blocks),
            *(now - job.joined_s if job.blocks else 0.0, job.preemptions, *job.promised, blocks * self._host.block_s),
        )
        return [float(field) for field in fields]

    def _engine_fields(self, now: float) -> list[float]:
        """Return ENGINE_FIELDS."""
        spec, idle, decoding = self._spec, self._under_way is None, self._decoding()
        lined, here = [*self.line, *self._joining], [*self.running, *self._joining]
        joined = sum(part.count for part in self._parts) if idle else 0
        fields = (
            *(now, spec.blocks, len(self._free) - (self._growth() if idle else 0)),
            sum(self._blocks_of(job.prompt + max(job.predicted, job.generated)) for job in here),
            *(len(self._host_free), len(decoding), len(lined)),
            sum(job.left for job in lined + self.running) - joined,
            self._iteration_s(decoding),
            *(spec.chunk_tokens - len(decoding) - joined, joined),
        )
        return [float(field) for field in fields]

    def _iteration_s(self, decoding: list[Job]) -> float:
        """Return what the next iteration should take as it stands; while one is under way, if it only decodes."""
        cost, batch, context = self._spec.cost, len(decoding), sum(job.cached + 1 for job in decoding)
        copied_s = self._host.block_s * sum(len(copy.blocks) for copy in self._copies)
        if not self._parts or self._under_way is not None:
            return cost.decode_s(batch, context) + copied_s if batch else 0.0
        joined = sum(part.count for part in self._parts)
        pairs = sum(part.count * (part.past + 0.5 * part.count) for part in self._parts)
        duration = cost.token_s[batch + joined] + cost.head_s[batch + len(self._parts)]
        duration += cost.prefill_fixed_s + cost.pair_s * pairs + copied_s
        return duration + cost.decode_fixed_s + cost.mixed_context_s * context if batch else duration
