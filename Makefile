# Every command of the project. `make` alone prints them; CI runs the same ones.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Tests run on all cores, but for the whole way, which has them to itself; pass PYTEST_ARGS=-x and so on.
PYTEST_ARGS ?=

.PHONY: help setup demo dev test test-unit test-contract test-protocol test-e2e protocol mutants check format bench chaos build clean

help:  ## print this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.ready-dev  ## a virtual environment in .venv with all that tests and checks need

demo: $(VENV)/.ready  ## a year of a real shop through the whole pipeline, nothing but Python needed
	$(BIN)/wayline demo

dev: $(VENV)/.ready  ## broker, Redis, worker and some traffic, all embedded; Ctrl-C ends it
	$(BIN)/wayline dev

test: setup  ## all tests, on a real Kafka and a real Redis; the fast ones first
	$(PYTEST) -n auto tests/unit tests/contract tests/protocol $(PYTEST_ARGS)
	$(PYTEST) tests/e2e $(PYTEST_ARGS)

test-unit: setup  ## tests that need nothing but Python
	$(PYTEST) -n auto tests/unit $(PYTEST_ARGS)

test-contract: setup  ## the stores' contracts, on a real Redis
	$(PYTEST) -n auto tests/contract $(PYTEST_ARGS)

test-e2e: setup  ## the whole way on a real Kafka and a real Redis, with killed workers
	$(PYTEST) tests/e2e $(PYTEST_ARGS)

protocol: setup  ## the model of the protocol: every interleaving of small worlds, every mutant caught
	$(PYTEST) -n auto tests/protocol $(PYTEST_ARGS)

mutants: setup  ## each journey rule broken on purpose: a test of the rules must notice each time
	$(BIN)/python -m tests.maps.rules.mutating

check: setup  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## mend what the linter can mend, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Wayline beside a bare loop and beside plain Faust; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks.pipeline --write benchmarks/RESULTS.md

SEEDS ?= 20
chaos: setup  ## a crowd, a nemesis and a judge: SEEDS=20 lives of a minute on real Kafka and Redis
	$(BIN)/python -m tests.chaos --seeds $(SEEDS)

build: setup  ## sdist and wheel into dist/
	rm -rf dist
	$(BIN)/python -m build

clean:  ## remove what these commands made
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: pyproject.toml .ci/venv
	.ci/venv $(VENV)
	touch $@

$(VENV)/.ready-dev: pyproject.toml .ci/venv
	.ci/venv $(VENV) dev,kafka-tests
	touch $(VENV)/.ready $@
