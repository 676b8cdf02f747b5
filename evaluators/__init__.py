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
from ._inline import InlinePolicy
from ._interface import Answer, Argument, Hook, PolicyInterface, Quantity, Record
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
from ._tuning import Tuned, constants, tune, with_constants
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
    "Frozen",
    "Hook",
    "InlinePolicy",
    "Limits",
    "Measurement",
    "Objective",
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
    "canonical_python",
    "constants",
    "load_problem",
    "open_policy",
    "problem_names",
    "problem_of",
    "sandbox_named",
    "sandbox_names",
    "screen",
    "tune",
    "with_constants",
]
