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

.PHONY: run build test test-isa test-threads test-package test-pythons test-all asan bench bench-train \
	ulp lint clean

run: $(VENV)/built ## train on the shipped digits: the main job
	$(PY) -m fastnn train

test: $(VENV)/built ## the whole test suite
	$(PY) -m pytest -q tests

build: $(VENV)/built ## the library and the Cython modules, in place

test-isa: $(VENV)/built ## what depends on kernels, under each instruction set
	for isa in base avx2 avx512; do \
	  $(PY) -c "import fastnn._core.runtime as r; r.set_isa('$$isa')" 2>/dev/null || continue; \
	  echo "FASTNN_ISA=$$isa"; \
	  FASTNN_ISA=$$isa $(PY) -m pytest -q tests/kernels tests/ops tests/nn tests/optim || exit 1; \
	done

test-threads: $(VENV)/built ## the same, with other numbers of threads and with OpenMP
	for n in 1 3 8; do \
	  FASTNN_NUM_THREADS=$$n $(PY) -m pytest -q tests/kernels tests/ops tests/nn || exit 1; done
	FASTNN_PARALLEL=openmp $(PY) -m pytest -q tests/kernels tests/ops

test-package: $(VENV)/built ## sdist, wheel, clean environment, import, cimport, cc
	FASTNN_TEST_PACKAGE=1 $(PY) -m pytest -q tests/build

PYTHONS ?= python3.10 python3.11 python3.12 python3.13
test-pythons: ## the suite on every Python that is installed
	for p in $(PYTHONS); do \
	  command -v $$p >/dev/null || { echo "no $$p"; continue; }; \
	  $(MAKE) test PYTHON=$$p VENV=build/venv-$$p || exit 1; done

test-all: test test-isa test-threads test-package test-pythons asan lint ## everything

# A build apart, with AddressSanitizer and UBSan. Every block comes from the system, so that each has its
# own borders; the portable kernels run, because instrumenting three sets takes too long to build.
ASAN_TREE := build/asan-tree
ASAN := env FASTNN_ISA=base FASTNN_ALLOCATOR=system PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"
asan: $(VENV)/ready ## a subset of the tests under AddressSanitizer and UBSan
	$(PY) -m pip install -q 'pytest>=8' pytest-timeout numpy
	mkdir -p $(ASAN_TREE)
	cp -R csrc fastnn tests setup.py pyproject.toml README.md $(ASAN_TREE)/
	find $(ASAN_TREE)/fastnn -name '*.so' -delete
	cd $(ASAN_TREE) && CC=gcc FASTNN_SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
	  ../../$(PY) setup.py -q build_ext --inplace
	cd $(ASAN_TREE) && $(ASAN) PYTHONPATH=. ../../$(PY) -m pytest -q -p no:cacheprovider \
	  tests/kernels/test_copy.py tests/kernels/test_random.py tests/kernels/test_index.py tests/tape

bench: $(VENV)/built ## kernels, ops and overhead, against NumPy and what else is installed
	$(PY) -m pytest -q bench --benchmark-only

lint: $(VENV)/built ## ruff and mypy
	$(PY) -m pip install -q ruff mypy
	$(PY) -m ruff check .
	$(PY) -m mypy fastnn

bench-train: $(VENV)/built ## the table of training speed, on an idle machine
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(PY) -m bench.train.run

ulp: $(VENV)/built ## exp, log, tanh, sigmoid, erf over all 2^32 floats: a few minutes
	mkdir -p build
	$(CC) -O2 -Icsrc/include tests/kernels/ulp.c -o build/ulp -Lfastnn/lib -lfastnn -lm \
		-Wl,-rpath,$(CURDIR)/fastnn/lib
	build/ulp

$(VENV)/ready: pyproject.toml
	@sh .ci/check-tools $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip
	$(PY) -m pip install -q 'setuptools>=68' 'cython>=3.3'
	touch $@

$(VENV)/built: $(VENV)/ready setup.py $(SOURCES)
	$(PY) -m pip install -q --no-build-isolation -e '.[test,cli]'
	touch $@

clean:
	rm -rf build dist $(VENV) fastnn/lib fastnn/include
	find fastnn -name '*.so' -delete
