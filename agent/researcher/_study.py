"""One ticket's research: what its tools do, and what stands at the end of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from speciate.evaluators import Candidate, Problem, Status
from speciate.evaluators.kinds import evaluator_of

from .._blocks import has_blocks as has_marks
from .._diff import has_blocks
from .._laboratory import Finding, Laboratory
from .._prompts import fence_of, quoted
from .._proposer import NO_REASONS, Proposal, Reasons
from .._records import CandidateRecord
from .._replies import IDEA_CHARACTERS, Asked, RawReply, parse_reply
from ._calls import Call
from ._library import Library
from ._texts import Reached, archive_text, comparison_text, design_text, findings_text
from ._tickets import noted
from ._tools import Archive, Compare, Design, Draft, GiveUp, Insight, Name, Run, Submit, tool_of

INSIGHTS = 4
"""The last ones are kept of more."""
EXCERPT_CHARACTERS = 2_000
TICKETS_NAMED = 40


class MisuseError(Exception):
    """A tool was asked for what it cannot give; the words are for whoever asked."""


@dataclass
class Study:
    """The tools of one ticket, at work.

    Args:
        problem: what is to be invented.
        laboratory: where its experiments are made.
        library: what it may read.
        reached: what had been reached on each workload when it was issued.
        program: the design to improve.
        asked: says of a design how a reply that edits it is read.
    """

    problem: Problem[Any]
    laboratory: Laboratory
    library: Library
    reached: Reached
    program: Candidate
    asked: Callable[[Candidate], Asked]
    draft: Candidate | None = None
    ended: str | None = None
    """Why no tool is needed any more; empty where the draft was handed in."""
    _rationale: str = ""
    _hypothesis: str = ""
    _insights: list[str] = field(default_factory=list)
    """A line each."""

    async def use(self, call: Call, text: str) -> str:
        """Do what a call asks for, and return the answer; a mistake is told in words.

        Args:
            call: from a reply.
            text: the reply's own, without its calls: where a draft's code may stand.
        """
        if self.ended is not None:
            return "not done: you had ended before"
        tool = tool_of(call)
        if isinstance(tool, str):
            return f"error: {tool}"
        try:
            return await self._done(tool, text)
        except MisuseError as error:
            return f"error: {error}"

    def proposal(self, why: str) -> Proposal:
        """Return what came of it: the draft, also where the research was cut short, for ``why``."""
        reasons = Reasons(self._rationale, self._hypothesis, "\n".join(self._insights))
        why = self.ended or why
        if self.draft is not None and not (self.ended or ""):
            return Proposal(self.draft, idea=" ".join(self._rationale.split())[:IDEA_CHARACTERS], reasons=reasons)
        return Proposal(None, note=noted(why, reasons.insight), reasons=reasons)

    async def _done(self, tool: object, text: str) -> str:
        match tool:
            case Archive():
                others = sorted(self.library.tickets - {elite.ticket for elite in self.library.elites})
                return archive_text(self.library.elites, others, self.problem.objective)
            case Design():
                return self._shown(tool.design)
            case Draft():
                return self._drafted(tool.code or text)
            case Run():
                return await self._tried(tool)
            case Compare():
                return self._compared((tool.left, tool.right))
            case Insight():
                self._insights = [*self._insights, " ".join(tool.text.split())][-INSIGHTS:]
                return "kept"
            case Submit():
                return self._submitted(tool.rationale)
            case GiveUp():
                self.ended = f"gave up: {tool.reason}"
                return "ended"
        raise AssertionError(f"expected a tool, got {tool!r}")

    def _shown(self, name: Name) -> str:
        objective = self.problem.objective
        if isinstance(name, str):
            return design_text(self._design(name), None, NO_REASONS, objective, self.reached)
        record, evaluation = self._record(name), self.library.evaluation(name)
        return design_text(record.candidate, evaluation, self.library.words(record), objective, self.reached)

    def _drafted(self, code: str) -> str:
        base = self.draft or self.program
        plain = not has_blocks(code) and "```" not in code and "~~~" not in code
        text = f"~~~~{fence_of(base.language)}\n{code}\n~~~~" if plain and code.strip() else code
        parsed = parse_reply(RawReply(text, None), self.asked(base))
        if not parsed.files:
            excerpt = f"\n\n{quoted(parsed.excerpt, EXCERPT_CHARACTERS)}" if parsed.excerpt else ""
            raise MisuseError(f"no draft: {parsed.reason}{excerpt}")
        draft = self.program.model_copy(update={"files": parsed.files, "parents": (self.program.id,)})
        fault = evaluator_of(self.problem.kind).screen(self.problem, draft)
        if fault is not None:
            told = quoted(fault.detail, EXCERPT_CHARACTERS)
            raise MisuseError(f"no draft: it could not be judged ({fault.status.value})\n\n{told}")
        if draft.id == self.program.id:
            raise MisuseError("no draft: it is the program to improve, comments and layout apart")
        self.draft = draft
        lines = sum(file.text.count("\n") for file in draft.files)
        facts = [f"your draft has {lines} lines"]
        if any(has_marks(file.text) for file in self.problem.seed().files):
            facts.append("nothing outside the EVOLVE blocks was taken")
        twin = self.library.twin(draft)
        if twin is not None:
            facts.append(f"it is the design of ticket {twin}, which was judged before: to hand it in gains nothing")
        return "; ".join(facts)

    async def _tried(self, tool: Run) -> str:
        names = list(dict.fromkeys(tool.workloads))
        wrong = [name for name in names if name not in self.laboratory.workloads]
        if wrong:
            raise MisuseError(f"expected workloads of {', '.join(self.laboratory.workloads)}; got {wrong[0][:80]!r}")
        design = self._design(tool.design)
        self._hypothesis = tool.hypothesis
        found: list[tuple[Finding, Finding | None]] = []
        for name in names:
            finding = await self.laboratory.run(design, name)
            if finding is not None:
                found.append((finding, self.laboratory.known(self.program, name)))
        told = [findings_text(found, self.problem.objective, self.reached)] if found else []
        missing = [name for name in names if name not in {finding.workload for finding, _ in found}]
        told += [f"not run, since no experiment is left: {', '.join(missing)}"] if missing else []
        return "\n\n".join(told)

    def _compared(self, names: tuple[Name, Name]) -> str:
        left, right = (self._measured(self._design(name)) for name in names)
        common = [name for name in self.laboratory.workloads if name in left and name in right]
        unknown = [name for name in self.laboratory.workloads if name not in common]
        told = [f"the {name}" if isinstance(name, str) else f"ticket {name}" for name in names]
        pairs = [(left[name], right[name]) for name in common]
        return comparison_text((told[0], told[1]), pairs, unknown, self.problem.objective)

    def _submitted(self, rationale: str) -> str:
        if self.draft is None:
            raise MisuseError("there is no draft: write one with the tool `draft`, or end with `give_up`")
        if not self._insights:
            raise MisuseError("first write down what you learnt, with the tool `insight`")
        self._rationale, self.ended = rationale, ""
        return "handed in"

    def _design(self, name: Name) -> Candidate:
        if name == "program":
            return self.program
        if name != "draft":
            return self._record(int(name)).candidate
        if self.draft is None:
            raise MisuseError("you have no draft yet: write one with the tool `draft`")
        return self.draft

    def _record(self, ticket: int) -> CandidateRecord:
        record = self.library.record(ticket)
        if record is None:
            allowed = ", ".join(str(number) for number in sorted(self.library.tickets)[:TICKETS_NAMED]) or "none"
            raise MisuseError(f"ticket {ticket} is not among those you may look at: {allowed}")
        return record

    def _measured(self, design: Candidate) -> dict[str, Any]:
        found = {name: self.laboratory.known(design, name) for name in self.laboratory.workloads}
        return {
            name: finding.measurement
            for name, finding in found.items()
            if finding is not None and finding.status is Status.OK and finding.measurement is not None
        }
