"""What a run was asked to do: one frozen tree, written into the run's row."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator
from speciate.evaluators import ProblemRef
from speciate.evaluators._contract import Frozen

Memory = Literal["archive", "best", "start"]
"""What draws see: every niche's elite, only the best design so far, or only the starting designs."""

Role = Literal["draft", "repair"]
"""What a model is asked for: new designs, or mending those that its own or another's fault ended."""
Lessons = Literal["off", "run", "family"]
"""Whether a run learns from itself, and whether it begins with what earlier runs of its problem's family learnt."""

Choice = Literal["bandit", "static"]
"""Whether draws go by what operators, models and islands earned so far, or by fixed weights alone."""


class Budget(Frozen):
    """Hard limits. A run stops before it would pass any of them; None means no limit."""

    evaluations: int | None = Field(default=None, ge=1)
    """Candidates judged. A duplicate, whose old evaluation is reused, is not one."""
    minutes: float | None = Field(default=None, gt=0)
    usd: float | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, ge=1)
    """Prompt and completion tokens together."""


def check_rising(cached: float | None, full: float | None, write: float | None) -> None:
    """Check prices of prompt tokens: only so is what is reserved for a request the most that it can cost.

    Raises:
        ValueError: reading from a cache costs more than doing without, or writing to it less.
    """
    if (cached is not None and cached > (full or 0.0)) or (write is not None and write < (full or 0.0)):
        raise ValueError(f"expected prices cached_input <= input <= cache_write, got {cached}, {full}, {write}")


class Sampling(Frozen):
    """How a model is asked. None leaves it to the server."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    temperature: float | None = Field(default=None, ge=0)
    effort: str | None = Field(default=None, pattern=r"^[a-z]+$")
    """Of its reasoning, in the server's own word: ``low``, ``medium``, ``high``, ..."""


class ModelSettings(Frozen):
    """One model behind an OpenAI-compatible endpoint."""

    # Whoever types a key where a name belongs must not find it in the error's text.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    name: str
    base_url: str | None = None
    """None: the openai client's default."""
    api_key_env: str = Field(default="OPENAI_API_KEY", pattern=r"^[A-Z_][A-Z0-9_]*$")
    """Name of the environment variable that holds the key. Never the key: hence capitals only."""
    api: Literal["chat", "responses"] = "chat"
    """Chat Completions, which every server speaks, or Responses."""
    roles: tuple[Role, ...] = Field(default=("draft", "repair"), min_length=1)
    temperature: float | None = Field(default=None, ge=0)
    effort: str | None = Field(default=None, pattern=r"^[a-z]+$")
    operators: dict[str, Sampling] = Field(default_factory=dict)
    """By operator, what is asked instead of the model's own temperature and effort."""
    max_completion_tokens: int = Field(default=8192, ge=64)
    """Reasoning included."""
    timeout_s: float = Field(default=300.0, gt=0)
    retries: int = Field(default=4, ge=0)
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Prompt and completion tokens together; a request counts for its reservation until its usage is known."""
    concurrency: int | None = Field(default=None, ge=1)
    """Requests at once. None, of all three: no limit."""
    usd_per_million_input: float | None = Field(default=None, ge=0)
    usd_per_million_cached_input: float | None = Field(default=None, ge=0)
    """Of prompt tokens that the server had in its cache; None charges them as the others."""
    usd_per_million_cache_write: float | None = Field(default=None, ge=0)
    """Of prompt tokens that the server puts into its cache; None charges them as the others."""
    usd_per_million_output: float | None = Field(default=None, ge=0)
    """Prices; None is unknown, which is an error only together with a ``usd`` budget."""
    priced_on: str | None = None
    """Date of the table that the prices are from; None where they were given, or are unknown."""

    @model_validator(mode="after")
    def _caching_saves_and_writing_costs(self) -> Self:
        prices = self.usd_per_million_cached_input, self.usd_per_million_input, self.usd_per_million_cache_write
        check_rising(*prices)
        return self

    def sampling(self, operator: str) -> Sampling:
        """Return how this model is asked for ``operator``."""
        own = self.operators.get(operator, Sampling())
        return Sampling(
            temperature=self.temperature if own.temperature is None else own.temperature,
            effort=self.effort if own.effort is None else own.effort,
        )


class Tessellating(Frozen):
    """How a run divides the space of its descriptors into niches."""

    kind: Literal["grid", "cvt"] = "grid"
    niches: int = Field(default=64, ge=2, le=4096)
    """Centroids of a CVT, for each combination of categories; a grid has the problem's own bins instead."""
    centroids: tuple[tuple[float, ...], ...] = ()
    """Where they are, in the unit cube of the numeric descriptors; written when the run is created."""
    cells: int | None = None
    """Niches in all; written when the run is created."""
    front: int = Field(default=8, ge=1, le=64)
    """Most designs kept for parents in a niche of a problem with several objectives; 1 keeps its holder alone."""


class IslandSettings(Frozen):
    """Populations side by side: a draw sees only its own. One island is no islands."""

    count: int = Field(default=1, ge=1, le=64)
    migrate: int = Field(default=50, ge=1)
    """Commits of the run from one exchange of elites to the next."""
    restart: int | None = Field(default=None, ge=1)
    """Commits of the run without a better best after which an island starts anew; None: never."""


class ResearchSettings(Frozen):
    """What a ticket for research may use."""

    share: float = Field(default=0.25, gt=0, lt=1)
    """Of the tickets, in mode ``mixed``."""
    replies: int = Field(default=16, ge=1)
    """Of the model, each with calls of tools."""
    experiments: int = Field(default=12, ge=0)
    """Designs on one workload; paid from the budget's evaluations by the workload."""


class RunSettings(Frozen):
    """Problem, seed, budget and the choices of one run. Never holds a key."""

    problem: ProblemRef
    seed: int = 0
    proposer: str = "genetic"
    """``genetic``, ``llm``, ``random``, ``external`` (asked and told), or one that an installed package brings."""
    models: tuple[ModelSettings, ...] = ()
    mode: Literal["evolve", "researcher", "mixed"] = "evolve"
    """Of the proposer ``llm``: whether its tickets evolve a design, research one, or some this and some that."""
    research: ResearchSettings = ResearchSettings()
    budget: Budget = Budget()
    choice: Choice = "static"
    operators: tuple[str, ...] = ()
    """Those of the proposer's that are drawn; empty for all but those that it draws on request."""
    memory: Memory = "archive"
    """Less than ``archive`` makes a control arm: hill climbing (``best``) or best-of-n (``start``)."""
    lessons: Lessons = "off"
    """What is learnt and told of earlier changes: off by default, since ``docs/ablations`` does not find it to help."""
    archive: Tessellating = Tessellating()
    islands: IslandSettings = IslandSettings()
    """Of draws that see the archive; a control arm that sees less has none."""
    window: int = Field(default=8, ge=1)
    """Ticket t sees the archive as of commit t - window, whatever the number of workers (promise 3)."""
    workers: int = Field(default=2, ge=1)
    """Judging processes. Not part of the outcome."""
    sandbox: str | None = None
    """``bubblewrap``, ``process`` or None for the best one here."""
    repairs: int = Field(default=1, ge=0)
    """How often a model may mend its own faulty candidate."""
    remeasure: int = Field(default=4, ge=0)
    """Most fresh repetitions of either side before a niche changes hands, where the problem is noisy; they come on
    top of the budget's evaluations. 0 believes the first measurement."""
    ticket_hours: float = Field(default=24.0, gt=0)
    """How long a ticket of the proposer ``external`` may be told."""
    racing: bool = False
    """Whether a candidate that looks hopeless part way through the train workloads is given up (``raced_out``)."""
