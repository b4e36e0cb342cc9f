# Each target sets up what it needs in .venv, from nothing but Python >= 3.11, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# or cuda13: `minis doctor` says which suits the driver
CUDA_EXTRA ?= cuda12

.PHONY: demo test test-gpu lint readme book benchmarks benchmarks-quick benchmarks-gpu clean

demo: $(VENV)/.demo
	$(BIN)/minis demo

# in two processes; kernels share the cores among themselves
test: $(VENV)/.test
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

# what needs an NVIDIA GPU: kernels, training, and each kernel under compute-sanitizer where that is
# installed
test-gpu: $(VENV)/.test-$(CUDA_EXTRA)
	$(BIN)/minis doctor
	$(BIN)/python -m pytest -q -m gpu

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

# the table of operations in README.md, from the specs
readme: $(VENV)/.test
	$(BIN)/python -m minis.learn.operations --write README.md

# the book's site, into site/html
book: $(VENV)/.docs
	$(BIN)/python -m tutorials.machinery.site

# everything that is measured, and the README's table of it: about half an hour
benchmarks: $(VENV)/.benchmarks
	$(BIN)/python -m benchmarks ops models memory ladder startup \
		--against torch --against onnxruntime --against openvino
	$(BIN)/python -m benchmarks readme

# a few operations against PyTorch
benchmarks-quick: $(VENV)/.benchmarks
	$(BIN)/python -m benchmarks ops --quick

# operations and networks against PyTorch on an NVIDIA GPU, and the README's table of it
benchmarks-gpu: $(VENV)/.benchmarks-gpu
	$(BIN)/python -m benchmarks ops models --device cuda --against torch
	$(BIN)/python -m benchmarks readme

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "minis needs Python 3.11 or later; try: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/.test-$(CUDA_EXTRA): $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,$(CUDA_EXTRA)]'
	touch $@

$(VENV)/.docs: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

$(VENV)/.benchmarks: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[benchmarks]'
	touch $@

# torchvision, as it has what PyTorch lacks: RoIAlign, suppression, Mask R-CNN
$(VENV)/.benchmarks-gpu: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-e '.[benchmarks,$(CUDA_EXTRA)]' torchvision
	touch $@

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
