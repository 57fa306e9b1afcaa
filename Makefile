# Five commands; each prepares what it needs and is quick when it is there.
.PHONY: demo test check bench run format clean
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready node_modules/.ready
CHECKS := .venv-infra

demo: $(READY) ## tells the whole story on invented data; ends 0 only if every step's check holds
	$(BIN)/python -m local.demo

test: $(READY) ## unit, contract, trade, end-to-end and fault tests
	$(BIN)/python -m pytest tests/unit tests/contract tests/trade -n 2
	$(BIN)/python -m pytest tests/e2e tests/faults -n 2 --dist loadfile

check: $(READY) $(CHECKS)/.ready ## format, lint, types, import rules, dead code, names of the real APIs, infra
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture
	$(BIN)/python -m local.schema.names
	$(BIN)/python -m local.infra

bench: $(READY) ## counts requests, rows and storage calls against what was promised; ends 0 only if every bar is kept
	$(BIN)/python -m tests.bench

run: $(READY) ## Azurite, simulators and the functions host, until Ctrl-C
	$(BIN)/python -m local up

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.ready: requirements.txt requirements-dev.txt
	"$$(sh local/python.sh)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

$(CHECKS)/.ready: infra/requirements-checks.txt
	"$$(sh local/python.sh)" -m venv $(CHECKS)
	$(CHECKS)/bin/python -m pip install --quiet --no-deps -r $<
	touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) $(CHECKS) node_modules .local
