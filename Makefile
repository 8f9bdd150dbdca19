# r1: set up, train, test. `make` alone lists the targets. Works with GNU make 3.81 (macOS) and later.
#
# Variables, on the command line or in the environment:
#   PYTHON=python3.12     the Python that .venv is made with (else the first of 3.11 to 3.14 that is found)
#   EXTRAS=trackio        extras of pyproject.toml, separated by commas; EXTRAS=vllm uses constraints-vllm.txt
#   GPU=1 or GPU=0        torch with or without CUDA (else: 1 where nvidia-smi finds a GPU)
#   TORCH_INDEX=URL       where torch without CUDA is found if pip's own sources lack it; empty: nowhere else
#   ARGS='...'            further arguments for zero, test and bench
# EXTRAS and GPU are remembered in .venv, so that a later `make test` keeps what `make setup` was told.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
EXTRAS ?= $(shell cat $(VENV)/r1-extras 2>/dev/null)
HAS_GPU = $(shell cat $(VENV)/r1-gpu 2>/dev/null || (nvidia-smi -L >/dev/null 2>&1 && echo 1 || echo 0))
GPU ?= $(if $(findstring vllm,$(EXTRAS)),1,$(HAS_GPU))
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CONSTRAINTS := $(if $(findstring vllm,$(EXTRAS)),constraints-vllm.txt,constraints.txt)
comma := ,
STAMP := $(VENV)/ready-gpu$(strip $(GPU))-$(subst $(comma),-,$(strip $(EXTRAS)))
RUNS := $${R1_RUNS:-runs}

# Two threads that spin on two shared cores made one generation 20 times slower: tests use one.
ONE_THREAD := OMP_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup zero test check format bench nano lock check-vllm clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv and install r1 with the pinned versions of constraints.txt

$(STAMP): pyproject.toml $(CONSTRAINTS) .ci/setup.sh
	@PYTHON='$(PYTHON)' VENV='$(VENV)' EXTRAS='$(EXTRAS)' GPU='$(strip $(GPU))' TORCH_INDEX='$(TORCH_INDEX)' \
		CONSTRAINTS='$(CONSTRAINTS)' sh .ci/setup.sh
	@touch $@

zero: setup ## train R1-Zero on the embedded model: about 10 minutes on 2 CPU cores
	@$(BIN)/r1 train zero $(ARGS)
	@curves=$$(ls -t "$(RUNS)"/*/curves.png 2>/dev/null | head -n 1); \
		if [ -n "$$curves" ]; then echo "The curves are drawn in $$curves"; fi

test: setup ## run all tests, the slow ones included (ARGS='-m "not slow"' leaves those out)
	@$(ONE_THREAD) $(BIN)/python -m pytest $(ARGS)

check: setup ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: setup ## let ruff rewrite the code as `make check` wants it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## measure speed and memory, and a plain TRL script beside it
	@$(BIN)/python -m tests.bench $(ARGS)

lock: setup ## resolve anew and rewrite constraints.txt and constraints-vllm.txt
	@$(BIN)/python .ci/lock.py constraints.txt
	@$(BIN)/python .ci/lock.py constraints-vllm.txt

check-vllm: setup ## check by a dry run that constraints-vllm.txt still resolves (installs nothing)
	@$(BIN)/python .ci/lock.py --check constraints-vllm.txt

nano: setup ## make the embedded base model anew and put it into the package (about 10 minutes)
	@R1_RUNS=build/nano $(BIN)/r1 train base $(ARGS)
	@$(BIN)/python .ci/ship.py "$$(ls -td build/nano/*base* | head -n 1)" nano

clean: ## remove .venv, builds and caches; runs/ stays
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find r1cli tests -name __pycache__ -type d -prune -exec rm -rf {} +
