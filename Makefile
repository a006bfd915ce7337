# shapetrace: `make demo` shows it, `make test` tests it. Both work on a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test slow check format nightly gallery site docs release hooks programs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## trace GPT-2 small, print its table, draw its figures
	$(BIN)/shapetrace run --d-model 768 --heads 12
	$(BIN)/shapetrace diagram --out gallery/
	@echo
	@echo "Figures: open gallery/index.html in a browser, or gallery/README.md on a code host."

test: $(READY) programs ## all default tests, on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal

slow: $(READY) programs ## the tests that take minutes
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

nightly: $(READY) programs ## models of other libraries (nightly.txt), and 10,000 cases of everything that is made by chance
	$(BIN)/python -m pip install -qq -c constraints.txt -r nightly.txt
	$(BIN)/python -m pytest -m nightly

check: $(READY) ## formatting, lint, types (of JavaScript too), import rules, the gallery
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_javascript.py
	$(BIN)/python tools/build_gallery.py --check

format: $(READY) ## let ruff write
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

gallery: $(READY) ## rebuild gallery/ and the example posts, byte for byte
	$(BIN)/python tools/build_gallery.py
	$(BIN)/shapetrace embed docs/post-en.md docs/post-zh.md

site: $(READY) ## a static site with a page for each preset and for types of transformers, in site/
	$(BIN)/python tools/build_site.py site

docs: $(READY) ## the documentation as a site with a search, in site/docs/
	$(BIN)/python tools/build_docs.py site/docs

release: $(READY) ## VERSION=1.2.3: set it, date the changelog, build and check sdist and wheel; publishes nothing
	@$(BIN)/python tools/release.py $(VERSION)

hooks: ## run the checks before each commit
	git config core.hooksPath .githooks

programs: ## Graphviz, Chromium, Jekyll and fonts, which some tests use
	@sh .ci/programs

clean: ## remove what these commands made, but not gallery/
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# torch goes first and alone: asked for by its exact version, pip takes a CPU build where one is at hand.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq -c constraints.txt torch
	$(BIN)/python -m pip install -qq -c constraints.txt -e '.[dev,gif,hf,mcp,pdf,png]'
	@touch $(READY)
