# make run     set up .venv, run the recipe `tiny`, print where the report is   (RECIPE=smoke for another)
# make test    the same set-up, then the tests
# make lab     JupyterLab on the notebooks, in the browser
# make student copies of the notebooks with empty exercises, in build/student
# make slides  a deck a notebook, with the outputs of a run (RUN=FOLDER, else tiny's), into build/slides
# make reader  the six lessons and the glossary as one page that prints well: build/reader.html
# make api     the reference of alpaca_nb from its docstrings, as pages: build/api/index.html
# make lint types format pins clean
#
# PYTHON=python3.12 chooses the interpreter. TORCH_INDEX= (empty) takes PyPI's own build of torch (CUDA on Linux);
# TORCH_INDEX=https://download.pytorch.org/whl/cu130 takes another.

PYTHON ?= python3
RECIPE ?= tiny
RUN ?= papermill_runs/output/tiny
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PINS := $(VENV)/pins.txt
# A machine without an NVIDIA driver needs no CUDA packages, which are several gigabytes.
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --quiet
PIP_FAILED := echo "pip failed (its last words are above). Is the network there, 3 GB of disk, the right index (pip config list)?" >&2; \
    echo "Then type the same command again: it goes on, and nothing has to be undone." >&2; exit 1;
LIST_PINS := sed -n 's/^ *- \([A-Za-z0-9._-]*==[^ ]*\).*/\1/p' environment.yml
REACHES := import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10)
NBSTRIPOUT_FLAGS := --keep-id --extra-keys "metadata.papermill cell.metadata.papermill metadata.widgets metadata.language_info.version"

.PHONY: run test install lint types types-here types-windows format lab api student slides reader pins clean

run: $(INSTALLED)
	@$(BIN)/alpaca-nb run $(RECIPE)

# Two at once, a file's tests in one process. Threads of OpenMP that wait would take the core that the others need.
test: $(INSTALLED)
	@OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadfile

lab: $(INSTALLED)
	@$(BIN)/alpaca-nb lab

student: $(INSTALLED)
	@$(BIN)/python -m alpaca_nb.exercises.student build/student

slides reader: $(INSTALLED)
	@$(BIN)/python -m alpaca_nb.handouts $@ --run-dir $(RUN)

# -W ignore: pdoc warns about annotations of packages that are not installed, and shows them as text.
api: $(INSTALLED)
	@$(BIN)/python -W ignore -m pdoc alpaca_nb --no-show-source --output-directory build/api
	@echo "Reference: build/api/index.html"

lint: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/nbstripout --verify $(NBSTRIPOUT_FLAGS) notebooks/*.ipynb

# Twice, because what Windows lacks (signals, process groups, locks) must stand behind a question for the platform.
types: types-here types-windows

types-here: $(INSTALLED)
	@$(BIN)/mypy

types-windows: $(INSTALLED)
	@$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32

format: $(INSTALLED)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout $(NBSTRIPOUT_FLAGS) notebooks/*.ipynb

install: $(INSTALLED)

# torch comes first and alone, so that the choice of its build is not left to the resolver.
$(INSTALLED): environment.yml pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (about 2 GB on disk, a few minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "python -m venv failed; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(LIST_PINS) > $(PINS)
	@index="$(TORCH_INDEX)"; \
	if [ -n "$$index" ] && ! $(BIN)/python -c '$(REACHES)' "$$index/torch/" 2>/dev/null; then \
	    echo "  $$index cannot be reached, which does no harm:"; \
	    echo "  torch then comes from pip's usual index, where its build for Linux may be larger (CUDA included)"; index=; \
	fi; \
	echo "  torch ..."; \
	$(PIP) --no-deps $${index:+--extra-index-url $$index} $$(grep '^torch==' $(PINS)) || { $(PIP_FAILED) }
	@echo "  the other packages, the longest part ..."
	@$(PIP) --constraint $(PINS) --editable ".[dev]" || { $(PIP_FAILED) }
	@touch $@

# The pip pins of environment.yml, one a line.
pins:
	@$(LIST_PINS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
