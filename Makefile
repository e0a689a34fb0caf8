# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo` and `make test` are all the set-up there is: each makes the virtual environment .venv
# with the package in it if need be. Python (>= 3.11), git and a C compiler are assumed.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n 2 --dist loadgroup

BIN := $(VENV)/bin
# One thread per process: the tests run in two of them, and small networks gain nothing by more.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export TF_NUM_INTRAOP_THREADS ?= 1
export TF_NUM_INTEROP_THREADS ?= 1
export MPLBACKEND ?= agg

.DEFAULT_GOAL := help
.PHONY: help demo docs test test-all coverage lint format clean

help:
	@echo "make demo    synthetic spectra of simulated white lines: augmented.hspy, a picture, reports"
	@echo "make test    the tests but for the slow ones"
	@echo "make test-all  the whole test suite"
	@echo "make coverage  the tests but for the slow ones, and which lines they run: at least 90 %"
	@echo "make lint    ruff, import rules, structure, types"
	@echo "make docs    the documentation, in docs/_build/html"
	@echo "make clean   removes what these have made"

# The stamps make the second run quick; a change of pyproject.toml installs anew.
$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[tests]'
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

demo: $(VENV)/installed
	$(BIN)/hyperspy-dag demo --force

test: $(VENV)/installed-tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow"

test-all: $(VENV)/installed-tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

coverage: $(VENV)/installed-tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow" --cov --cov-report=term-missing:skip-covered \
	  --cov-fail-under=90

docs: $(VENV)/installed-docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --builder html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lint: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python .ci/structure.py
	$(BIN)/mypy

format: $(VENV)/installed-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	rm -f .coverage*
	rm -f augmented*.hspy augmented*.png augmented*.dag augmented*.html
	rm -f preprocessed*.hspy simulated*.hspy simulated*.csv docs/sg_execution_times.rst
	rm -f docs/about/rooms.txt docs/about/upcoming.md
	rm -rf docs/_build docs/api/generated docs/auto_examples docs/user_guide/pictures
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
