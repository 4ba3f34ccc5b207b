# `make run` and `make test` do all their own set-up. PYTHON chooses the interpreter, 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run classroom test test-fast lint docs release-check browser clean

run: $(VENV)/installed
	$(BIN)/streamlit run streamlit_app.py

# For a class in this network: prints a link for everybody, who look, and one for the presenter, who may do all.
classroom: $(VENV)/installed
	BCL_LAB_CLASS=1 $(BIN)/streamlit run streamlit_app.py --server.address 0.0.0.0

test: $(VENV)/installed-dev browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Before each commit, in under a minute: all but browsers, what takes long, and most that is done on pages.
test-fast: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "smoke or not (browser or page or slow)"

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/installed-dev
	$(BIN)/python -m mkdocs build  # not --quiet: that would let warnings pass

# Before a release: the whole suite on both ends of what pyproject.toml and requirements/ promise. uv fetches Pythons
# and packages, about 6 GB for each end.
OLDEST := --python 3.11 --resolution lowest-direct
NEWEST := --python 3.14 --resolution highest

release-check:
	@command -v uv >/dev/null || { echo "release-check needs uv, and a network: pip install uv"; exit 1; }
	OMP_NUM_THREADS=1 uv run --isolated --no-project $(OLDEST) --with-requirements requirements-dev.txt python -m pytest
	OMP_NUM_THREADS=1 uv run --isolated --no-project $(NEWEST) --with-requirements requirements-dev.txt python -m pytest

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "BCL Lab needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

REQUIREMENTS := requirements.txt $(wildcard requirements/*.txt)

$(VENV)/installed: $(REQUIREMENTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(REQUIREMENTS) requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@ $(VENV)/installed

browser: $(VENV)/installed-dev
	@$(BIN)/python harness/chromium.py

clean:
	rm -rf $(VENV) site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
