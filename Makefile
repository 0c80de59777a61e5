# Every target sets up .venv by itself; the second time that costs nothing.
.DEFAULT_GOAL := help
SHELL := bash

PYTHON ?=
SEED ?= 1
N ?= 10000

BIN := .venv/bin
READY := .venv/ready

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): .ci/requirements.lock .ci/setup pyproject.toml
	@PYTHON="$(PYTHON)" .ci/setup
	@touch $@

.PHONY: demo
demo: $(READY)  ## a whole firm on loopback, from a won deal to recognised revenue
	@$(BIN)/tidegate demo

.PHONY: test
test: $(READY)  ## all tests, slow ones last
	$(BIN)/python -m tests.check tests

.PHONY: fast
fast: $(READY)  ## the tests that are not marked slow
	$(BIN)/python -m tests.check fast

.PHONY: check
check: $(READY)  ## format, lint, types and tests: run it before a review
	$(BIN)/python -m tests.check

.PHONY: fmt
fmt: $(READY)  ## write the code as the formatter wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(READY)  ## how fast the engine is on this machine
	$(BIN)/python -m tests.bench

.PHONY: workload
workload: $(READY)  ## both digests of the fixed workload: make workload SEED=7 N=50000
	@$(BIN)/python -m tests.bench.workload --seed "$(SEED)" --n "$(N)"

.PHONY: lock
lock: $(READY)  ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --upgrade --quiet --output-file .ci/requirements.lock

.PHONY: clean
clean:  ## remove what can be made again
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
