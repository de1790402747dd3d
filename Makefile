# All commands of this project. `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(wildcard $(BIN)/python) python3)
# The commands that need no packages.
STACK := PYTHONPATH=layers $(PYTHON) -m infra.local
# Lock files contain no registry addresses: every machine uses its own registry.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate

# Switches: any usual word for yes or no. `$(call switch,NAME,--option)` is the option if the switch is on.
SAYS_YES := 1 on On ON true True TRUE yes Yes YES
SAYS_NO := 0 false False FALSE no No NO off Off OFF
switch = $(if $(filter $(SAYS_YES),$($(1))),$(2))
$(foreach name,DETACH FORCE WORKER,$(if $(filter-out $(SAYS_YES) $(SAYS_NO),$($(name))),\
	$(error $(name)=$($(name)) is neither yes nor no: write $(name)=yes, or leave it out)))

# Some machines and container images set this. Then each process compiles each module again, and a test run and a stack
# start dozens of processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help python installed-run installed-all run status logs stop reset seed speech test lint types unit contract \
	thorough integration infra coverage mutants fuzz chaos clients hooks synth build deploy bootstrap \
	doctor diff smoke destroy invoke bench cost openapi noun lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

python:
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON): install Python 3.11.4 or newer, or name it: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11, 4) else "Python 3.11.4 or newer is needed: make PYTHON=python3.12 …")'

installed-run: python
	@$(PYTHON) -m infra.install run

installed-all: python ## install pytest and all other tools into .venv; the targets that need them do it too
	@$(PYTHON) -m infra.install all

run: installed-run ## run the whole system on this machine (PORT=8080; in the background with DETACH=yes)
	@exec $(BIN)/python -m infra.local $(call switch,DETACH,--detach)

status: python ## show what runs, and whether each part works
	@$(STACK) status

logs: python ## show and follow the logs of the stack
	@$(STACK) logs --follow

stop: python ## stop the running stack; its data is kept
	@$(STACK) stop

reset: python ## delete the local data (asks first; FORCE=yes does not)
	@$(STACK) reset $(call switch,FORCE,--force)

seed: installed-run ## add an organization with a year of 100,000 calls to the running stack
	@$(BIN)/python -m infra.local.crowd

speech: python ## install speech recognition for the stack (150 MB); without it, only simulated speech has a text
	@$(PYTHON) -m infra.install speech

test: installed-all lint types unit contract integration infra ## run every check and test

lint: installed-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m infra.law

types: installed-all
	$(BIN)/mypy

unit: installed-all
	$(BIN)/pytest tests/unit -n 2

contract: installed-all
	$(BIN)/pytest tests/contract -n 2 --dist loadfile

integration: installed-all
	$(BIN)/pytest tests/integration -n 2 --dist loadfile --ignore tests/integration/generated

infra: installed-all
	$(BIN)/pytest tests/infra -n 2 --dist loadgroup --no-loadscope-reorder

thorough: installed-all ## run unit and integration tests with all examples and variations; `make test` tries fewer
	TESTS=thorough $(BIN)/pytest tests/unit -n 2
	TESTS=thorough $(BIN)/pytest tests/integration -n 2 --dist loadfile --ignore tests/integration/generated

coverage: installed-all ## branches that tests take of signer, gate, limiter and effects, of some with ONLY="gate"
	$(BIN)/python -m tests.guards.coverage $(ONLY)

mutants: installed-all ## faults that these tests notice; goes on where it was stopped (some with ONLY="signer effects")
	$(BIN)/python -m tests.guards.mutants $(ONLY)

clients: installed-all ## let generated clients in Python and TypeScript call every operation
	$(BIN)/pytest tests/integration/generated -n 2 --dist loadfile

fuzz: installed-all ## send generated requests over the four documents (CASES=10000, a run is repeated with SEED=)
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),10000) $(addprefix --seed ,$(SEED))

chaos: installed-all ## kill processes of a stack while clients work; nothing may be lost (KILLS=20, repeated with SEED=)
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),20) $(addprefix --seed ,$(SEED))

hooks: installed-all ## check each commit before it is made
	$(BIN)/pre-commit install

synth: installed-all ## write all stacks' templates to cdk.out (CONTEXT="-c stage=prod …")
	$(BIN)/python -m infra.app $(CONTEXT)

build: installed-all ## build the deployable zips in build
	$(BIN)/python -m infra.build

deploy: build ## deploy with the CDK: CONTEXT="-c stage=prod -c domain=…"
	@$(BIN)/python -m infra.cdk deploy $(CONTEXT)

bootstrap: build ## prepare an account and region for the CDK, once
	@$(BIN)/python -m infra.cdk bootstrap $(CONTEXT)

doctor: installed-all ## check the account before a deployment: CONTEXT="-c stage=prod …"
	@$(BIN)/python -m infra.doctor $(CONTEXT)

diff: build ## show what a deployment would change
	@$(BIN)/python -m infra.cdk diff $(CONTEXT)

smoke: installed-all ## check a running deployment as its callers see it: SWITCHBOARD_URL and keys as in .local/demo.env
	@$(BIN)/python -m infra.smoke

destroy: installed-all ## delete a stage that was deployed with keep_data=false (asks first; FORCE=yes does not)
	@$(BIN)/python -m infra.cdk destroy $(CONTEXT) $(call switch,FORCE,--yes)

invoke: installed-all ## run one handler on one event: FUNCTION=anima/email EVENT=events/anima-email-send.json
	@$(BIN)/python -m infra.local.invoke $(FUNCTION) $(EVENT)

bench: installed-all ## run the measurements and print a summary; ONLY="fanout timers" runs some of them
	$(BIN)/python -m tests.load $(addprefix --only ,$(ONLY))

cost: installed-all ## print what an idle deployment costs in a month (ONLY=cdk.out reads templates of make synth)
	@$(BIN)/python -m infra.cost $(addprefix --templates ,$(ONLY))

openapi: installed-all ## write the portal's OpenAPI documents, errors and guides, and docs/events.md, retention.md and webhook-events.md
	$(BIN)/python -m infra.openapi
	$(BIN)/python -m infra.events_page
	$(BIN)/python -m infra.retention_page
	$(BIN)/python -m infra.webhook_events_page
	$(BIN)/python -m infra.error_pages
	$(BIN)/python -m infra.guides

noun: installed-all ## write the skeleton of a noun: NAME=surveys WORKER=yes (API=hum SINGULAR= PREFIX=)
	@test -n "$(NAME)" || { echo "Name the noun, in the plural: make noun NAME=surveys"; exit 2; }
	@$(BIN)/python -m infra.noun $(NAME) --api $(or $(API),hum) $(addprefix --singular ,$(SINGULAR)) \
		$(addprefix --prefix ,$(PREFIX)) $(call switch,WORKER,--worker)

lock: installed-all ## pin the newest releases that the .in files allow
	$(COMPILE) layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	$(COMPILE) infra/install/uv.in -o infra/install/uv.lock
	$(COMPILE) infra/install/npm.in -o infra/install/npm.lock
	$(COMPILE) infra/local/engine.in -o infra/local/engine.lock
	$(COMPILE) infra/local/speech.in -o infra/local/speech.lock
	$(COMPILE) -c layers/dependencies/requirements.txt infra/local/run.in -o infra/local/run.lock
	$(COMPILE) $(addprefix -c ,infra/local/run.lock infra/local/speech.lock infra/install/uv.lock infra/install/npm.lock) \
		requirements.in -o requirements.lock

clean: python ## delete everything that was installed or built; the local data stays
	@$(PYTHON) -m infra.install.cleaning
