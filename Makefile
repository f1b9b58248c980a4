# Everything a fresh machine needs is Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test
FUZZ := .venv-fuzz

.PHONY: demo test check format lint types docs reference lock bench fuzz lab clean live-assets live live-clients

demo: $(STAMP)  ## assess the embedded clinic: executed notebooks and index.html
	$(BIN)/hipaa-kit demo

test: $(TEST_STAMP)  ## run all tests
	$(BIN)/python -m pytest -n auto
	$(BIN)/python -m pytest -n auto -q --nbval --nbval-current-env tests/notebooks/reference

check: format-check lint types test  ## everything that guards main

lab: $(STAMP)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say which with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(TEST_STAMP): $(STAMP) requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

.PHONY: format-check
format-check: $(TEST_STAMP)
	$(BIN)/ruff format --check .

format: $(TEST_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(TEST_STAMP)
	$(BIN)/ruff check .

types: $(TEST_STAMP)
	$(BIN)/mypy

docs: $(STAMP)  ## write docs/checks.md and docs/tables.md from the declarations
	$(BIN)/python docs/make_reference.py

clinic: $(STAMP)  ## write data/clinic and data/clinic_fixed from their script
	$(BIN)/python data/generator

reference: $(TEST_STAMP)  ## write the reference runs that nbval compares with
	$(BIN)/python tests/notebooks/make_reference_runs.py

fuzz: $(FUZZ)/.installed  ## look for what breaks the readers, for HIPAA_KIT_FUZZ_SECONDS (600)
	$(FUZZ)/bin/python tests/fuzz/fuzz.py

$(FUZZ)/.installed: requirements.lock requirements-fuzz.lock
	test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --require-hashes -r requirements.lock -r requirements-fuzz.lock
	touch $@

live-assets:  ## build kube-apiserver, etcd and kubectl for the live tests, once, from Go modules (docs/live_tests.md)
	@tests/live/assets/build

live: $(TEST_STAMP)  ## run the tests that need a real API server, and nothing else
	$(BIN)/python -m pytest -m live tests

live-clients: $(TEST_STAMP)  ## hold the collector's contract with the oldest supported client too
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --require-hashes --target $(VENV)/oldest-client -r tests/live/oldest-client.lock
	PYTHONPATH=$(CURDIR)/$(VENV)/oldest-client HIPAA_KIT_KUBERNETES_CLIENT=35. $(BIN)/python -m pytest tests/live/test_contract.py

bench: $(TEST_STAMP)
	$(BIN)/python -m pytest benchmarks --benchmark-only

lock:  ## pin every package, with hashes, for all supported Python versions (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -c requirements.lock --group dev --group build -o requirements-dev.lock

clean:
	rm -rf $(VENV) $(FUZZ) .fuzz build dist .mypy_cache .pytest_cache .ruff_cache
