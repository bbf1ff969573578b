# make setup | demo | demo-jets | test | coverage | lint | bench | docs | clean        (each makes .venv first where it needs it)
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# TensorFlow build: cpu or gpu (make demo TENSORFLOW=gpu)
TENSORFLOW ?= cpu
# the first Python 3.11-3.13 that runs; choose another with make PYTHON=...
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: setup demo demo-jets test coverage lint bench docs clean

setup: $(STAMP)

# bytecode is compiled on all cores, where pip would take one; templates in some packages are no Python, so it may fail
$(STAMP): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python"; exit 2; }
	@echo "setting up $(VENV) with $(PYTHON): downloads about 1 GB of wheels, two to five minutes"
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet --no-compile -e '.[$(TENSORFLOW),simulation,notebook,test]'
	@$(PY) -m compileall -qq -j 0 $(abspath $(VENV)) || true
	@touch $@

demo: $(STAMP)
	$(PY) demo/run_demo.py

demo-jets: $(STAMP)
	$(PY) demo/run_demo_jets.py

test: $(STAMP)
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# some minutes longer than test; the floor is in pyproject.toml
coverage: $(STAMP)
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# minutes for each program; all of it (hours): .venv/bin/python bench/summary.py; compared with: pip install -e '.[bench]'
bench: $(STAMP)
	$(PY) bench/summary.py --quick

docs: $(STAMP)
	$(PY) -m pip install --quiet -e '.[docs]'
	$(VENV)/bin/mkdocs build --strict

# demo_output/ (generated events, runs, plots) stays; remove it by hand
clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .pytest_cache .hypothesis .ruff_cache .mypy_cache site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
