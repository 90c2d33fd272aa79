# geofence: `make` alone explains itself. Needs Python 3.11 or newer and make; everything else is set up in .venv.

PYTHON ?= python3
BIN := .venv/bin
BROKER := $(or $(GEOFENCE_CACHE),$(HOME)/.cache/geofence)/kafka
SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder # many tests wait for brokers and clocks; those of one file share what they start
CORE := $(wildcard geofence/*.py boundaries/tiles/*.py) ingest/placing.py stream/kafka/packing.py service/warm.py

.DEFAULT_GOAL := help
.PHONY: help run cluster secrets test check format docs bench torture soak broker lock clean setup

help: ## this list
	@echo "geofence: location pings in, region changes that can be trusted out"
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo
	@echo "  The first one sets up .venv by itself, the first test fetches a broker (Java, Maven), Node and Chromium; after that nothing is downloaded."

run: setup ## run everything in one process, with sample layers and pretend phones; LAN=1: for phones in this network too; PORT=8081: at that port
	@exec $(BIN)/geofence run --demo $(if $(LAN),--lan) $(if $(PORT),--listen 127.0.0.1:$(PORT))

cluster: .venv/dev.stamp .venv/warm.stamp $(BROKER)/stamp ## the services of docker-compose.yml as processes: Kafka, PostgreSQL, all roles; FOLDER=/srv/x: their data there
	@exec $(BIN)/python -m deploy.cluster $(if $(FOLDER),--folder $(FOLDER))

secrets: ## make the passwords that docker-compose.yml mounts, in var/secrets
	@sh deploy/secrets.sh var/secrets

test: .venv/dev.stamp .venv/warm.stamp $(BROKER)/stamp $(BROKER)/browser.stamp $(BROKER)/promtool.stamp $(BROKER)/consumers.stamp ## run all tests
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: .venv/dev.stamp ## lint, format, types, import contracts, sample layers, documents made from the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m data.check
	$(BIN)/python -m service.documents --check

format: .venv/dev.stamp ## format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev.stamp ## build the site of docs/ into build/site; open index.html there
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "build/site/index.html"

bench: .venv/dev.stamp .venv/warm.stamp ## run every benchmark: a table, and JSON lines in bench/results
	@$(BIN)/python -m bench

torture: .venv/dev.stamp .venv/warm.stamp $(BROKER)/stamp ## long property tests, then faults of every kind, about an hour
	@HYPOTHESIS_PROFILE=torture $(BIN)/python -m pytest -q $(SIDE_BY_SIDE)
	@$(BIN)/python -m tests.torture
	@$(BIN)/python -m tests.torture --bugs --short

soak: .venv/dev.stamp .venv/warm.stamp ## the whole service for 30 minutes (SOAK_MINUTES=5 for 5), then kill -9, a start, and the judge
	@$(BIN)/python -m tests.soak $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES)) $(if $(SOAK_RATE),--rate $(SOAK_RATE))

broker: $(BROKER)/stamp ## fetch the Kafka broker that the tests start (once, 45 MB)

lock: .venv/dev.stamp ## renew the pinned dependencies (needs a network)
	$(BIN)/python -m pip install -q uv
	for name in run:setup dev:dev; do \
	  $(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links --extra $${name#*:} pyproject.toml -o requirements/$${name%:*}.txt || exit 1; \
	done

clean: ## remove everything that was set up or built
	rm -rf .venv build var *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis bench/results
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BROKER)/stamp: tests/broker/pom.xml tests/broker/fetch.sh
	@mkdir -p $(BROKER)
	@tests/broker/fetch.sh $(BROKER)/jars
	@touch $@

$(BROKER)/browser.stamp: tests/boundaries/fetch_browser.sh
	@mkdir -p $(BROKER)
	@tests/boundaries/fetch_browser.sh
	@touch $@

$(BROKER)/promtool.stamp: tests/monitoring/fetch.sh
	@mkdir -p $(BROKER)
	@tests/monitoring/fetch.sh $(BROKER)/promtool
	@touch $@

$(BROKER)/consumers.stamp: tests/consumers/fetch.sh tests/consumers/node.txt examples/java/pom.xml examples/typescript/package.json examples/typescript/package-lock.json | $(BROKER)/stamp .venv/dev.stamp
	@PYTHON=$(abspath $(BIN))/python tests/consumers/fetch.sh $(BROKER)/consumers
	@test ! -d $(BROKER)/consumers/java -o ! -d $(BROKER)/consumers/typescript || touch $@

setup: .venv/run.stamp .venv/warm.stamp

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "geofence needs Python 3.11 or newer as '$(PYTHON)'; found: $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up .venv ..."
	@$(PYTHON) -m venv .venv

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	@test -e .venv/dev.stamp || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/python
	@echo "installing the pinned dependencies ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .venv/run.stamp

# Compiled code is cached beside the sources; numba does not see that a module it calls has changed, so all of it goes.
.venv/warm.stamp: $(CORE) | .venv/run.stamp
	@echo "compiling ..."
	@find geofence ingest stream boundaries -name '*.nb[ic]' -delete
	@$(BIN)/python -m service.warm
	@touch $@
