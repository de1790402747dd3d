# All commands of this project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.lock
# Lock files contain no registry addresses: every machine uses its own registry.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate

# Some machines and container images set this. Then each process compiles each module again, and a test run and a stack
# start dozens of processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run reset seed test lint types unit contract integration infra \
	coverage mutants fuzz clients hooks synth build deploy invoke bench openapi noun lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11, 4) else "Python 3.11.4 or newer is needed: make PYTHON=python3.12 …")'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@cp requirements.lock $@

run: $(STAMP) ## run the whole system on this machine (PORT=8080)
	@exec $(BIN)/python -m infra.local

reset: $(STAMP) ## delete the local data
	@$(BIN)/python -m infra.local reset

seed: $(STAMP) ## add an organization with a year of 100,000 calls to the running stack
	@$(BIN)/python -m infra.local.crowd

test: $(STAMP) lint types unit contract integration infra ## run every check and test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m infra.law

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/pytest tests/unit -n 2

contract: $(STAMP)
	$(BIN)/pytest tests/contract -n 2 --dist loadfile

integration: $(STAMP)
	$(BIN)/pytest tests/integration -n 2 --dist loadfile --ignore tests/integration/generated

infra: $(STAMP)
	$(BIN)/pytest tests/infra -n 2 --dist loadgroup --no-loadscope-reorder

coverage: $(STAMP) ## branches that tests take of signer, gate, limiter and effects, of some with ONLY="gate"
	$(BIN)/python -m tests.guards.coverage $(ONLY)

mutants: $(STAMP) ## faults that these tests notice; goes on where it was stopped (some with ONLY="signer effects")
	$(BIN)/python -m tests.guards.mutants $(ONLY)

clients: $(STAMP) ## let generated clients in Python and TypeScript call every operation
	$(BIN)/pytest tests/integration/generated -n 2 --dist loadfile

fuzz: $(STAMP) ## send generated requests over the four documents (CASES=10000, a run is repeated with SEED=)
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),10000) $(addprefix --seed ,$(SEED))

hooks: $(STAMP) ## check each commit before it is made
	$(BIN)/pre-commit install

synth: $(STAMP) ## write all stacks' templates to cdk.out
	$(BIN)/python -m infra.app

build: $(STAMP) ## build the deployable zips in build
	$(BIN)/python -m infra.build

deploy: build ## deploy with the CDK: CONTEXT="-c stage=prod -c domain=…"
	npx aws-cdk@^2.1148 deploy --all --app "$(BIN)/python -m infra.app" $(CONTEXT)

invoke: $(STAMP) ## run one handler on one event: FUNCTION=anima/email EVENT=events/anima-email-send.json
	@$(BIN)/python -m infra.local.invoke $(FUNCTION) $(EVENT)

bench: $(STAMP) ## run the measurements and print a summary; ONLY="fanout timers" runs some of them
	$(BIN)/python -m tests.load $(addprefix --only ,$(ONLY))

openapi: $(STAMP) ## write the portal's OpenAPI documents, and docs/events.md, retention.md and webhook-events.md
	$(BIN)/python -m infra.openapi
	$(BIN)/python -m infra.events_page
	$(BIN)/python -m infra.retention_page
	$(BIN)/python -m infra.webhook_events_page

noun: $(STAMP) ## write the skeleton of a noun: NAME=surveys WORKER=yes (API=hum SINGULAR= PREFIX=)
	@test -n "$(NAME)" || { echo "Name the noun, in the plural: make noun NAME=surveys"; exit 2; }
	@$(BIN)/python -m infra.noun $(NAME) --api $(or $(API),hum) $(addprefix --singular ,$(SINGULAR)) \
		$(addprefix --prefix ,$(PREFIX)) $(if $(filter yes,$(WORKER)),--worker)

lock: $(STAMP) ## pin the newest releases that the .in files allow
	$(BIN)/pip install --quiet uv
	$(COMPILE) layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	$(COMPILE) -c layers/dependencies/requirements.txt requirements.in -o requirements.lock
	$(COMPILE) infra/local/engine.in -o infra/local/engine.lock

clean:
	rm -rf $(VENV) build cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis
