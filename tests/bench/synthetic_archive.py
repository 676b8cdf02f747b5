"""Rows of a long search that never happened, written in bulk: what an archive holds after so many candidates."""

import hashlib
from random import Random
from typing import Any

from speciate.agent import Archive, Grid, tessellation_of
from speciate.agent._statements import (
    ADD_CANDIDATE,
    ADD_INSERTION,
    ADD_MEASUREMENT,
    ADD_SOURCE,
    ADD_TICKET,
    EVALUATIONS,
)
from speciate.evaluators import Descriptor
from sqlalchemy import insert
from synthetic_problem import FINISH_TIME

CHUNK = 2000
WORKLOADS = 6
AXES = tuple(Descriptor(name=name, low=0.0, high=1.0, bins=20) for name in ("fast_share", "held_share"))


def extend(archive: Archive, run_id: str, tickets: int) -> None:
    """Bring a run to so many committed tickets, each with a candidate of its own that was judged ``ok``.

    The run's starting candidates are committed first; what is there already stays.
    """
    with archive.database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE tickets SET outcome = 'no_candidate' WHERE run_id = '{run_id}' AND outcome IS NULL"
        )
    grid = Grid(tessellation_of(AXES, archive.run(run_id).settings.archive))
    done = sum(archive.counts(run_id).values())
    while done < tickets:
        numbers = range(done, min(done + CHUNK, tickets))
        _write(archive, run_id, [_row(run_id, number, grid) for number in numbers])
        done = numbers.stop


def _row(run_id: str, number: int, grid: Grid) -> dict[str, Any]:
    rng = Random(number)
    text = FINISH_TIME.replace("0.1", f"{rng.random():.9f}").replace("0.5", f"{number}.5")
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    values = {"fast_share": rng.random(), "held_share": rng.random()}
    score = 1.0 + rng.random()
    return {
        "digest": digest,
        "text": text,
        "score": score,
        "values": values,
        "entry": grid.insert(number, score, values),
        "whose": {"run_id": run_id, "ticket": number},
        "parent": rng.randrange(number),
        "seed": rng.getrandbits(48),
    }


def _write(archive: Archive, run_id: str, rows: list[dict[str, Any]]) -> None:
    now = archive.now()
    with archive.database.write() as connection:
        connection.execute(
            ADD_TICKET,
            [
                {
                    "run_id": run_id,
                    "number": row["whose"]["ticket"],
                    "visible": max(0, row["whose"]["ticket"] - 7),
                    "proposer": "genetic",
                    "operator": "tune",
                    "model": None,
                    "parents": [row["parent"]],
                    "draw": {"seed": row["seed"]},
                    "issued_at": now,
                    "outcome": "ok",
                    "committed_at": now,
                    "agent_cpu_s": 0.0,
                }
                for row in rows
            ],
        )
        files = [{"path": "candidate.py", "text": ""}]
        connection.execute(
            ADD_SOURCE,
            [
                {"hash": row["digest"], "language": "python", "files": [{**files[0], "text": row["text"]}]}
                for row in rows
            ],
        )
        connection.execute(
            ADD_CANDIDATE,
            [
                {
                    **row["whose"],
                    "turn": 0,
                    "candidate_id": row["digest"],
                    "source_hash": row["digest"],
                    "parents": [],
                    "operator": "tune",
                    "proposer": "genetic",
                }
                for row in rows
            ],
        )
        connection.execute(insert(EVALUATIONS), [_evaluation(row, now) for row in rows])
        ids = dict(
            connection.exec_driver_sql(
                f"SELECT ticket, id FROM evaluations WHERE run_id = '{run_id}' AND ticket >= "
                f"{rows[0]['whose']['ticket']}"
            ).all()
        )
        connection.execute(ADD_MEASUREMENT, [part for row in rows for part in _parts(ids, row)])
        connection.execute(ADD_INSERTION, [_insertion(row) for row in rows])


def _evaluation(row: dict[str, Any], now: float) -> dict[str, Any]:
    return {
        **row["whose"],
        "turn": 0,
        "candidate_id": row["digest"],
        "split": "train",
        "purpose": "search",
        "status": "ok",
        "score": row["score"],
        "descriptors": row["values"],
        "decision_hash": row["digest"],
        "labels": [],
        "created_at": now,
    }


def _parts(ids: dict[int, int], row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "evaluation_id": ids[row["whose"]["ticket"]],
            "position": position,
            "workload": str(position),
            "objective": row["score"],
            "metrics": {},
            "descriptors": row["values"],
        }
        for position in range(WORKLOADS)
    ]


def _insertion(row: dict[str, Any]) -> dict[str, Any]:
    entry = row["entry"]
    return {
        **row["whose"],
        "cell": entry.cell,
        "score": entry.score,
        "result": entry.result,
        "replaced": entry.replaced.ticket if entry.replaced else None,
    }
