# Everything goes through here: `make` alone lists what there is.
PY := .venv/bin/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
TEMPLATES = $(shell find templates -name '*.html' -o -name '*.txt')
# Workers on one machine need different names.
WORKER ?= celery
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest
SLOW := model or services or browser
# These share nothing, so every core runs some; the others start servers and browsers, which want the machine to themselves.
QUICK := $(PYTEST) -m "not ($(SLOW))" --numprocesses logical --maxprocesses 8

.DEFAULT_GOAL := help
.PHONY: help install run worker test test-quick check bench-start bench-annotation bench-crowd bench-growth bench-generation bench-analysis bench-report bench-exports bench-workers calibration fmt lock upgrade clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(DEV) ## Make the environment in .venv/: site, worker, tests and tools

run: $(RUNTIME) ## Start the site and a worker, and print where they are (PORT, HOST, EVENHAND_DATA)
	@exec $(PY) -m config.launch

worker: $(RUNTIME) ## Start a worker alone (DATABASE_URL, REDIS_URL, EVENHAND_DEVICE)
	@exec $(PY) -m celery -A config worker --loglevel INFO --pool prefork --hostname $(WORKER)@%h

test: $(DEV) ## Run every test: SQLite, PostgreSQL, Redis, the real model, a real browser
	@scripts/browser
ifdef ARGS
	@$(PYTEST) $(ARGS)
else
	@$(QUICK)
	@$(PYTEST) -m "$(SLOW)"
endif

test-quick: $(DEV) ## Run the tests that need no model, no server and no browser
	@$(QUICK) $(ARGS)

check: $(DEV) ## Check style, types, layers, templates and migrations
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djade --target-version 5.2 --check $(TEMPLATES)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		EVENHAND_DATA=$$folder DATABASE_URL= $(PY) manage.py makemigrations --check --dry-run

bench-start: $(RUNTIME) ## Measure how long a first start takes
	@$(PY) benchmarks/start.py

bench-annotation: $(DEV) ## Measure how fast annotators are served, on PostgreSQL and on SQLite
	@$(PY) benchmarks/annotation.py served
	@$(PY) benchmarks/annotation.py embedded

bench-crowd: $(DEV) ## Measure a crowd of 200 that loses people, with the site killed twice
	@$(PY) benchmarks/annotation_crowd.py

bench-growth: $(DEV) ## Measure what a claim costs as a study grows, on PostgreSQL and on SQLite
	@$(PY) benchmarks/annotation_growth.py served
	@$(PY) benchmarks/annotation_growth.py embedded

bench-generation: $(DEV) ## Measure the engine against transformers' own ways and against the machine
	@$(PY) -m benchmarks.generation

bench-analysis: $(DEV) ## Measure the statistics against other programs, as far as they are installed
	@$(PY) -m benchmarks.analysis

bench-report: $(DEV) ## Measure a whole report of a million judgments, its time and its memory
	@$(PY) -m benchmarks.report

bench-exports: $(DEV) ## Measure the time and the memory of taking everything out
	@$(PY) -m benchmarks.exports

bench-workers: $(DEV) ## Measure how writing speeds up with one, two and four workers
	@$(PY) benchmarks/workers.py

calibration: $(DEV) ## Simulate coverage and false positives of intervals and interim looks
	@$(PY) -m benchmarks.calibration

fmt: $(DEV) ## Format the code and the templates
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	.venv/bin/djade --target-version 5.2 $(TEMPLATES)

lock: $(DEV) ## Compile requirements.txt and requirements-dev.txt from pyproject.toml
	scripts/lock

upgrade: $(DEV) ## Compile the locks anew, with the newest versions that pyproject.toml admits
	scripts/lock --upgrade

clean: ## Remove caches (neither .venv/ nor var/)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

$(RUNTIME): requirements.txt requirements-model.txt
	@scripts/environment runtime

# The compiler is looked for first, not after minutes of installing.
$(DEV): requirements.txt requirements-model.txt requirements-dev.txt
	@scripts/environment compiler
	@$(MAKE) --no-print-directory $(RUNTIME)
	@scripts/environment dev
