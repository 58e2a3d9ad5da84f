# Everything is reached from here; `make` alone lists it. Needs only Python >= 3.11 and the machine's package indexes.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
READY := .venv/.tocsin-setup
export PYTHON

.PHONY: help setup demo test check lint fuzz range lock docs bench format clean wheel test-packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the locks, with Tocsin in it (a no-op when nothing changed)
	@:

$(READY): pyproject.toml requirements/bootstrap.txt requirements/dev.txt scripts/setup.sh
	@sh scripts/setup.sh

demo: setup ## start a Tocsin that shows itself
	@$(BIN)/tocsin demo

test: setup test-packages lint ## run every check and every test (minutes)
	@$(BIN)/pytest -n 2 --dist loadfile --ignore=tests/bench

test-packages:
	@sh scripts/install-test-packages.sh

check: setup lint ## run the fast checks: style, types, import rules, unit tests without the property tests (under a minute)
	@$(BIN)/pytest -q -n 2 -m "not hypothesis" tests/unit tests/golden tests/house
	@$(BIN)/python scripts/longest_files.py

lint: setup
	@echo "lint: ruff, mypy, import rules"
	@$(BIN)/ruff check --quiet --output-format=concise
	@$(BIN)/ruff format --check --quiet --output-format=concise || { echo "lint: run 'make format'"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary scripts/*.py scripts/references
	@$(BIN)/lint-imports --no-logo >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }

fuzz: setup ## run the property tests with many more examples, and a million random expressions (nightly)
	@TOCSIN_FUZZ_INPUTS=1000000 $(BIN)/pytest -q tests/unit/expr/test_random_inputs.py
	@$(BIN)/pytest -q -m hypothesis --hypothesis-profile=fuzz --timeout=1800

range: setup ## install real security tools and drive them (root)
	@sh scripts/install-range-packages.sh
	@$(BIN)/pytest tests/range

bench: setup ## measure
	@$(BIN)/tocsin bench

docs: setup ## write docs/reference again from the code
	@$(BIN)/python scripts/generate_references.py
	@test ! -e scripts/generate_diagnostics.py || $(BIN)/python scripts/generate_diagnostics.py

format: setup ## format the code
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format --quiet

# Not after `setup`: a pyproject.toml that the locks do not fit yet is the reason to call it.
lock: ## make the requirement locks again (UPGRADE=1 for newer versions)
	@test -x $(BIN)/uv || $(MAKE) setup
	@echo "lock:"
	@sh scripts/lock.sh

wheel: setup ## build the wheel and the source archive into dist/
	@$(BIN)/hatchling build

clean: ## remove what was built, .venv too
	@rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
