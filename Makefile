# Everything that a person or CI does with this project. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo setup format lint types layers test soak check clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make the virtual environment with everything in it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

demo: $(READY) ## search a real table for two minutes and print the result
	$(BIN)/autokeras-lite search experiments/data/adult.parquet --target income --time-limit 2m \
		--name demo-$$(date +%Y%m%d-%H%M%S) --test experiments/data/adult_test.parquet

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(READY) ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## check types
	$(BIN)/mypy

layers: $(READY) ## check that rooms import downwards only
	$(BIN)/lint-imports

# More processes than cores: many tests wait. A file stays in one process, since its tests share what is slow to make.
test: $(READY) ## run the tests, docstring and README examples among them
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --durations 30

soak: $(READY) ## kill searches 500 times at random, and try every crash point
	mkdir -p experiments/005_soak
	$(BIN)/python -m pytest tests/faults/test_random_kills.py tests/faults/test_crash_points.py --soak \
		--figures experiments/005_soak/result.json

check: lint types layers test ## everything that must hold before a change lands; CI runs exactly this

clean: ## delete caches and build output
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
