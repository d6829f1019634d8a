# What a person types: `make demo`, `make test`. Everything lands in .venv and in the user's cache; nothing else.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
# All but `train`: its torch is for whoever learns weights.
EXTRAS := model virtual hooks tables bench dev
RHYTHM := tests/data/rr/afdb-04043-joined-2h.csv.gz

.PHONY: help install model demo test test-bluez test-box test-fhir test-page test-arm64 test-512mb fuzz kills torn
.PHONY: lint format lock clean

help:
	@echo "make demo     a day with four virtual wearables, end to end, in under a minute"
	@echo "make test     the tests"
	@echo "make test-bluez  the Bluetooth tests on real BlueZ, in an emulated machine (Debian, QEMU; minutes)"
	@echo "make test-box a whole box in an emulated machine: installed, started, watched, taken off (Debian, QEMU)"
	@echo "make test-fhir   the FHIR Bundles against HL7's JSON schema and profiles (needs Node and npm)"
	@echo "make test-page   the phone's page in a real browser (needs Chromium, Node and npm)"
	@echo "make test-arm64  install, demo and tests on 64-bit Arm, emulated (Debian, QEMU; needs root, takes hours)"
	@echo "make test-512mb  build the model, run the demo, collect and summarise in 512 MB (needs cgroups; minutes)"
	@echo "make fuzz     ten million payloads, random and mutated: each a measurement or a DecodeError"
	@echo "make kills    kill a writing process 500 times: nothing acknowledged is lost (minutes)"
	@echo "make torn     a power cut at every write of the store, a disk that fails at every third (minutes)"
	@echo "make lint     ruff and mypy"
	@echo "make lock     resolve the pinned versions in requirements.lock again"

install: $(VENV)/installed

# The lock has hashes: what is installed is what was tested, or nothing.
$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it, or name it: make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "The venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python .ci/install.py
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

model: install
	@$(BIN)/healthslm model build

demo: install model
	@$(BIN)/healthslm demo --rhythm $(RHYTHM) --out demo-output

test: install model
	$(BIN)/python -m pytest -n 2 --dist loadfile

# BLUEZ=--optional: where it cannot run, say why in one line and go on.
test-bluez: install
	@tests/bluez/vm/run.sh $(BLUEZ)

test-box: install
	@tests/pi/vm/run.sh $(BLUEZ)

# --ignore-scripts: what is fetched is read, not run on installing.
test-fhir: install
	@command -v npm >/dev/null || { echo "Node with npm is needed; on Debian: apt install npm" >&2; exit 1; }
	npm ci --prefix tests/export/validators --ignore-scripts --no-audit --no-fund
	$(BIN)/python -m pytest tests/export/test_validators.py tests/export/test_fhir.py tests/export/test_fhir_guides.py

test-page: install
	@command -v npm >/dev/null || { echo "Node with npm is needed; on Debian: apt install npm chromium" >&2; exit 1; }
	npm ci --prefix tests/companion/browser --ignore-scripts --no-audit --no-fund
	$(BIN)/python -m pytest tests/companion

# ARM64=--optional, SUITE=trixie; see the script.
test-arm64:
	@tests/arm64/run.sh $(ARM64)

test-512mb: install model
	@tests/boards/512mb.sh

fuzz: install
	nice $(BIN)/python -m tests.fuzz 10000000

kills: install
	folder=$$(mktemp -d) && nice $(BIN)/python -m tests.store.killed_writer $$folder 500 1; \
		said=$$?; rm -rf "$$folder"; exit $$said

torn: install
	nice $(BIN)/python -m tests.store.test_torn 100 1

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(EXTRAS:%=--extra %) --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		--output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra box --constraint requirements.lock --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		--output-file device/pi/requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis
