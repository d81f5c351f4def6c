# Each target makes its own .venv; only Python (3.11 or newer) and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/runs
READY := $(VENV)/ready
OUT ?= demo-report
# Modules are compiled when they are first loaded, and kept: an environment that forbids it would compile them in every process.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test exam bench docs clean

demo: $(RUNS)
	$(BIN)/ccstats demo --out $(OUT)

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet --doctree-dir $(VENV)/doctrees docs $(VENV)/site
	$(BIN)/python -m pytest -n auto --dist worksteal

exam: $(READY)
	CCSTATS_EXAM=1 $(BIN)/python -m pytest -n auto --dist worksteal tests

bench: $(READY)
	$(BIN)/python benchmarks/run.py

docs: $(READY)
	CCSTATS_DOCS=run $(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --doctree-dir $(VENV)/doctrees docs site

clean:
	rm -rf $(VENV) site docs/api docs/notebooks build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis

# What it needs to run, and no more: a newcomer need not wait for what tests need, nor for modules compiled that are never loaded.
$(RUNS): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'ccstats needs Python 3.11 or newer, found ' + sys.version)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $(RUNS)

# --group needs pip 25.1, so pip is brought up to date first.
$(READY): $(RUNS)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable ".[sql]" --group dev
	touch $(READY)
