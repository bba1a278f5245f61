# assent: every command a developer needs. A fresh machine needs only this file, GNU make and Python 3.11 or newer.

PYTHON ?= python3
PYTEST_FLAGS ?= -n auto --maxprocesses=4 --dist loadgroup
BENCH_FLAGS ?=
UPGRADE ?=
# torch has no place in the hashed files (see docs/design/001). Exactly this build is looked for among pip's find-links,
# which costs nothing where there is none; to take it from PyTorch's CPU index: make test TORCH_FROM="--index-url ADDRESS"
TORCH ?= 2.13.0
TORCH_FROM ?= --no-index

VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
CODE := src tests benchmarks tools docs

export UV_PYTHON_DOWNLOADS := never
UV := VIRTUAL_ENV= $(BIN)/uv
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV_INSTALL := $(UV) pip install --quiet --python $(BIN)/python $(foreach link,$(PIP_FIND_LINKS),--find-links $(link))
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check bench docs lock wheel clean dev torch

help: ## show this list
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-10s%s\n", $$1, $$2}'

demo: $(DONE)/lab $(DONE)/project ## install what the demonstration needs and run it
	$(BIN)/assent demo

test: dev ## install everything and run all tests (PYTEST_FLAGS="-m 'not slow'" leaves out the slow ones)
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: dev ## style, types, import contracts and documentation, without changing a file
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
	$(BIN)/python tools/contracts.py
	$(MAKE) --no-print-directory docs

docs: dev ## build the documentation into docs/_build/html from the start; a warning is an error
	$(BIN)/python -m sphinx -E -W --keep-going --quiet -b html docs docs/_build/html

bench: dev ## run every benchmark (BENCH_FLAGS=--json for JSON)
	@for file in benchmarks/[!_]*.py; do $(BIN)/python $$file $(BENCH_FLAGS) || exit 1; done

wheel: $(DONE)/project ## build the wheel into dist/
	$(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist

lock: $(DONE)/build ## compile requirements/*.txt from pyproject.toml again (UPGRADE=--upgrade takes newer versions)
	$(COMPILE) pyproject.toml requirements/torch-light.in requirements/build.in --extra lab --extra dev -o requirements/all.txt
	$(COMPILE) pyproject.toml --constraints requirements/all.txt -o requirements/core.txt
	$(COMPILE) pyproject.toml --extra lab --constraints requirements/all.txt -o requirements/lab.txt
	$(COMPILE) requirements/build.in --constraints requirements/all.txt -o requirements/build.txt
	$(COMPILE) --no-emit-package torch --override requirements/no-torch.in \
	  requirements/torch-light.in requirements/peers.in -o src/assent/peers/requirements.txt

clean: ## remove what was built; the environment stays (rm -r .venv removes that)
	rm -rf build dist docs/_build docs/api .pytest_cache .ruff_cache .hypothesis benchmarks/results
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# Each file below says that a step is done; it is older than what the step depends on when the step must be repeated.

dev: $(DONE)/all torch $(DONE)/project

$(DONE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "assent needs Python 3.11 or newer, and '$(PYTHON)' is no such Python. Name one: make demo PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(DONE) && touch $@

$(DONE)/build: requirements/build.txt | $(DONE)/venv
	$(PIP_INSTALL) --require-hashes -r requirements/build.txt
	@touch $@

$(DONE)/lab: requirements/lab.txt $(DONE)/build
	$(UV_INSTALL) --require-hashes -r requirements/lab.txt
	@touch $@

$(DONE)/all: requirements/all.txt $(DONE)/build
	$(UV_INSTALL) --require-hashes -r requirements/all.txt
	@touch $@

$(DONE)/project: pyproject.toml $(DONE)/build
	$(UV_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# --no-deps: torch's own dependencies stand in the hashed file, its CUDA tree nowhere. Outside CI the tests that compare
# with torch skip where there is none; under CI=true its absence is an error.
torch: $(DONE)/all
	@test -e $(DONE)/torch-$(TORCH) || { \
	  echo "looking for torch $(TORCH) ($(TORCH_FROM))"; \
	  $(PIP_INSTALL) --no-deps $(TORCH_FROM) "torch==$(TORCH)" && $(BIN)/python -c 'import torch' && touch $(DONE)/torch-$(TORCH); \
	} || { \
	  echo "torch $(TORCH) is not to be had from pip's find-links: tests that compare with it skip (Makefile: TORCH_FROM)." >&2; \
	  test "$$CI" != true; }
