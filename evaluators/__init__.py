"""The judge: the contract problems implement, and everything that decides whether a candidate is any good."""

from ._baselines import load_baselines, measured_headroom
from ._boundary import SandboxedPolicy, open_policy
from ._contract import (
    Candidate,
    Censored,
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
from ._errors import CandidateFault, Incorrect, ProblemError, SandboxError, SandboxUnavailableError, SpeciateError
from ._executors import Executor, InlineExecutor, LocalExecutor, executor_named, worker_pool
from ._formula import Formula, FormulaInterface
from ._inline import InlinePolicy
from ._interface import Answer, Argument, Function, Hook, Interface, PolicyInterface, Quantity, Record
from ._ladder import JudgeTask, judge, judge_inline
from ._plan import Array, Arrays, Plan, PlanInterface, PlanProbe
from ._plugins import installed, load_installed
from ._policy import Policy, PolicyProbe, ProbeCall
from ._problem import (
    Baseline,
    Descriptor,
    EvaluationCache,
    Limits,
    Objective,
    Parameter,
    Probe,
    Problem,
    ProblemRef,
)
from ._program import Program, ProgramInterface
from ._real import RealBed, RealTest
from ._registry import load_problem, problem_names, problem_of
from ._room import Finished
from ._screen import screen
from ._statistics import PairedGain, gain_of_pairs, paired_gain, scores_by_seed
from ._tuning import Headroom, Tuned, constants, headroom_of, tune, tune_baseline, tuned_toml, with_constants
from .kernel import Arrays as KernelArrays
from .kernel import Buffer, Kernel, KernelInterface, KernelProblem, Sizes, draw, release_bars
from .kinds import Evaluator, Place, Session, evaluator_of, kinds
from .kinds._policy import behaviour_hash, policy_interface, policy_probe
from .sandbox import Sandbox, SandboxProcess, sandbox_named, sandbox_names

__all__ = [
    "Answer",
    "Argument",
    "Array",
    "Arrays",
    "Baseline",
    "Buffer",
    "Candidate",
    "CandidateFault",
    "Censored",
    "Cost",
    "Descriptor",
    "Evaluation",
    "EvaluationCache",
    "Evaluator",
    "Executor",
    "Finished",
    "Formula",
    "FormulaInterface",
    "Frozen",
    "Function",
    "Headroom",
    "Hook",
    "Incorrect",
    "InlineExecutor",
    "InlinePolicy",
    "Interface",
    "JudgeTask",
    "Kernel",
    "KernelArrays",
    "KernelInterface",
    "KernelProblem",
    "Limits",
    "LocalExecutor",
    "Measurement",
    "Objective",
    "PairedGain",
    "Parameter",
    "Place",
    "Plan",
    "PlanInterface",
    "PlanProbe",
    "Policy",
    "PolicyInterface",
    "PolicyProbe",
    "Probe",
    "ProbeCall",
    "Problem",
    "ProblemError",
    "ProblemRef",
    "Program",
    "ProgramInterface",
    "Quantity",
    "RealBed",
    "RealTest",
    "Record",
    "Sandbox",
    "SandboxError",
    "SandboxProcess",
    "SandboxUnavailableError",
    "SandboxedPolicy",
    "Session",
    "Sizes",
    "SourceFile",
    "SpeciateError",
    "Split",
    "Status",
    "Tuned",
    "Workload",
    "behaviour_hash",
    "canonical_python",
    "constants",
    "draw",
    "evaluator_of",
    "executor_named",
    "gain_of_pairs",
    "headroom_of",
    "installed",
    "judge",
    "judge_inline",
    "kinds",
    "load_baselines",
    "load_installed",
    "load_problem",
    "measured_headroom",
    "open_policy",
    "paired_gain",
    "policy_interface",
    "policy_probe",
    "problem_names",
    "problem_of",
    "release_bars",
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
