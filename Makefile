# `make demo` and `make test` need only make and Python >= 3.11; everything they write stays below this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CACHE  := $(CURDIR)/.cache

export TMPDIR := $(CACHE)/tmp
export XDG_CACHE_HOME := $(CACHE)
export XDG_CONFIG_HOME := $(CACHE)/config
export DASK_CONFIG := $(CACHE)/config/dask
export DASK_TEMPORARY_DIRECTORY := $(CACHE)/tmp
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-slow lint docs bench schemas clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed  ## synthetic scene -> deformation cube -> rate map, report and table against the truth
	$(BIN)/cryoscale demo demo

test: lint  ## everything that runs in a few minutes
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --durations 15

test-slow: $(VENV)/.installed-test  ## full-size checks
	$(BIN)/python -m pytest -m slow --durations 15

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-test  ## the site, in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -q -W --keep-going -j auto -d docs/_build/doctrees docs docs/_build/html

bench: $(VENV)/.installed-test  ## ratios against peers and against the floor, in one run
	$(BIN)/python -m benchmarks

schemas: $(VENV)/.installed-test  ## write zarr_schemas/ anew from the variables' registry
	$(BIN)/python -m cryoscale.schemas zarr_schemas

$(VENV)/bin/python:
	@mkdir -p $(TMPDIR)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cryoscale needs Python >= 3.11; say which with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@mkdir -p $(TMPDIR)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@mkdir -p $(TMPDIR)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(CACHE) demo bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
