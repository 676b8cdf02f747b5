"""Progress: what is shown follows from events alone, and agrees with the rows."""

import asyncio
import io

import pytest
from speciate.agent import Archive, Event, GeneticProposer, RunRecord, RunSettings, create_run, search
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, JudgeTask, Problem
from speciate.runs._progress import LINES_A_RUN, Lines, Panel, Silent, progress_for
from speciate.runs._tally import Tally
from support.trusted import TrustedExecutor


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.fixture
def fresh(archive: Archive, run_settings: RunSettings, lanes: Problem) -> RunRecord:
    starters = [lanes.seed(), *(baseline.candidate for baseline in lanes.baselines())]
    return archive.run(create_run(archive, run_settings, lanes, starters))


def watch(archive: Archive, run: RunRecord, lanes: Problem, on_event: object) -> list[Event]:
    executor, events = TrustedExecutor(), []

    async def judge(candidate: Candidate, cache: EvaluationCache | None) -> Evaluation:
        return executor.submit(JudgeTask(problem=run.problem, candidate=candidate), cache).result()

    def told(event: Event) -> None:
        events.append(event)
        on_event(event)  # type: ignore[operator]

    asyncio.run(search(archive, run.id, lanes, GeneticProposer(lanes), judge, told))
    return events


def test_a_tally_of_events_equals_a_tally_of_rows(archive: Archive, fresh: RunRecord, lanes: Problem) -> None:
    live = Tally(archive, fresh, lanes)
    assert (live.evaluations, live.best, live.baseline, live.gain) == (0, None, None, None)
    watch(archive, fresh, lanes, live.take)
    after = Tally(archive, archive.run(fresh.id), lanes)
    assert live.outcomes == after.outcomes
    assert (live.evaluations, live.best, live.baseline) == (after.evaluations, after.best, after.baseline)
    assert {c: (e.ticket, e.score) for c, e in live.elites.items()} == {
        c: (e.ticket, e.score) for c, e in after.elites.items()
    }
    assert live.gain is not None
    assert live.gain >= 0


def test_lines_are_few_plain_and_tell_where_the_search_stands(
    archive: Archive, fresh: RunRecord, lanes: Problem
) -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.begin(Tally(archive, fresh, lanes))
    events = watch(archive, fresh, lanes, lines.on_event)
    lines.end()
    text = stream.getvalue()
    improvements = sum(type(event).__name__ == "Improved" for event in events)
    assert len(text.splitlines()) <= improvements + LINES_A_RUN + 8
    assert "\x1b" not in text
    assert "24/24 evaluations" in text
    assert "over the best tuned baseline" in text
    assert text.splitlines()[-1].startswith("finished: 24 evaluations")


def test_the_panel_shows_counts_budget_best_and_map(archive: Archive, fresh: RunRecord, lanes: Problem) -> None:
    stream = Terminal()
    panel = Panel(stream)
    panel.begin(Tally(archive, fresh, lanes))
    watch(archive, fresh, lanes, panel.on_event)
    panel.end()
    text = stream.getvalue()
    for wanted in ("24/24 evaluations", "niches", "best", "imbalance", "finished"):
        assert wanted in text


def test_who_shows_it_depends_on_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress_for(quiet=True, results_on_stdout=False), Silent)
    progress_for(quiet=False, results_on_stdout=True).say("on stderr")
    progress_for(quiet=False, results_on_stdout=False).say("on stdout")
    out, err = capsys.readouterr()
    assert (out, err) == ("on stdout\n", "on stderr\n")


def test_a_run_that_waits_for_inventors_shows_no_rate(
    archive: Archive, run_settings: RunSettings, lanes: Problem
) -> None:
    """Its clock runs only while somebody holds it: evaluations over that would be a figure nobody measured."""
    shown = {}
    for proposer in ("genetic", "external"):
        settings = run_settings.model_copy(update={"proposer": proposer})
        run = archive.run(create_run(archive, settings, lanes, [lanes.seed()]))
        shown[proposer] = Tally(archive, run, lanes).rate_words()
    assert shown == {"genetic": "0.0/s", "external": ""}
