# The tasks of this repository: the same by hand and in CI. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.13
# Some tests start a local cloud: a file stays on one worker, so that it starts its cloud once.
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help setup demo test lint format bench soak lock wheels clean

help: ## List the tasks
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## Make .venv from its lock
	@bash ci/environment.sh

demo: setup ## Run the whole loop on the local cloud; DEMO_DESTROY=1 takes it away at the end
	@.venv/bin/penstock demo

test: setup ## Run the tests
	@$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup ## Check style and types
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: setup ## Format the code
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

bench: setup ## Measure against peers, into build/bench/results.json
	@$(PYTHON) -m tests.benchmarks

soak: setup ## Run the long tests
	@$(PYTHON) -m pytest -m soak $(TESTS)

lock: setup ## Renew every lock
	$(LOCK) pyproject.toml requirements/development.in --output-file requirements/development.txt --upgrade
	$(LOCK) requirements/services.in --output-file requirements/services.txt --upgrade
	$(LOCK) requirements/compile.in --output-file requirements/compile.txt --upgrade
	$(LOCK) requirements/gateway.in --output-file requirements/gateway.txt --upgrade --exclude-newer 2026-03-10
	for name in benchmarks mlflow notebooks policy; do $(LOCK) requirements/$$name.in --output-file requirements/$$name.txt --upgrade || exit; done
	for name in requirements/images/*.in; do \
		oldest=$$(sed -n 's/^# Locked for Python \(.*\) and later\.$$/\1/p' $$name); \
		$(filter-out --python-version 3.13,$(LOCK)) --no-config --python-version $${oldest:-3.13} \
			$$name --output-file $${name%.in}.txt --upgrade || exit; \
	done

wheels: setup ## Build the wheel into dist/
	@$(PYTHON) -m hatchling build --target wheel

clean: ## Stop the demo's local cloud and remove what was made
	@if [ -x .venv/bin/penstock ]; then .venv/bin/penstock cloud reset --state-dir build/demo/state --yes || true; fi
	@rm -rf build dist .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
