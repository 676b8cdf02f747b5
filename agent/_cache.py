"""The judge's memory of one run, as of one commit: the archive's ``EvaluationCache`` and ``Incumbents``."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from speciate.evaluators import Descriptor, Evaluation, Status
from sqlalchemy import Select, select

from ._database import Database, open_database
from ._records import evaluation_record
from ._statements import BY_DECISIONS, BY_SOURCE, MEASUREMENTS_OF
from ._tables import EvaluationRow, Insertion, MeasurementRow
from ._tessellation import bins_of, cell_of


@dataclass(frozen=True)
class ArchiveCache:
    """Finished train evaluations of a run's tickets below ``visible``. Picklable: it carries only an address.

    The bound makes an answer independent of how fast later tickets are judged (promise 3).
    """

    address: str
    """SQLAlchemy URL of the archive."""
    run_id: str
    visible: int
    """Number of commits this past holds: tickets 0 to visible - 1."""
    behaviours: bool = True
    """Whether a design that behaves as a known one does is known too; else only the same source is."""

    def by_source(self, candidate_id: str) -> Evaluation | None:
        """Return the evaluation of the same canonical source, also a failed one; None if there is none."""
        return self._first(BY_SOURCE, candidate_id)

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        """Return the evaluation of a candidate that answered the probe alike and was judged ``ok``.

        A failure is not passed on: answering the probe alike does not mean failing alike.
        """
        return self._first(BY_DECISIONS, decision_hash) if self.behaviours else None

    def holders(
        self, axes: Sequence[Descriptor], low: Mapping[str, float], high: Mapping[str, float]
    ) -> Sequence[Mapping[str, float]] | None:
        """Return the objectives by workload of what holds the niches between two corners.

        None where one of those niches is vacant. A categorical axis is taken whole: the workloads to come may
        move a design to any category. The niches are the grid's: ``create_run`` refuses racing with others.
        """
        named = {axis.name: axis.bins - 1.0 for axis in axes if axis.categories}
        low, high = {**low, **dict.fromkeys(named, 0.0)}, {**high, **named}
        corners = zip(bins_of(axes, cell_of(axes, low)), bins_of(axes, cell_of(axes, high)), strict=True)
        held = _held(self)
        found = []
        for bins in product(*(range(first, last + 1) for first, last in corners)):
            cell = 0
            for axis, bin_ in zip(axes, bins, strict=True):
                cell = cell * axis.bins + bin_
            if cell not in held:
                return None
            found.append(held[cell])
        return found

    def _first(self, query: Select[Any], wanted: str) -> Evaluation | None:
        of_run = {"of_run": self.run_id, "visible": self.visible, "wanted": wanted}
        with _database(self.address, os.getpid()).read() as connection:
            row = connection.execute(query, of_run).mappings().first()
            if row is None:
                return None
            parts = connection.execute(MEASUREMENTS_OF, {"evaluation": row["id"]}).mappings().all()
        return evaluation_record(row, parts).evaluation


@lru_cache(maxsize=4)
def _held(past: ArchiveCache) -> Mapping[int, Mapping[str, float]]:
    """Return the objectives by workload of the holder of each cell, as of the past's last commit."""
    log = select(Insertion.cell, Insertion.ticket).where(
        Insertion.run_id == past.run_id, Insertion.ticket < past.visible, Insertion.result != "rejected"
    )
    with _database(past.address, os.getpid()).read() as connection:
        holders = {row.cell: row.ticket for row in connection.execute(log.order_by(Insertion.ticket))}
        parts = connection.execute(
            select(EvaluationRow.ticket, MeasurementRow.workload, MeasurementRow.objective)
            .join(MeasurementRow, MeasurementRow.evaluation_id == EvaluationRow.id)
            .where(
                EvaluationRow.run_id == past.run_id,
                EvaluationRow.purpose == "search",
                EvaluationRow.status == Status.OK.value,
                EvaluationRow.ticket.in_(sorted(holders.values())),
            )
        ).all()
    objectives: dict[int, dict[str, float]] = {}
    for part in parts:
        objectives.setdefault(part.ticket or 0, {})[part.workload] = part.objective
    return {cell: objectives.get(ticket, {}) for cell, ticket in holders.items()}


@lru_cache(maxsize=4)
def _database(address: str, process: int) -> Database:
    """Return this process's connection pool; ``process`` keeps a forked child from using its parent's."""
    return open_database(address, create=False)
