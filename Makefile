# Two commands do everything: `make demo` and `make test`. Both set up what they need on a machine with Python 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
ARGS ?=

.PHONY: help demo test lint format example catalogues lock clean

help:
	@echo "make demo           a whole community on this machine, to try with a real client (ARGS=--once ends by itself)"
	@echo "make test           all tests: pure, against a fake homeserver, and on two real federated ones"
	@echo "make lint           style and types"
	@echo "make format         put the style right"
	@echo "make example        write config.example.yaml anew from the schema"
	@echo "make catalogues     bring the translations' files up to date with the words in the code"
	@echo "make lock           resolve the dependencies anew"
	@echo "make clean          remove everything that the above made"

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hearth needs Python 3.11 or newer. Say which one to use: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up (about a minute, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "This Python cannot make virtual environments. On Debian: apt install python3-venv"; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >.venv/uv.lock # the quicker installer, where it reaches a registry; pip otherwise
	@{ $(PIP) --requirement .venv/uv.lock && UV_HTTP_TIMEOUT=15 $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode \
		--require-hashes --requirement requirements.lock; } 2>.venv/pip.log || $(PIP) --requirement requirements.lock 2>.venv/pip.log \
		|| { tail -n 5 .venv/pip.log; echo "The packages could not be fetched. Is there a network, and is a package registry reachable? Then run the same command again."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/hearth demo $(ARGS)

test: $(READY) # Hearth is started many times in it: what is compiled is kept, whatever the machine's habits are
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

example: $(READY)
	@$(BIN)/hearth example-config > config.example.yaml

catalogues: $(READY)
	@$(BIN)/python -m bridge.locale

lock: $(READY)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock

clean:
	rm -rf .venv .synapse .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find bridge tests -name __pycache__ -type d -exec rm -rf {} +
