# `make run` and `make test` do all their own set-up. PYTHON chooses the interpreter, 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run classroom test test-fast lint browser bench clean

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

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "BCL Lab needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@ $(VENV)/installed

browser: $(VENV)/installed-dev
	@$(BIN)/python harness/chromium.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
