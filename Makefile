# Everything happens in .venv, made on first use. `make run` trains a net, `make test` tests.
PYTHON ?= python3
ifeq ($(origin CC),default)
CC := $(shell command -v gcc || command -v clang)
endif
export CC

VENV := .venv
PY := $(VENV)/bin/python
SOURCES := $(shell find csrc fastnn/_core -name '*.[ch]' -o -name '*.inc' -o -name '*.def' \
	-o -name '*.pyx' -o -name '*.pxd')

.PHONY: run test bench-train clean

run: $(VENV)/built ## train on the shipped digits: the main job
	$(PY) -m fastnn train

test: $(VENV)/built ## the whole test suite
	$(PY) -m pytest -q tests

bench-train: $(VENV)/built ## the table of training speed, on an idle machine
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(PY) -m bench.train.run

$(VENV)/ready: pyproject.toml
	@sh .ci/check-tools $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip
	$(PY) -m pip install -q 'setuptools>=68' 'cython>=3.1'
	touch $@

$(VENV)/built: $(VENV)/ready setup.py $(SOURCES)
	$(PY) -m pip install -q --no-build-isolation -e '.[test,cli]'
	touch $@

clean:
	rm -rf build dist $(VENV) fastnn/lib fastnn/include
	find fastnn -name '*.so' -delete
