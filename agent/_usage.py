"""What a run's models were asked, what they answered and what it cost, from the rows alone."""

from speciate.evaluators._contract import Frozen
from sqlalchemy import Connection, func, select

from ._database import Database
from ._replies import USABLE
from ._requests import charged_tokens, charged_usd
from ._tables import Reply, Request


class ModelUsage(Frozen):
    """Counts and sums over the requests of one model, or of all of a run's."""

    requests: int
    """HTTP requests: also retries, and second askings after an unusable reply."""
    replied: int
    failed: int
    in_doubt: int
    """In flight when the run was cut off, or now: never answered, charged at their reservations."""
    outcomes: dict[str, int]
    """How often each outcome came: ``diff`` and ``rewrite`` are usable; ``truncated``, ``timeout``, ..."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    """Of the prompt's, those that came from a server's cache."""
    reasoning_tokens: int
    """Of the completion's, those that nobody is shown. The four are sums over the replies that state them."""
    usage_unknown: int
    """Replies without usage."""
    usd: float
    """Sum over the requests whose cost is known."""
    usd_unknown: int
    """Requests that may have cost something unknown. ``usd`` is the cost only where this is 0."""
    charged_tokens: int
    """What counts against the budget: usage where it is known, else the reservation."""
    charged_usd: float | None
    """None where the price of a request is unknown."""

    @property
    def usable(self) -> int:
        """Replies that held what was asked for: a candidate, or lessons."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in USABLE)

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens that are known."""
        return self.prompt_tokens + self.completion_tokens


class UsageSummary(Frozen):
    """A run's use of models."""

    total: ModelUsage
    models: dict[str, ModelUsage]
    """By model name, in alphabetical order."""


def usage_summary(database: Database, run_id: str) -> UsageSummary:
    """Return what run ``run_id`` asked of its models so far; zeros where it asked nothing."""
    with database.read() as connection:
        names = select(Request.model).where(Request.run_id == run_id).distinct().order_by(Request.model)
        models = {name: _usage(connection, run_id, name) for name in connection.execute(names).scalars()}
        return UsageSummary(total=_usage(connection, run_id, None), models=models)


def model_asked(database: Database, run_id: str, ticket: int, turn: int) -> str | None:
    """Return which model was asked in one turn of a ticket: who wrote, or who repaired. None where none was."""
    mine = Request.run_id == run_id, Request.ticket == ticket, Request.turn == turn
    with database.read() as connection:
        return connection.execute(select(Request.model).where(*mine).limit(1)).scalar_one_or_none()


def _usage(connection: Connection, run_id: str, model: str | None) -> ModelUsage:
    chosen = [Request.run_id == run_id] + ([] if model is None else [Request.model == model])
    joined = select(Request.id).outerjoin(Reply, Reply.request_id == Request.id).where(*chosen)
    states = dict(
        connection.execute(select(Request.state, func.count()).where(*chosen).group_by(Request.state)).all()
    )
    outcomes = joined.with_only_columns(Reply.outcome, func.count()).group_by(Reply.outcome)
    outcomes = outcomes.order_by(Reply.outcome)
    sums = joined.with_only_columns(
        func.sum(Reply.prompt_tokens),
        func.sum(Reply.completion_tokens),
        func.sum(Reply.cached_tokens),
        func.sum(Reply.reasoning_tokens),
        func.sum(Reply.cost_usd),
        func.sum(charged_tokens()),
        func.sum(charged_usd()),
    )
    prompt, completion, cached, reasoning, usd, tokens, dollars = connection.execute(sums).one()
    count = joined.with_only_columns(func.count())
    unpriced = connection.execute(count.where(charged_usd().is_(None))).scalar_one()
    used = Reply.prompt_tokens + Reply.completion_tokens
    no_usage = count.where(Request.state == "replied", used.is_(None))
    return ModelUsage(
        requests=sum(states.values()),
        replied=states.get("replied", 0),
        failed=states.get("failed", 0),
        in_doubt=states.get("in_doubt", 0) + states.get("sent", 0),
        outcomes={kind: number for kind, number in connection.execute(outcomes) if kind is not None},
        prompt_tokens=prompt or 0,
        completion_tokens=completion or 0,
        cached_tokens=cached or 0,
        reasoning_tokens=reasoning or 0,
        usage_unknown=connection.execute(no_usage).scalar_one(),
        usd=usd or 0.0,
        usd_unknown=connection.execute(count.where(Reply.cost_usd.is_(None))).scalar_one(),
        charged_tokens=tokens or 0,
        charged_usd=None if unpriced else dollars or 0.0,
    )
