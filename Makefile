# `make run` tries the product, `make test` proves it. Everything needed is set up on the way.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOP := $(VENV)/.develop
PARTS := $(VENV)/.parts
# Three workers for two cores, since many a test waits; who is done first takes over from the others' end.
AT_ONCE := --numprocesses=3 --dist=worksteal

.PHONY: setup run play check quick test torture mutants bench package lock clean
.DEFAULT_GOAL := run

setup: $(RUNTIME)

$(RUNTIME): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@touch $@

$(DEVELOP): requirements-dev.lock $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

# What the tests need besides Python packages: PostgreSQL, a browser, the real client.
$(PARTS): tests/parts.py tests/client/package-lock.json $(DEVELOP)
	$(BIN)/python tests/parts.py
	@touch $@

run: $(RUNTIME)
	@$(BIN)/python app.py --demo

play: $(RUNTIME)
	@$(BIN)/python -m tests.client.play

check: $(DEVELOP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

# What needs neither PostgreSQL nor a browser, of the rooms that are changed most.
quick: $(DEVELOP)
	$(BIN)/python -m pytest $(AT_ONCE) -m "not postgres and not browser and not long" tests/domain tests/cards tests/teams tests/identity tests/features

test: $(PARTS)
	$(BIN)/python -m pytest $(AT_ONCE) --cov --cov-report=term

torture: $(PARTS)
	@$(BIN)/python -m tests.torture

mutants: $(PARTS)
	@$(BIN)/python -m tests.mutants

bench: $(PARTS)
	$(BIN)/python -m tests.bench

package: $(RUNTIME)
	@$(BIN)/python -m manifest

lock: $(DEVELOP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements.lock pyproject.toml --group dev --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) dist data bench.json tests/client/node_modules tests/output
