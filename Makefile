# Every target sets up what it needs in .venv; nothing outside this folder is written.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PROVE ?= short
ARGS ?=
PROBLEM ?= serving-router
ROOMS := agent evaluators kernels runs search_spaces simulators speciate

.PHONY: help bytecode demo test prove bench bench-gpu bench-peers ablations check discoveries clean

help:
	@echo "make demo         a real discovery run without an API key, in a few minutes, ending in a report"
	@echo "make test         the test suite"
	@echo "make prove        kill -9 drills, the hostile corpus, Triton's launches (PROVE=full for the long form)"
	@echo "make bench        speed, as ratios and rates measured in one run"
	@echo "make bench-peers  other frameworks beside ours: the same candidates, the same searches (installs them from PyPI)"
	@echo "make bench-gpu    kernels in CUDA and Triton on this machine's GPU: one against itself, and all beside what the model says"
	@echo "make ablations    what each choice of the agent does to a search (resumable, about half an hour)"
	@echo "make check        ruff and mypy --strict"
	@echo "make discoveries  the five-seed claim of the README (resumable, about an hour)"

$(VENV)/user.stamp: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Speciate into $(VENV) ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/user.stamp
	@echo "installing the test suite's needs into $(VENV) ..."
	@$(PIP) install --editable ".[dev]"
	@touch $@

# Compiled once, not by each of the many processes that a run or a test starts: where PYTHONDONTWRITEBYTECODE is set, none
# would keep what it compiled.
bytecode: $(VENV)/user.stamp
	@$(BIN)/python -m compileall -q $(ROOMS)

# make demo MODEL=name [BASE_URL=http://...]: the same run, driven by a language model.
demo: bytecode
	@mkdir -p demo
	$(BIN)/speciate run serving-router --seed 1 --evals 200 --control random --control-evals 30 --option heldout_seeds=6 \
	  --db demo/speciate.db --report demo $(if $(MODEL),--model $(MODEL)) $(if $(BASE_URL),--base-url $(BASE_URL)) $(ARGS)

# Three processes for two cores, since many a test waits. In the order of their names, short files come last; by their
# numbers of tests, the longest would.
test: $(VENV)/dev.stamp bytecode
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

prove: $(VENV)/dev.stamp bytecode
	PROVE=$(PROVE) $(BIN)/python -m pytest tests/prove $(ARGS)

bench: $(VENV)/dev.stamp
	$(BIN)/python tests/bench/bench_simulator.py
	$(BIN)/python tests/bench/bench_deciders.py
	$(BIN)/python tests/bench/bench_boundary.py
	$(BIN)/python tests/bench/bench_judge.py
	$(BIN)/python tests/bench/bench_worlds.py
	$(BIN)/python tests/bench/bench_program.py
	$(BIN)/python tests/bench/bench_claims.py
	$(BIN)/python tests/bench/bench_agent.py
	$(BIN)/python tests/bench/bench_fronts.py
	$(BIN)/python tests/bench/bench_kernels.py

bench-gpu: $(VENV)/dev.stamp
	$(BIN)/python tests/bench/bench_gpu.py $(ARGS)

# Each peer gets a venv of its own below .venv-peers; one that cannot be installed is skipped with its reason. Searches are
# resumed from docs/peers/search.jsonl. ARGS="search --seeds 5" runs a part.
bench-peers: $(VENV)/user.stamp
	$(BIN)/python tests/bench/peers $(ARGS)

# Rows that docs/ablations has are not made again. ARGS="--only islands" makes a part.
ablations: $(VENV)/dev.stamp
	$(BIN)/python tests/bench/ablations $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy

discoveries: $(VENV)/user.stamp
	$(BIN)/speciate discoveries $(PROBLEM) --evals 200 --out docs/discoveries/$(PROBLEM) $(ARGS)
	$(BIN)/speciate discoveries --table docs/discoveries

clean:
	rm -rf $(VENV) .venv-peers build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
