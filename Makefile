# Every target sets up what it needs: only Python 3.11 or newer and make have to be there.
# Use another interpreter with `make PYTHON=/path/to/python test`.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
OLDEST := build/oldest
DATA := ../shared/data

# Candidates are run, not only looked up: a launcher may exist for a Python that does not.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
    "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
    && { echo "$$p"; break; }; done)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP_INSTALL = $(BIN)/python -m pip install --quiet

.PHONY: help demo test test-min validate lint types docs reference bench format clean
.DEFAULT_GOAL := help
.NOTPARALLEL:  # one environment, one installer at a time

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

demo: $(VENV)/ready  ## assess a reconstructed person and write ischio-demo/report.html
	@$(BIN)/ischio demo

# One thread of linear algebra, as the command sets it; one file of tests on each processor at a time.
test: $(VENV)/ready-dev  ## all tests
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

validate: $(VENV)/ready  ## compare with outside truth and write docs/validation.md
	@$(BIN)/ischio validate $(if $(wildcard $(DATA)),--data $(DATA)) --orientations 200 --left-out 26 --out docs/validation.md

lint: $(VENV)/ready-dev  ## style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/ready-dev  ## put the code into its format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

types: $(VENV)/ready-dev  ## mypy, strict, on src
	@$(BIN)/mypy

docs: $(VENV)/ready-docs  ## HTML documentation in docs/_build
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build
	@echo docs/_build/index.html

reference: $(VENV)/ready  ## compute the packaged gaps of the shape model's people again
	@$(BIN)/python -m ischio.validation.reference_people

bench: $(VENV)/ready-dev $(VENV)/ready-bench  ## benchmarks and the independent gap programs
	@$(BIN)/python -m pytest tests/benchmarks tests/authority -s

test-min: $(OLDEST)/ready  ## all tests with the oldest dependencies that are allowed
	@$(OLDEST)/bin/python -m pytest

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) build dist ischio-demo docs/_build docs/reference/generated
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv and ensurepip was found." \
	    "Install one (Debian: python3 python3-venv), or say PYTHON=/path/to/python." >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing ischio into $(VENV) ..."
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/ready-%: pyproject.toml $(VENV)/ready
	@echo "Installing what '$*' needs into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[$*]'
	@touch $@

$(OLDEST)/ready: pyproject.toml
	@test -x $(OLDEST)/bin/python || "$(PYTHON)" -m venv $(OLDEST)
	@$(OLDEST)/bin/python -c "import tomllib; print(*(need.replace('>=', '==') for need in \
	    tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']), sep='\n')" > $(OLDEST)/oldest.txt
	@echo "Installing the oldest dependencies into $(OLDEST) ..."
	@$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/oldest.txt --editable '.[dev]'
	@touch $@
