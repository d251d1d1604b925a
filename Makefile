# `make` alone explains itself. Plain make and sh: works with macOS's make 3.81 and in a path with spaces.
.DEFAULT_GOAL := help
.PHONY: help setup lab test lint notebooks reproduce compare ledger gpu-check paper-dry-run world lock clean

# The Python that .venv is made from; naming one asks for it, otherwise a sound .venv keeps its own.
CHOSEN := $(PYTHON)
PYTHON ?= python3
PY = .venv/bin/python
TORCH ?=
PROFILE ?= laptop
ONLY ?=
SEEDS ?=
FRESH ?= yes
SCHEDULER ?=
ARGS ?=
CODE = sbirkit data_prep tests benchmarks docs bootstrap.py

help: ## show this help
	@echo "sbirkit: learn, reproduce and compare zero-shot sketch-based image retrieval"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
	  printf '  make %-14s %s\n' "$$name" "$$what"; done
	@echo
	@echo "Options, after the target: PYTHON=python3.12 (for .venv), TORCH=cpu (a small torch, for Linux without a GPU),"
	@echo "PROFILE=smoke|laptop|gpu|paper, ONLY=name (a notebook or method), ARGS='...' (handed on, as in: make test"
	@echo "ARGS='-k split'). For make reproduce: SEEDS=5 (how many), FRESH=no (take the runs that there are),"
	@echo "SCHEDULER=tcp://host:8786 (an own Dask cluster), ARGS='-p images=9600' (any parameter)."

setup: ## make .venv, or bring it up to date (the others do this first; nothing to do is quick)
	@if [ -z "$(CHOSEN)" ] && $(PY) -I -S -c '' 2>/dev/null; then $(PY) -I -S bootstrap.py --torch "$(TORCH)"; \
	elif command -v "$(PYTHON)" >/dev/null; then "$(PYTHON)" bootstrap.py --torch "$(TORCH)"; \
	else echo "There is no $(PYTHON) here. Install Python 3.11, 3.12 or 3.13 (https://www.python.org/downloads)," \
	  "or name one: PYTHON=/path/to/python3.12 make setup" >&2; exit 1; fi

lab: setup ## open the notebooks in JupyterLab, on this computer only
	@$(PY) -m jupyterlab --ip=127.0.0.1 --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks $(ARGS)

test: setup ## run the tests, documentation examples included
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 $(ARGS)

lint: setup ## check style and types
	@$(PY) -m ruff check $(CODE) && $(PY) -m ruff format --check $(CODE) && $(PY) -m mypy

notebooks: setup ## run the notebooks in place and store their outputs
	@$(PY) -m sbirkit.runs.notebooks $(ONLY) $(ARGS)

reproduce: setup ## train every method and run every notebook afresh, with a report
	@$(PY) -m sbirkit.runs.reproduce --profile "$(PROFILE)" --only "$(ONLY)" --fresh "$(FRESH)" \
	  --seeds "$(SEEDS)" --scheduler "$(SCHEDULER)" $(ARGS)

compare: setup ## train every method on your own pictures: DATA=folder (photo/<class>/*, sketch/<class>/*)
	@$(PY) -m sbirkit.runs.compare "$(DATA)" $(if $(SPLIT),--split "$(SPLIT)") $(if $(SPLITS),--splits "$(SPLITS)") \
	  $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(VECTORS),--vectors "$(VECTORS)") $(if $(SEEDS),--seeds "$(SEEDS)") \
	  $(if $(METHODS),--methods "$(METHODS)") $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") \
	  $(if $(filter-out file,$(origin PROFILE)),--profile "$(PROFILE)") $(ARGS)

ledger: setup ## put the papers' claims to the test (resumable; ARGS='--only RAMLN', '--world-seed 1', '--table')
	@$(PY) -m sbirkit.claims --profile "$(PROFILE)" $(if $(SEEDS),--seeds "$(SEEDS)") $(ARGS)

world: setup ## draw Doodle World, the embedded data set (the notebooks do this when they need it)
	@$(PY) -m data_prep doodleworld $(ARGS)

gpu-check: setup ## measure and check this machine's GPU (ARGS="--device cpu --quick" tries it without one)
	@$(PY) -m sbirkit.gpu $(ARGS)

paper-dry-run: setup ## the papers' settings on tiny stand-ins: every stage, and what the real runs would cost
	@$(PY) -m sbirkit.runs.dryrun $(ARGS)

lock: setup ## for maintainers: settle requirements.lock again (ARGS=--upgrade for newer releases)
	@$(PY) -m uv pip compile pyproject.toml --all-extras --group setup --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --custom-compile-command "make lock" --quiet \
	  --output-file requirements.lock $(ARGS)

clean: ## remove .venv, caches and all that make reproduce made; prepared data and your own runs stay
	rm -rf .venv dist build/reproduce .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
