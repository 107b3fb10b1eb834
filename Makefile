# Manara: `make` alone lists the targets. Each sets up what it needs by itself and does nothing twice.
# Needs Python 3.11 or newer and Node 20 or newer; `make test` as root on Debian installs the rest (scripts/system-packages).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UI := src/manara/web/static/index.html
UI_SOURCES := $(shell find ui -type f -not -path 'ui/node_modules/*' -not -path 'ui/dist/*' 2>/dev/null)
TESTS ?=
ARGS ?=

.PHONY: help demo test lint bench dev ui docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) $(UI) ## a virtual province, recorded and live in your browser; Ctrl-C stops it
	@$(BIN)/manara demo

test: $(READY) $(UI) ## every test; TESTS="tests/store -k journal" runs some
	@scripts/system-packages
	@$(BIN)/python scripts/ui_checks.py
	@$(BIN)/python -m pytest -p scripts.skipped $(TESTS)

lint: $(READY) ## ruff, mypy and the directions of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(READY) ## the recorder against ffmpeg and the floor, the index; minutes (ARGS="--cameras 50 200 500")
	@scripts/system-packages
	@$(BIN)/python -m benchmarks.index_query
	@$(BIN)/python -m benchmarks.recorder $(ARGS)

dev: $(READY) ui/node_modules/.package-lock.json ## the web on made-up data, screens from Vite with instant reload
	@scripts/dev

ui: $(UI) ## build the screens

docs: $(READY) ## write the references of settings and messages
	@$(BIN)/python scripts/write_reference.py

clean: ## remove what was built; data folders stay
	rm -rf $(VENV) ui/node_modules src/manara/web/static .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml constraints.txt build_hook.py src/manara/recorder/_packets.c
	@scripts/make-venv "$(PYTHON)" "$(VENV)"
	@touch $@

ui/node_modules/.package-lock.json: ui/package.json $(wildcard ui/package-lock.json)
	@scripts/need-node
	@cd ui && if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; else npm install --no-audit --no-fund; fi
	@touch $@

$(UI): ui/node_modules/.package-lock.json $(UI_SOURCES)
	@cd ui && npm run build --silent
	@touch $@
