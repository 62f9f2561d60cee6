# Everything a newcomer needs: `make demo`, `make test`. Each sets up .venv first when it has to.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RESULTS ?= demo-results
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo notebooks test test-slow test-models test-peers peers-reference lint docs clean

help:
	@echo "make setup      virtual environment $(VENV) with the package and its tools"
	@echo "make demo       study of Li6PS5Cl, free and with frozen anions: table and $(RESULTS)/report.html"
	@echo "make notebooks  the teaching notebooks in the browser (adds JupyterLab to $(VENV))"
	@echo "make test       the default tests (PYTEST_ARGS=... is handed to pytest)"
	@echo "make test-slow  the slow tests"
	@echo "make test-models  the tests with models of SevenNet, NequIP, Allegro, openmm-ml, MACE and DeePMD-kit"
	@echo "make test-peers  the analysis against kinisi, freud, GEMDAT, pymatgen, dynasor and tidynamics"
	@echo "make lint       ruff and mypy"
	@echo "make docs       documentation in docs/_build/html"
	@echo "make clean      remove $(VENV), caches, built documentation and $(RESULTS)"

setup: $(STAMP)

$(STAMP): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "$(PYTHON) is `$(PYTHON) -V 2>&1`, but 3.10 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	@echo "Installing the package and its dependencies into $(VENV) (6 GB with torch: one to three minutes)"
# Not compiling every module of torch ahead saves half of the time.
	$(PIP) --no-compile --editable ".[dev]"
	@touch $@

demo: $(STAMP)
	$(BIN)/openmm-anion run examples/li6ps5cl/study.toml --out $(RESULTS)
	$(BIN)/openmm-anion report $(RESULTS)

notebooks: $(STAMP)
	$(PIP) --editable ".[notebooks]"
	$(BIN)/jupyter lab examples/notebooks

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n auto -m slow $(PYTEST_ARGS)

# Models of other packages. Two of the environments see what .venv has and add to it; MACE stands alone because
# it wants another e3nn, DeePMD-kit because its library is built for one torch, of which it brings its own.
test-models: .venv-models/.installed .venv-mace/.installed .venv-deepmd/.installed
	.venv-models/bin/python -m pytest -m models $(PYTEST_ARGS) \
		tests/test_models_sevennet.py tests/test_models_nequip.py tests/test_models_openmmml.py
	.venv-mace/bin/python -m pytest -m models $(PYTEST_ARGS) tests/test_models_mace.py
	.venv-deepmd/bin/python -m pytest -m models $(PYTEST_ARGS) tests/test_models_deepmd.py

BESIDE = import site, glob; site.addsitedir(glob.glob("$(CURDIR)/$(VENV)/lib/python*/site-packages")[0])
EXTRAS_models := sevennet,nequip,openmmml
EXTRAS_mace := mace,openmmml

.venv-models/.installed .venv-mace/.installed: .venv-%/.installed: $(STAMP)
	$(BIN)/python -m venv .venv-$*
	echo '$(BESIDE)' > `.venv-$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'`/beside.pth
	.venv-$*/bin/python -m pip install -qq --no-compile "openmm-anion[$(EXTRAS_$*)]"
	@touch $@

.venv-deepmd/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-deepmd
	.venv-deepmd/bin/python -m pip install -qq --no-compile --editable ".[deepmd,test]"
	@touch $@

# Other analysis packages beside what .venv has; peers-reference writes their numbers, which a default test reads.
test-peers: .venv-peers/.installed
	.venv-peers/bin/python -m pytest -m peers $(PYTEST_ARGS) tests/peers

peers-reference: .venv-peers/.installed
	.venv-peers/bin/python tests/peers/reference.py

PEERS := dynasor freud-analysis gemdat kinisi pymatgen-analysis-diffusion tidynamics

.venv-peers/.installed: $(STAMP)
	$(BIN)/python -m venv .venv-peers
	echo '$(BESIDE)' > `.venv-peers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'`/beside.pth
	.venv-peers/bin/python -m pip install -qq --no-compile $(PEERS)
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)
	rm -rf docs/api
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:
	rm -rf $(VENV) .venv-models .venv-mace .venv-deepmd .venv-peers $(RESULTS) docs/_build docs/api build dist *.egg-info \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis
