"""What a GPU says: of a kernel against itself, and of the kernels in CUDA and Triton that are here beside the model.

    python tests/bench/bench_gpu.py [problem ...]

First the CUDA seed of residual-rmsnorm is timed against itself, 20 times: the 95 % interval should hold 1 in at least
17 of them, and every median lie between 0.97 and 1.03. Then the seed, baselines and experts of each problem are judged
at the sizes of ``train``, in both languages: a line each, and Spearman's correlation of modelled and measured time
where there are three. Exits with 1 where a goal is missed, and with 2 where there is no GPU. ``docs/gpu`` has
what an H200 said of all kernels, asked in another way; no GPU has run this yet.
"""

import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np
from speciate.evaluators import (
    JudgeTask,
    Place,
    ProblemRef,
    evaluator_of,
    judge,
    load_problem,
    release_bars,
    sandbox_named,
)
from speciate.evaluators._statistics import spearman
from speciate.evaluators.kernel import look_for_gpus
from speciate.evaluators.kernel._gpu_runner import DeviceCode, GpuBar, GpuKernel
from speciate.evaluators.kernel._gpu_timing import timed_on_gpu
from speciate.evaluators.kernel._gpus import claimed, usable
from speciate.evaluators.kernel._modelled import DEVICE_S, MODELLED_S

RUNS, COVERED, NEAR = 20, 17, 0.03
AGAINST_ITSELF = "residual-rmsnorm"
PROBLEMS = (
    *("softmax", "residual-rmsnorm", "layernorm", "rope", "swiglu", "cross-entropy", "matmul", "causal-attention"),
    *("moe-gating", "moe-grouped-gemm", "int4-gemv", "prefix-sum", "histogram", "csr-spmv"),
)
LANGUAGES = ("cuda", "triton")


def against_itself() -> bool:
    """Print what timing a kernel against itself gives; return whether the goals are met."""
    problem = load_problem(AGAINST_ITSELF, {"language": "cuda"})
    sizes = problem.sizes["train"]["M"]
    place = Place(problem.limits, sandbox_named("bubblewrap"))
    with evaluator_of("kernel").open(problem, problem.seed(), place) as session, claimed(usable()) as gpu:
        cuda = session.subject.cuda
        code = DeviceCode(cuda.image.content, cuda.launches)
        kernel = GpuKernel(gpu, code, problem.arena_bytes, problem.limits, 7)
        bar = GpuBar("itself", gpu, code, problem.arena_bytes, problem.limits)
        with closing(kernel), closing(bar):
            found = [timed_on_gpu(problem, kernel, bar, sizes, np.random.default_rng(run)) for run in range(RUNS)]
    covered = sum(each.low <= 1.0 <= each.high for each in found)
    ratios = [each.ratio for each in found]
    print(f"a kernel against itself on {gpu.words}, {RUNS} times: {found[-1].state}")
    print(f"  interval holds 1 in {covered} of {RUNS} (goal {COVERED})")
    print(f"  medians {min(ratios):.3f} to {max(ratios):.3f} (goal {1 - NEAR:.2f} to {1 + NEAR:.2f})")
    return covered >= COVERED and all(abs(ratio - 1.0) <= NEAR for ratio in ratios)


def ranks(name: str, language: str) -> None:
    """Print what a GPU and the model say of a problem's kernels in one language."""
    found = ProblemRef(name=name, options={"language": language})
    problem = load_problem(name, found.options)
    where = f"{name} in {language}"
    told: dict[str, list[tuple[float, float]]] = {}
    for design, candidate in _designs(problem):
        word = judge(JudgeTask(problem=found, candidate=candidate, sandbox="bubblewrap"))
        if not word.measurements:
            print(f"  {where}, {design}: {word.status}: {word.detail}")
        for each in word.measurements:
            figures = each.metrics
            seconds = figures[MODELLED_S], figures[DEVICE_S]
            told.setdefault(each.workload, []).append(seconds)
            print(
                f"  {where}, {design} {each.workload}: {seconds[1] * 1e6:.4g} us, modelled {seconds[0] * 1e6:.4g} us; "
                f"{each.objective:.3f} [{figures['low']:.3f}, {figures['high']:.3f}] of the best known form's"
            )
    for workload, pairs in told.items():
        if len(pairs) >= 3:
            print(f"  {where}, {workload}: Spearman's correlation {spearman(*map(list, zip(*pairs, strict=True)))}")


def _designs(problem) -> Iterator:
    yield "seed", problem.seed()
    for kind in (problem.baselines(), problem.experts()):
        yield from ((each.name, each.candidate) for each in kind)


def main(names: list[str]) -> int:
    """Time on the GPUs that this process may use."""
    if not look_for_gpus().gpus:
        print("no GPU found: nothing is timed")
        return 2
    try:
        met = against_itself()
        for name in names or PROBLEMS:
            for language in LANGUAGES:
                ranks(name, language)
    finally:
        release_bars()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
