# Every target does its own set-up in .venv first. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo serve test soak check fix bench bench-connection bench-transcript long-call lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml emulator/pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Colloquy needs Python 3.11 or newer; set PYTHON=python3.12, say.")'
	@echo "Installing Colloquy and what it needs into $(VENV): once, for a minute or more, over the network."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable './emulator[speech]' --editable '.[speech,postgres,google-stt,dev]'
	@echo "Installed."
	@touch $@

demo: $(READY) ## hold a scored exam without key, microphone or network
	$(BIN)/colloquy demo

serve: $(READY) ## open the page for a person; CONFIG=configs/baseline.yaml for the real service
	$(BIN)/colloquy serve $(or $(CONFIG),configs/offline.yaml)

test: $(READY) ## the tests, on two cores; REQUIRE_PEERS=1 makes a missing browser or database a failure; ARGS=tests/core
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else # tests on the real clock do not share the machine with the others, and wait more than they compute
	$(BIN)/python -m pytest -n 2 --dist loadgroup --durations=10 -m "not real_time"
	$(BIN)/python -m pytest -n 3 --dist loadgroup --durations=10 -m "real_time and not soak"
endif

soak: $(READY) ## every fault, loss and ending in whole calls on the real clock, with a table, then the long searches
	SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --durations=10 -m real_time tests/calls tests/bench
	SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --durations=10 -m "not real_time" tests/calls tests/processors/manual_vad

check: $(READY) ## format, lint, types, layers, then words, sizes and documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py -m "not real_time"

fix: $(READY) ## format, and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## our pipeline beside stock Pipecat and a bare echo, then the emulator; CALLS="1 5 10"
	$(BIN)/python -m bench $(if $(CALLS),--calls "$(CALLS)")
	$(BIN)/python -m bench.emulator

bench-connection: $(READY) ## what each loss of the connection costs the caller, ours beside stock Pipecat (20 minutes); QUICK=1, FAULTS=cut,mute
	$(BIN)/python -m bench.connection $(if $(QUICK),--quick) $(if $(FAULTS),--faults "$(FAULTS)")

bench-transcript: $(READY) ## two minutes of speech by each strategy against gaps in the transcript (6 minutes)
	$(BIN)/python -m bench.transcript

long-call: $(READY) ## 14 minutes of exam over a failing connection, sent and received audio compared sample by sample; MINUTES=14
	$(BIN)/python -m bench.long_call $(if $(MINUTES),--minutes $(MINUTES))

lock: ## write constraints.txt anew from pyproject.toml
	rm -rf $(VENV).lock
	$(PYTHON) -m venv $(VENV).lock
	$(VENV).lock/bin/python -m pip install --quiet --upgrade pip
	$(VENV).lock/bin/python -m pip install --quiet './emulator[speech]' '.[speech,postgres,google-stt,dev]'
	(echo '# Exact versions of everything installed. `make lock` writes this file.'; \
	  $(VENV).lock/bin/python -m pip freeze --exclude colloquy --exclude gemini-live-emulator --exclude setuptools) > constraints.txt
	rm -rf $(VENV).lock

clean: ## remove what make made
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build *.egg-info emulator/build emulator/*.egg-info
