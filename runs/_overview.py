"""What ``list``, ``show`` and ``best`` print: runs and candidates as text and as JSON."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from speciate.agent import NO_CANDIDATE, Archive, CandidateRecord, EvaluationRecord, RunRecord
from speciate.agent._usage import model_asked
from speciate.evaluators import ProblemRef

from ._alarms import alarms_of
from ._arms import arm_of
from ._dedupe import dedupe_of
from ._dynamics import dynamics_of
from ._lessons import lessons_of
from ._model_usage import USAGE_HEADER, price_words, usage_cells
from ._numbers import dollars, duration, quantity, table
from ._real_figures import standing
from ._real_rows import sittings_of, words_of
from ._spent import Spent, spent

ELITES_SHOWN = 8
COMPLAINTS_SHOWN = 3


def run_rows(archive: Archive) -> list[str]:
    """Return a line for each run under a header, oldest first."""
    rows = []
    for run in archive.runs():
        best = archive.best(run.id)
        rows.append(
            (
                run.id,
                _problem(run.problem),
                _proposer(run),
                str(run.seed),
                run.state,
                str(_evaluations(archive, run)),
                quantity(best[0].score) if best else "",
                _moment(run.created_at),
                _control(run),
            )
        )
    header = ("run", "problem", "proposer", "seed", "state", "evaluations", "best", "started", "")
    return table(header, rows, right=(3, 5, 6)) if rows else ["no runs yet"]


def runs_json(archive: Archive) -> str:
    """Return all runs as a JSON array."""
    return _json([_run_facts(archive, run) for run in archive.runs()])


def run_json(archive: Archive, run: RunRecord) -> str:
    """Return everything ``show RUN`` knows as JSON."""
    facts = _run_facts(archive, run)
    facts["settings"] = run.settings.model_dump(mode="json")
    facts["environment"] = dict(run.environment)
    facts["outcomes"] = archive.counts(run.id)
    facts["dedupe"] = dedupe_of(archive, run.id).model_dump(mode="json")
    facts["alarms"] = [alarm.model_dump(mode="json") for alarm in alarms_of(archive, run)]
    lessons = lessons_of(archive, run)
    facts["lessons"] = lessons.model_dump(mode="json") if lessons else None
    facts["operators"] = [record._asdict() for record in archive.operators(run.id)]
    facts["elites"] = [record._asdict() for record in archive.elites(run.id)]
    facts["dynamics"] = dynamics_of(archive, run).model_dump(mode="json")
    facts["openings"] = [record._asdict() for record in archive.openings(run.id)]
    facts["cost"] = spent(archive, run.id).model_dump(mode="json")
    return _json(facts)


def run_lines(archive: Archive, run: RunRecord) -> list[str]:
    """Return a run as text: settings, outcomes, operators, elites and cost."""
    elites, cost = archive.elites(run.id), spent(archive, run.id)
    lines = [
        f"run        {run.id}" + (f", {_control(run)}" if run.control_of else ""),
        f"problem    {_problem(run.problem)}, version {run.problem_version}",
        f"proposer   {_proposer(run)}, seed {run.seed}, window {run.settings.window}{_layout(run)}",
        f"budget     {budget_words(run)}",
        f"state      {run.state}" + (f": {run.reason}" if run.reason else ""),
        f"started    {_moment(run.created_at)}, searched {duration(run.elapsed_s)}",
        f"outcomes   {_counted(archive.counts(run.id))}",
        f"dedupe     {dedupe_of(archive, run.id).words}",
        f"cost       {cost_words(cost)}",
        f"champion   {run.champion or 'none chosen'}",
        *(f"{title:<10} {words}" for title, words in dynamics_of(archive, run).words),
        *(f"ALARM      {alarm.words}" for alarm in alarms_of(archive, run)),
        "",
    ]
    if cost.models:
        lines += table(USAGE_HEADER, usage_cells(cost.models), right=range(1, len(USAGE_HEADER)))
        lines += [*(f"{model.name}: {price_words(model)}" for model in run.settings.models), ""]
    operators = archive.operators(run.id)
    if operators:
        cells = [(o.proposer, o.operator, *map(str, (o.tickets, o.ok, o.new, o.improved))) for o in operators]
        lines += table(("proposer", "operator", "tickets", "ok", "new", "improved"), cells, right=(2, 3, 4, 5))
        lines.append("")
    lines += [f"no candidate ({count}): {note}" for note, count in _complaints(archive, run)]
    lessons = lessons_of(archive, run)
    lines += [f"lessons    {lessons.words}", *lessons.rows, ""] if lessons else []
    if elites:
        shown = [
            (str(e.ticket), e.candidate_id[:12], e.operator, quantity(e.score), _descriptors(e.descriptors))
            for e in elites[:ELITES_SHOWN]
        ]
        lines += table(("ticket", "candidate", "operator", "score", "descriptors"), shown, right=(0, 3))
        lines.append(f"{len(elites)} niches held; the best {len(shown)} are shown, `speciate map {run.id}` draws all")
    return lines


def candidate_json(archive: Archive, run: RunRecord, record: CandidateRecord) -> str:
    """Return a candidate with its files and evaluations as JSON."""
    draw = archive.ticket(run.id, record.ticket).draw
    return _json(
        {
            "run": run.id,
            "ticket": record.ticket,
            "turn": record.turn,
            "candidate": record.candidate.id,
            "proposer": record.candidate.proposer,
            "operator": record.candidate.operator,
            "model": draw.model,
            "variant": draw.variant,
            "repaired_by": _mender(archive, run, record),
            "parents": list(record.candidate.parents),
            "idea": record.idea,
            **record.reasons._asdict(),
            "real": _real(archive, run, record),
            "files": [file.model_dump() for file in record.candidate.files],
            "evaluations": [
                {"purpose": each.purpose, **each.evaluation.model_dump(mode="json")}
                for each in archive.evaluations(run.id, candidate_id=record.candidate.id)
            ],
        }
    )


def candidate_lines(archive: Archive, run: RunRecord, record: CandidateRecord) -> list[str]:
    """Return a candidate as text: where it came from, its evaluations, its code."""
    ticket, mender = archive.ticket(run.id, record.ticket), _mender(archive, run, record)
    lines = [
        f"candidate  {record.candidate.id}" + ("  (champion)" if run.champion == record.candidate.id else ""),
        f"from       {run.id}/{record.ticket}, proposer {ticket.proposer}, operator {ticket.draw.operator}"
        + (f", model {ticket.draw.model}" if ticket.draw.model else "")
        + (f", prompt {ticket.draw.variant}" if ticket.draw.variant else "")
        + (f", repaired by {mender}" if mender else ""),
        f"parents    {', '.join(f'{run.id}/{parent}' for parent in ticket.draw.parents) or 'none'}",
    ]
    told = record.reasons._asdict()
    told = told if record.reasons.rationale else {"idea": record.idea, **told}
    lines += [f"{name:<10} {' '.join(words.split())}" for name, words in told.items() if words]
    lines += [f"real       {words} (sitting {sitting})" for sitting, words in _real(archive, run, record).items()]
    for each in archive.evaluations(run.id, candidate_id=record.candidate.id):
        lines += ["", *evaluation_lines(each)]
    return [*lines, "", record.candidate.source.rstrip("\n")]


def _real(archive: Archive, run: RunRecord, record: CandidateRecord) -> dict[str, str]:
    """Return how a design did on the testbed, among the run's designs of each sitting."""
    found = sittings_of(archive, run.id, record.candidate.id)
    return {each: standing(record.candidate.id, words_of(archive, run.id, each)) for each in found}


def _mender(archive: Archive, run: RunRecord, record: CandidateRecord) -> str | None:
    """Return the model that mended a candidate; None for one that nobody mended."""
    return model_asked(archive.database, run.id, record.ticket, record.turn) if record.turn else None


def evaluation_lines(record: EvaluationRecord) -> list[str]:
    """Return an evaluation as text: its word, and a row a workload."""
    evaluation = record.evaluation
    score = f", score {quantity(evaluation.score, digits=6)}" if evaluation.score is not None else ""
    lines = [f"{evaluation.split} ({record.purpose}): {evaluation.status}{score}"]
    lines += [f"  {evaluation.detail}"] if evaluation.detail else []
    lines += [f"  label: {label}" for label in evaluation.labels]
    if evaluation.descriptors:
        lines.append(f"  {_descriptors(evaluation.descriptors)}")
    rows = [(m.workload, quantity(m.objective, digits=6)) for m in evaluation.measurements]
    return lines + [f"  {line}" for line in (table(("workload", "objective"), rows, right=(1,)) if rows else [])]


def budget_words(run: RunRecord) -> str:
    """Return a run's limits in words."""
    budget = run.settings.budget
    limits = [
        (budget.evaluations, "evaluations"),
        (budget.minutes, "minutes"),
        (budget.usd, "USD"),
        (budget.tokens, "tokens"),
    ]
    return ", ".join(f"{limit:g} {unit}" for limit, unit in limits if limit is not None) or "none"


def cost_words(cost: Spent) -> str:
    """Return what a run consumed in words; model costs only where a model was asked."""
    tried = f", {cost.experiments} experiments" if cost.experiments else ""
    words = f"{cost.evaluations} evaluations{tried}, {duration(cost.cpu_s)} of judging CPU"
    if cost.requests:
        tokens = "unknown" if cost.tokens is None else f"{cost.tokens:,}"
        words += f", {cost.requests} requests, {tokens} tokens, {dollars(cost.usd)}"
    return words


def _complaints(archive: Archive, run: RunRecord) -> list[tuple[str, int]]:
    """Return the commonest notes of tickets that gave no candidate, with their counts."""
    notes = Counter(" ".join(t.note.split())[:160] for t in archive.tickets(run.id) if t.outcome == NO_CANDIDATE)
    return notes.most_common(COMPLAINTS_SHOWN)


def _run_facts(archive: Archive, run: RunRecord) -> dict[str, Any]:
    best = archive.best(run.id)
    return {
        "run": run.id,
        "problem": run.problem.name,
        "options": run.problem.options,
        "proposer": run.settings.proposer,
        "models": [model.name for model in run.settings.models],
        "seed": run.seed,
        "state": run.state,
        "reason": run.reason,
        "evaluations": _evaluations(archive, run),
        "best": best[0].score if best else None,
        "champion": run.champion,
        "control_of": run.control_of,
        "arm": arm_of(run.settings) if run.control_of else None,
        "created_at": run.created_at,
        "elapsed_s": run.elapsed_s,
    }


def _evaluations(archive: Archive, run: RunRecord) -> int:
    progress = archive.progress(run.id)
    return progress[-1].evaluations if progress else 0


def _problem(ref: ProblemRef) -> str:
    return ref.name + "".join(f" {key}={value}" for key, value in sorted(ref.options.items()))


def _proposer(run: RunRecord) -> str:
    models = ", ".join(model.name for model in run.settings.models)
    mode = f", mode {run.settings.mode}" if run.settings.mode != "evolve" else ""
    return run.settings.proposer + (f" ({models})" if models else "") + mode


def _layout(run: RunRecord) -> str:
    """Return in words what is not as usual in a run's archive."""
    archive, islands = run.settings.archive, run.settings.islands
    words = f", {len(archive.centroids)} centroids" if archive.kind == "cvt" else ""
    return words + (f", {islands.count} islands" if islands.count > 1 else "")


def _control(run: RunRecord) -> str:
    return f"{arm_of(run.settings)} control of {run.control_of}" if run.control_of else ""


def _counted(outcomes: Mapping[str, int]) -> str:
    ordered = sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {outcome}" for outcome, count in ordered) or "none yet"


def _descriptors(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _json(value: object) -> str:
    return json.dumps(value, indent=2)
