"""Speciate's public names: what a problem, an evaluator, a sandbox, an executor or a proposer is written with.

Everything a plug-in needs is here, and only what is here is kept from one release to the next. The names load
the rooms they live in when they are first used, so importing ``speciate`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speciate.agent import Archive as Archive
    from speciate.agent import ArchiveView as ArchiveView
    from speciate.agent import Draw as Draw
    from speciate.agent import Elite as Elite
    from speciate.agent import Parent as Parent
    from speciate.agent import Past as Past
    from speciate.agent import Proposal as Proposal
    from speciate.agent import Proposer as Proposer
    from speciate.agent import Reasons as Reasons
    from speciate.agent import RunSettings as RunSettings
    from speciate.agent import Spent as Spent
    from speciate.agent import Task as Task
    from speciate.agent import open_archive as open_archive
    from speciate.evaluators import Answer as Answer
    from speciate.evaluators import Argument as Argument
    from speciate.evaluators import Array as Array
    from speciate.evaluators import Baseline as Baseline
    from speciate.evaluators import Buffer as Buffer
    from speciate.evaluators import Candidate as Candidate
    from speciate.evaluators import CandidateFault as CandidateFault
    from speciate.evaluators import Cost as Cost
    from speciate.evaluators import Descriptor as Descriptor
    from speciate.evaluators import Evaluation as Evaluation
    from speciate.evaluators import EvaluationCache as EvaluationCache
    from speciate.evaluators import Evaluator as Evaluator
    from speciate.evaluators import Executor as Executor
    from speciate.evaluators import Finished as Finished
    from speciate.evaluators import Function as Function
    from speciate.evaluators import Hook as Hook
    from speciate.evaluators import Incorrect as Incorrect
    from speciate.evaluators import Interface as Interface
    from speciate.evaluators import JudgeTask as JudgeTask
    from speciate.evaluators import Kernel as Kernel
    from speciate.evaluators import KernelArrays as KernelArrays
    from speciate.evaluators import KernelInterface as KernelInterface
    from speciate.evaluators import KernelProblem as KernelProblem
    from speciate.evaluators import Limits as Limits
    from speciate.evaluators import Measurement as Measurement
    from speciate.evaluators import Objective as Objective
    from speciate.evaluators import Parameter as Parameter
    from speciate.evaluators import Place as Place
    from speciate.evaluators import Plan as Plan
    from speciate.evaluators import PlanInterface as PlanInterface
    from speciate.evaluators import PlanProbe as PlanProbe
    from speciate.evaluators import Policy as Policy
    from speciate.evaluators import PolicyInterface as PolicyInterface
    from speciate.evaluators import PolicyProbe as PolicyProbe
    from speciate.evaluators import Probe as Probe
    from speciate.evaluators import ProbeCall as ProbeCall
    from speciate.evaluators import Problem as Problem
    from speciate.evaluators import ProblemError as ProblemError
    from speciate.evaluators import ProblemRef as ProblemRef
    from speciate.evaluators import Program as Program
    from speciate.evaluators import ProgramInterface as ProgramInterface
    from speciate.evaluators import Quantity as Quantity
    from speciate.evaluators import RealBed as RealBed
    from speciate.evaluators import RealTest as RealTest
    from speciate.evaluators import Record as Record
    from speciate.evaluators import Sandbox as Sandbox
    from speciate.evaluators import SandboxError as SandboxError
    from speciate.evaluators import SandboxProcess as SandboxProcess
    from speciate.evaluators import SandboxUnavailableError as SandboxUnavailableError
    from speciate.evaluators import Session as Session
    from speciate.evaluators import Sizes as Sizes
    from speciate.evaluators import SourceFile as SourceFile
    from speciate.evaluators import SpeciateError as SpeciateError
    from speciate.evaluators import Split as Split
    from speciate.evaluators import Status as Status
    from speciate.evaluators import Workload as Workload
    from speciate.evaluators import draw as draw
    from speciate.evaluators import judge as judge
    from speciate.evaluators import judge_inline as judge_inline
    from speciate.evaluators import load_baselines as load_baselines
    from speciate.evaluators import load_problem as load_problem

__version__ = "0.1.0"

_AGENT = (
    "Archive",
    "ArchiveView",
    "Draw",
    "Elite",
    "Parent",
    "Past",
    "Proposal",
    "Proposer",
    "Reasons",
    "RunSettings",
    "Spent",
    "Task",
    "open_archive",
)
_EVALUATORS = (
    "Answer",
    "Argument",
    "Array",
    "Baseline",
    "Buffer",
    "Candidate",
    "CandidateFault",
    "Cost",
    "Descriptor",
    "Evaluation",
    "EvaluationCache",
    "Evaluator",
    "Executor",
    "Finished",
    "Function",
    "Hook",
    "Incorrect",
    "Interface",
    "JudgeTask",
    "Kernel",
    "KernelArrays",
    "KernelInterface",
    "KernelProblem",
    "Limits",
    "Measurement",
    "Objective",
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
    "Session",
    "Sizes",
    "SourceFile",
    "SpeciateError",
    "Split",
    "Status",
    "Workload",
    "draw",
    "judge",
    "judge_inline",
    "load_baselines",
    "load_problem",
)
_ROOM_OF = dict.fromkeys(_AGENT, "speciate.agent") | dict.fromkeys(_EVALUATORS, "speciate.evaluators")

__all__ = ["__version__", *_ROOM_OF]


def __getattr__(name: str) -> object:
    """Load a public name from its room."""
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'speciate' has no public name {name!r}")
    return getattr(import_module(room), name)


def __dir__() -> list[str]:
    return sorted(__all__)
