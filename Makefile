# make run   the whole site on this machine        make test   the whole test suite
# make lint  every static check                    make bench  every benchmark
SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

# A stamp's name holds what the environment was made from, so an unchanged one costs nothing.
# The folder is part of it: a copied environment still points at its old place.
KEY := $(shell { cat requirements.txt constraints.txt; sed '/^.tool.ruff.$$/,$$d' pyproject.toml; } | cksum | cut -d' ' -f1)
DEV_KEY := $(KEY)-$(shell cat requirements-frameworks.txt requirements-dev.txt | cksum | cut -d' ' -f1)
HOME_STAMP := $(VENV)/.home-$(shell echo '$(CURDIR)' | cksum | cut -d' ' -f1)
READY := $(VENV)/.ready-$(KEY)
READY_DEV := $(VENV)/.ready-dev-$(DEV_KEY)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

# The folders of pure Python, and the files that own every write: 95 % of them is tested, 90 % of all.
PURE := scenarios/core/*,scenarios/library/*,models_registry/policies/*,models_registry/artifacts/*,training/rl/*,*/services.py

# One verdict on coverage: a line when it holds, the whole table when it does not.
judge = if $(BIN)/coverage report $(2) > var/coverage.txt; then echo "Coverage: $(1): $$(sed -n 's/^TOTAL.* //p' var/coverage.txt)"; \
	else cat var/coverage.txt; echo "Coverage is too low: $(1)"; status=1; fi

.PHONY: help setup run test lint format bench manage shell clean
help:
	@sed -n '1,2s/^# //p' Makefile

setup: $(READY)

run: $(READY)
	@$(BIN)/python -m agentgym_site.supervisor

# With ARGS only those tests run, and coverage is not judged. pytest's last line stays last.
test: $(READY_DEV)
	@mkdir -p var && rm -f .coverage .coverage.*
	@set -o pipefail; status=0; \
	$(BIN)/python -m pytest -n 2 $(if $(ARGS),$(ARGS),--cov --cov-report=) | tee var/pytest.log || status=1; \
	if [ -z "$(ARGS)" ]; then \
		$(call judge,Everything,--fail-under=90); \
		$(call judge,Pure folders and services,--fail-under=95 --include='$(PURE)'); \
		tail -n 1 var/pytest.log; \
	fi; \
	exit $$status

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(READY_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY_DEV)
	@for file in benchmarks/[a-z]*.py; do \
		name=$$(basename $$file .py); echo "# benchmarks.$$name" >&2; \
		$(BIN)/python -m benchmarks.$$name $(ARGS) || exit 1; \
	done

manage: $(READY)
	@$(BIN)/python manage.py $(ARGS)

shell: $(READY)
	@$(BIN)/python manage.py shell

# Keeps var/, where your data is.
clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.*

$(HOME_STAMP):
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.13 is needed, and none was found on PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed; $(PYTHON) is another version. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(READY): $(HOME_STAMP)
	@echo "Installing what requirements.txt lists (minutes the first time, nothing after that)."
	@$(PIP) --quiet --requirement requirements.txt
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.ready-* && touch $@

$(READY_DEV): $(READY)
	@echo "Installing the tools of requirements-dev.txt."
	@$(PIP) --quiet --requirement requirements-dev.txt
	@touch $@
