# Two commands for newcomers: `make run` and `make test`. Everything is installed into .venv from the hashed locks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet install

.PHONY: run test check bench pictures lock clean
.DELETE_ON_ERROR:

run: .venv/.run
	@$(BIN)/gptimages run

test: .venv/.dev
	@.ci/browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(FULL),--full)

# The screenshots of the README and the pictures of the front page, drawn again.
pictures: .venv/.dev
	@.ci/browser
	@$(BIN)/python -m gptimages_jobs.engines.preview.samples
	@PYTHONPATH=tests $(BIN)/python -m browser.pictures

# The locks: every version with its hashes, no host name.
lock: .venv/.dev
	$(PIP) uv
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    --extra build --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    --group kms -o requirements-kms.lock

.venv/bin/pip:
	@.ci/venv $(PYTHON)

.venv/.run: .venv/bin/pip requirements.lock pyproject.toml
	@echo "Installing GPT Images into .venv (once, about a minute) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/bin/pip requirements-dev.lock pyproject.toml
	@echo "Installing GPT Images and its test tools into .venv (once, about a minute) …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ .venv/.run

clean:
	rm -rf .venv build dist bench.jsonl test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
