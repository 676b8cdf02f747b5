"""Kernel problems, one folder each: what to compute, the plain form, and the forms that a new one must beat.

A folder holds

- ``_problem.py``: a subclass of ``speciate.evaluators.KernelProblem`` with ``interface`` (buffers, sizes, scalars),
  ``sizes`` (what is timed, by split), ``test_sizes`` (what is checked), ``bars``, and the methods ``inputs``,
  ``reference`` and ``hidden_sizes``; and ``problem(options)``, whose option ``language`` is ``cpp``, ``numba``,
  ``triton`` or ``cuda``;
- ``seed.cpp`` and ``seed.py``: plain scalar code, which every search starts from and which is a bar too; and
  ``seed_triton.py`` and ``seed.cu``, plain forms for a GPU;
- ``bars.py``: the other known forms, one function each, called as a kernel in Python is: NumPy, torch, a library's one
  operation. One whose library is not installed does not count; ``before_FORM``, where it is defined, is called first
  with the same arguments, untimed;
- ``baselines/cpp``, ``baselines/py`` and ``baselines/cu``: human designs that a search may draw on;
- ``experts/cpp``, ``experts/py`` and ``experts/cu``: our best, shown to no proposer and measured beside the champion;
- ``brief.md``: what bounds the time, and what usually decides.

The problems of numerics (``numeric_exp`` and its like, on ``kernels.numerics``) are formulas, of which nothing is
timed: the judge reckons each itself, for all inputs.

Nothing here is timed, built or checked: ``speciate.evaluators.kernel`` does that, in the same way for all.
"""
