# On a fresh machine `make demo` is enough: it makes .venv, installs everything there and trains.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)
# Named after what was installed: it is missing as soon as one of these files has changed, came or went.
STAMP := $(VENV)/installed-$(firstword $(shell cksum pyproject.toml constraints.txt $(PLUGINS) | cksum))
PIP := $(BIN)/python -m pip install --no-compile -c constraints.txt
HEAD ?= lh2face
OUT ?= runs/demo
MUTANTS ?= 200
SEED ?= 0

.PHONY: install demo test test-slow soak lint bench clean
.DELETE_ON_ERROR:

install: $(STAMP)

# One call of pip puts facezoo and every distribution under plugins in place, editable, with all that they need. What
# builds them stands in the environment already: an environment for each of them would take longer than all the rest.
# pip would compile one module after another, which is half of its time: here all processors do it, and, as with pip, a
# file that is not meant for this Python is passed over.
$(STAMP):
	@echo 'Installing facezoo and $(words $(PLUGINS)) other distributions into $(VENV), once: about 5 minutes and 1.5 GB' \
	  'on two slow cores; several GB more where pip takes PyTorch for CUDA.'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "facezoo needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@rm -f $(VENV)/installed*
	@echo '1 of 4: an environment of its own'
	$(PYTHON) -m venv $(VENV)
	@echo '2 of 4: what builds the distributions'
	$(PIP) hatchling editables
	@echo '3 of 4: PyTorch and the other libraries, which takes most of the time, then facezoo'
	$(PIP) --no-build-isolation -e '.[dev]' $(foreach file,$(PLUGINS),-e $(dir $(file)))
	@echo '4 of 4: compiling their modules'
	@$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

# A run directory is never overwritten, so the run of an earlier demonstration goes first, but no other directory.
demo: $(STAMP)
	@echo 'Training $(HEAD) on the faces of 30 people: about half a minute on two slow cores.'
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
	$(PIP) --quiet --no-build-isolation -e '.[soak]'
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
