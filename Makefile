# Every target first creates the environment in .venv; PYTHON chooses the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_INSTALL := python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PIP := $(BIN)/$(PIP_INSTALL)
# Workers of pytest: the end-to-end tests wait for lm_eval more than they compute.
WORKERS ?= 2

.PHONY: demo unit test test-py slow check docs bench clean

demo: $(STAMP)
	$(BIN)/recipe-mpr demo --out out

# Without the dataset, the tests that need it are skipped, and the test summary says so.
unit test: $(STAMP)
	@$(BIN)/recipe-mpr data fetch || echo "no dataset: the tests marked real_data are skipped"
	$(BIN)/python -m pytest -m "$(MARKED)" -n $(WORKERS) --dist loadgroup

# Under two minutes on two cores: no process, no training, no browser.
unit: MARKED := not slow and not integration
test: MARKED := not slow

# The tests that need no torch, with another interpreter: make test-py PYTHON=python3.12
test-py: OTHER = .venv-py/$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
test-py:
	$(PYTHON) -m venv $(OTHER)
	$(PYTHON) tests/support/without_torch.py | $(OTHER)/bin/$(PIP_INSTALL) --no-compile --requirement /dev/stdin
	$(OTHER)/bin/$(PIP_INSTALL) --no-deps --editable .
	env -u RECIPE_MPR_REQUIRE_ALL $(OTHER)/bin/python -m pytest -m "not slow and not integration" -n $(WORKERS)

slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Strict: a dead link or a docstring that cannot be read fails.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(STAMP)
	$(BIN)/python -m benchmarks.autoload
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.finetune
	$(BIN)/python -m benchmarks.encoders
	$(BIN)/python -m benchmarks.leaderboard
	$(BIN)/python -m benchmarks.page

clean:
	rm -rf $(VENV) .venv-py out dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

# torch first: a range that its CPU build satisfies then installs nothing more. every-eval-ever validates the
# exports in the tests. It requires Python 3.12 and an older huggingface-hub, but its validator needs neither.
$(STAMP): pyproject.toml constraints.txt $(wildcard recipe_mpr_task/autoload/*)
	@echo "setting up $(VENV); a minute or two on a fresh machine"
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable '.[demo,dev]'
	$(PIP) --no-deps --ignore-requires-python every-eval-ever==0.3.0
	touch $@

$(VENV)/.docs: $(STAMP)
	$(PIP) --editable '.[docs]'
	touch $@
