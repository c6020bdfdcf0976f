# Two commands matter: `make demo` (set-up, the whole micro pipeline, the report) and `make test`.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
READY := .venv/.ready
REPORT := results/micro/report
SOURCES := src tests benchmarks studies

.PHONY: help setup demo test lint format schemas bench clean

help:
	@echo "make demo    set up and reproduce every paper at micro scale, then say where the report is"
	@echo "make test    set up and run the tests"
	@echo "make lint    ruff, mypy, snakefmt and snakemake's linter"
	@echo "make bench   speed comparisons (benchmarks/)"
	@echo "make setup   create .venv with the pinned packages"

setup: $(READY)

$(READY): envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

demo: setup
	$(BIN)/snakemake --cores $(CORES) --quiet host reason --config preset=micro
	$(BIN)/snakemake --cores 1 --config preset=micro --quiet all --report $(REPORT)/snakemake.html
	@echo "Report: $(CURDIR)/$(REPORT)/index.html"
	@echo "Snakemake's own report: $(CURDIR)/$(REPORT)/snakemake.html"

test: setup
	$(BIN)/pytest --numprocesses=2 --dist=loadfile

lint: setup
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: setup
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt Snakefile workflow

schemas: setup
	$(BIN)/python -m tickets.schemas

bench: setup
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

clean:
	git clean --quiet --force -dX results
	rm -rf .venv .snakemake .tickets
