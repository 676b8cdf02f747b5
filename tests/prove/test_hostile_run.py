"""A model that writes attacks among honest designs: each costs its own evaluation and nothing else."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from prove.ledger import check_evaluations, evaluations_used, rows
from prove.sitting import Drill
from speciate.evaluators import Candidate
from support import counters
from support.corpus import CORPUS
from support.mixture import CORPUS_OUTCOMES
from support.openai_server import OpenAIServer

HONEST = [
    counters.design(queue, speed)
    for queue, speed in ((1.0, 0.3), (1.0, 1.0), (1.0, 3.0), (0.2, 1.0), (0.0, 1.0), (1.0, -0.5), (-1.0, 1.0))
]
STARTERS = 2
WORKLOADS = 2
COMPARED = (
    "SELECT candidate_id, status, score, e.descriptors AS behaviour, decision_hash, sandbox, position, workload, "
    "objective, metrics, m.descriptors, feedback, m.decisions FROM evaluations e JOIN measurements m "
    "ON m.evaluation_id = e.id WHERE purpose = 'search' AND status = 'ok'"
)


def drilled(folder: Path, sources: list[str], evaluations: int, known: set[int], secret: str) -> Drill:
    """Run a search whose model answers with ``sources`` and then with small changes; return it finished."""
    folder.mkdir()
    with OpenAIServer(["shown_once"], sources=sources, key=f"sk-{secret}") as server:
        asked = [counters.__file__, "--model", "m", "--base-url", server.base_url, "--evals", str(evaluations)]
        asked += ["--sandbox", "bubblewrap", "--rivals", "1", "--lessons", "run"]
        drill = Drill(folder, asked, known, seed=0)
        drill.environ |= {"OPENAI_API_KEY": f"sk-{secret}", "SPECIATE_DRILL_SECRET": secret}
        drill.finish()
        assert not server.unshown, "the model was not asked often enough to show everything it has"
    return drill


def scores(database: Path) -> dict[str, set[str]]:
    """Return what was measured of each ``ok`` candidate; doubles as JSON, which reads back to the same bits."""
    found: dict[str, set[str]] = {}
    for row in rows(database, COMPARED):
        found.setdefault(row["candidate_id"], set()).add(json.dumps(row))
    return found


def holding(folder: Path, secret: str) -> list[Path]:
    """Return the files below ``folder`` in which ``secret`` can be read."""
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.usefixtures("bubblewrap")
def test_attacks_cost_their_own_evaluations_and_nothing_else(
    tmp_path: Path, known: set[int], full: bool, tell: Callable[[str], None]
) -> None:
    secret = secrets.token_hex(16)
    attacks = {name: (CORPUS / f"{name}.py").read_text("utf-8") for name in CORPUS_OUTCOMES}
    alone = drilled(tmp_path / "alone", HONEST, STARTERS + len(HONEST), known, secret)
    for order in range(3 if full else 1):
        sources = [*attacks.values(), *HONEST]
        Random(order).shuffle(sources)
        # Most attacks are repaired, which takes a second source, so fewer tickets than sources show them all.
        evaluations = STARTERS + len(sources) * 4 // 5
        mixed = drilled(tmp_path / f"mixed-{order}", sources, evaluations, known, secret)

        check_evaluations(mixed.database)
        assert evaluations_used(mixed.database) == evaluations
        counts = check_statuses(mixed.database, attacks)
        tell(f"{len(attacks)} attacks and {len(HONEST)} honest designs, {evaluations} evaluations: {dict(counts)}")
        expected, found = scores(alone.database), scores(mixed.database)
        for source in HONEST:
            honest = Candidate.from_source(source).id
            assert found[honest] == expected[honest]
            assert len(expected[honest]) == WORKLOADS
    assert holding(tmp_path, secret) == []


def check_statuses(database: Path, attacks: dict[str, str]) -> Counter[str]:
    """Every attack was judged and ended as it should; return how many evaluations had which status."""
    names = {Candidate.from_source(source).id: name for name, source in attacks.items()}
    seen: dict[str, set[str]] = {name: set() for name in attacks}
    counts: Counter[str] = Counter()
    for row in rows(database, "SELECT candidate_id, status FROM evaluations WHERE purpose = 'search'"):
        counts[row["status"]] += 1
        if row["candidate_id"] in names:
            seen[names[row["candidate_id"]]].add(row["status"])
    for name, statuses in seen.items():
        # Who answers the probe as another did is a duplicate: a probed wall that held answers 0 throughout.
        assert statuses, f"{name} was never judged"
        assert statuses <= {*CORPUS_OUTCOMES[name].split("|"), "duplicate"}, f"{name} ended as {statuses}"
    return counts
