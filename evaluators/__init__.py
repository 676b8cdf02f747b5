"""The judge: the contract problems implement, and everything that decides whether a candidate is any good."""

from ._boundary import SandboxedPolicy, open_policy
from ._contract import (
    Candidate,
    Cost,
    Evaluation,
    Frozen,
    Measurement,
    SourceFile,
    Split,
    Status,
    Workload,
    canonical_python,
)
from ._errors import CandidateFault, ProblemError, SandboxError, SandboxUnavailableError, SpeciateError
from ._executors import Executor, InlineExecutor, LocalExecutor, worker_pool
from ._inline import InlinePolicy
from ._interface import Answer, Argument, Hook, PolicyInterface, Quantity, Record
from ._ladder import JudgeTask, behaviour_hash, judge, judge_inline
from ._problem import (
    Baseline,
    Descriptor,
    EvaluationCache,
    Limits,
    Objective,
    Parameter,
    Policy,
    Probe,
    ProbeCall,
    Problem,
    ProblemRef,
)
from ._registry import load_problem, problem_names, problem_of
from ._screen import screen
from ._statistics import PairedGain, gain_of_pairs, paired_gain, scores_by_seed
from ._tuning import Tuned, constants, tune, tune_baseline, tuned_toml, with_constants
from .sandbox import Sandbox, sandbox_named, sandbox_names

__all__ = [
    "Answer",
    "Argument",
    "Baseline",
    "Candidate",
    "CandidateFault",
    "Cost",
    "Descriptor",
    "Evaluation",
    "EvaluationCache",
    "Executor",
    "Frozen",
    "Hook",
    "InlineExecutor",
    "InlinePolicy",
    "JudgeTask",
    "Limits",
    "LocalExecutor",
    "Measurement",
    "Objective",
    "PairedGain",
    "Parameter",
    "Policy",
    "PolicyInterface",
    "Probe",
    "ProbeCall",
    "Problem",
    "ProblemError",
    "ProblemRef",
    "Quantity",
    "Record",
    "Sandbox",
    "SandboxError",
    "SandboxUnavailableError",
    "SandboxedPolicy",
    "SourceFile",
    "SpeciateError",
    "Split",
    "Status",
    "Tuned",
    "Workload",
    "behaviour_hash",
    "canonical_python",
    "constants",
    "gain_of_pairs",
    "judge",
    "judge_inline",
    "load_problem",
    "open_policy",
    "paired_gain",
    "problem_names",
    "problem_of",
    "sandbox_named",
    "sandbox_names",
    "scores_by_seed",
    "screen",
    "tune",
    "tune_baseline",
    "tuned_toml",
    "with_constants",
    "worker_pool",
]
