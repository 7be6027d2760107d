# `make` alone prints this file's targets; each says what it does in its ## comment.

PYTHON   ?= python3
WORKFLOW ?= kd-alpha-sweep
BIN      := .venv/bin

export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

##@ Everyday

.PHONY: help
help: ## Print this help.
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	     /^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: submit
submit: .venv/ready ## Run WORKFLOW here and print its table (FULL=1: not cut down; SEEDS=0-4; STORE=runs).
	@$(BIN)/seedbed submit $(WORKFLOW) $(if $(FULL),--full) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STORE),--store $(STORE))

.PHONY: plan
plan: .venv/ready ## Show which trials WORKFLOW needs: new, to resume, done.
	@$(BIN)/seedbed plan $(WORKFLOW) $(if $(FULL),--full) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STORE),--store $(STORE))

.PHONY: status
status: .venv/ready ## Show how the sweeps in the store stand.
	@$(BIN)/seedbed status $(if $(STORE),--store $(STORE))

.PHONY: setup
setup: .venv/ready ## Make .venv with the locked dependencies; everything else does it by itself.

##@ Development

.PHONY: test
test: .venv/ready ## The tests: no network, no GPU, no cluster.
	$(BIN)/python -m pytest

.PHONY: lint
lint: .venv/ready ## Formatting, style, types, YAML and the sweep files; changes nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/seedbed check

.PHONY: format
format: .venv/ready ## Rewrite the code as `make lint` wants it.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: .venv/ready ## Measure what is claimed about speed, as ratios, side by side.
	@for bench in tests/bench/[a-z]*.py; do echo; echo "== $$bench"; $(BIN)/python -m $$(echo $${bench%.py} | tr / .); done

.PHONY: golden
golden: .venv/ready ## Rewrite tests/golden; read the diff before you commit it.
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/jobs/test_families.py

.PHONY: lock
lock: .venv/ready ## Lock the dependencies anew, with hashes.
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --all-extras \
	  --group dev --no-annotate --no-header --quiet --upgrade --output-file requirements/all.txt
	grep -A 100 '^uv==' requirements/all.txt | awk 'NR > 1 && !/^ /{exit} {print}' > requirements/uv.txt

.venv/ready: requirements/all.txt requirements/uv.txt pyproject.toml
	@echo "Setting up .venv: about a minute, and 7 GB with torch's CUDA libraries." >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seedbed needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements/all.txt
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
