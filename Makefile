# What a newcomer types. Everything runs in ./.venv, made with nothing but Python >= 3.11, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' service/scicat_ingest/__init__.py)
ENGINE ?= docker

.PHONY: help demo test test-fast test-tools test-image image release-image tools simulate lint format types imports check-all coverage docs docs-chart release-check bench lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "scicat-ingest needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing the service and the demo's Kafka into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo requirements/dev.txt
	@echo "Installing the test tools into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.demo ## the whole service on this machine: real Kafka, a SciCat stand-in, 100 events
	@$(BIN)/scicat-ingest demo

test: test-fast ## every test, with real Kafka
	@$(BIN)/pytest -m kafka

test-fast: $(VENV)/.dev ## all tests that need no Kafka, under 2 minutes
	@$(BIN)/pytest -m "not kafka and not tools and not image" --numprocesses auto --dist worksteal

test-tools: $(VENV)/.dev tools ## the tests that need promtool and the like: alerts, dashboards, chart
	@$(BIN)/pytest -m tools

image: ## the image, with docker or podman: make image VERSION=0.1.0 PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
	$(ENGINE) build $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) \
	  $(if $(UV_IMAGE),--build-arg UV_IMAGE=$(UV_IMAGE)) $(if $(REQUIREMENTS),--build-arg REQUIREMENTS=$(REQUIREMENTS)) \
	  --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$$(git rev-parse HEAD) -t scicat-ingest:$(VERSION) .

release-image: ## the image of a release: its bases must be named by digest
	@for each in "$(PYTHON_IMAGE)" "$(UV_IMAGE)"; do case "$$each" in *@sha256:*) ;; *) \
	  echo "make release-image PYTHON_IMAGE=name:tag@sha256:... UV_IMAGE=name:tag@sha256:... (docs/image.md)"; exit 1 ;; esac; done
	@$(MAKE) --no-print-directory image

test-image: $(VENV)/.dev ## build the image without a Docker engine, and run it on a real Kafka (needs root and apt-get)
	@tests/image/build
	@$(BIN)/pytest -m image

tools: ## put the programs that test-tools needs into .tools (needs apt-get)
	@tests/tools/fetch

SEEDS ?= 10000
simulate: $(VENV)/.dev ## the engine in virtual time: 10 000 scenarios of trouble, or SEEDS=200000
	@$(BIN)/python -m scicat_ingest.testing.simulate --seeds $(SEEDS)

lint: $(VENV)/.dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy --strict
	@$(BIN)/mypy

imports: $(VENV)/.dev ## the one-way import contract
	@$(BIN)/lint-imports

check-all: lint types imports simulate test ## what CI runs

docs: $(VENV)/.dev ## write the reference pages from the code
	@$(BIN)/python docs/generate.py

docs-chart: tools ## write the chart's README from its values
	@.tools/bin/helm-docs --chart-search-root helm/scicat-ingest --sort-values-order file

coverage: $(VENV)/.dev ## all tests with a coverage report
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(VENV)/.dev ## the service beside what people would use instead, 20 min (needs Go): make bench BENCH="--only instant"
	@$(BIN)/python -m bench $(BENCH)

release-check: $(VENV)/.dev tools ## everything that a release publishes, into dist/: packages, chart, SBOM, image; the versions agree
	@grep -q "^## $(VERSION)" CHANGELOG.md || { echo "CHANGELOG.md has no section ## $(VERSION)"; exit 1; }
	@rm -rf dist
	@$(BIN)/python -m hatchling build -d dist
	@.tools/bin/helm package helm/scicat-ingest -d dist
	@$(BIN)/pytest -q tests/chart -k "versions or readme"
	@tests/image/build
	@tests/image/sbom dist/scicat-ingest-$(VERSION).cdx.json
	@ls -l dist

lock: ## pin every dependency again (needs uv)
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) pyproject.toml -o requirements/service.txt
	$(LOCK) -c requirements/service.txt --extra all pyproject.toml -o requirements/image.txt
	$(LOCK) -c requirements/image.txt --extra demo pyproject.toml -o requirements/demo.txt
	$(LOCK) -c requirements/demo.txt -c requirements/build.txt --extra demo --extra all pyproject.toml requirements/dev.in -o requirements/dev.txt

clean: ## remove the venv and all caches
	rm -rf $(VENV) .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov dist build
