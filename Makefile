# On a fresh machine `make demo` is enough: it makes .venv, installs everything there and trains.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PLUGINS := $(wildcard plugins/*/pyproject.toml)
HEAD ?= lh2face
OUT ?= runs/demo
MUTANTS ?= 200
SEED ?= 0

.PHONY: install demo test test-slow soak lint bench clean
.DELETE_ON_ERROR:

install: $(STAMP)

# One command puts facezoo, its extras and every plug-in in place, editable. It runs again when one of the files
# that it depends on has changed.
$(STAMP): pyproject.toml constraints.txt $(PLUGINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "facezoo needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]' $(foreach file,$(PLUGINS),-e $(dir $(file)))
	@touch $@

# A run directory is never overwritten, so the run of an earlier demonstration goes first, but no other directory.
demo: $(STAMP)
	@rm -rf runs/demo
	$(BIN)/facezoo train --head $(HEAD) --out $(OUT)

# One process per processor, each on one thread; who has run out of tests takes over some of another's.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --dist=worksteal

test: $(STAMP)
	$(PYTEST)

test-slow: $(STAMP)
	$(PYTEST) -m slow

# What searches for long: kills, parsers, and faults that are planted in the code. What only this needs is
# installed here.
soak: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[soak]'
	$(PYTEST) -m soak --hypothesis-profile=soak
	@rm -rf build/mutants
	$(BIN)/python tests/soak/mutate.py --count $(MUTANTS) --seed $(SEED)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/head_step.py
	$(BIN)/python tests/benchmarks/roc.py
	$(BIN)/python tests/benchmarks/pairs.py
	$(BIN)/python tests/benchmarks/training.py
	$(BIN)/python tests/benchmarks/saving.py
	$(BIN)/python tests/benchmarks/intervals.py
	$(BIN)/python tests/benchmarks/startup.py

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
