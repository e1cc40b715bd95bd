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

TEST_TOOLS := numpy 'pytest>=8' pytest-timeout threadpoolctl

.PHONY: run build test test-isa test-threads test-package test-builds test-pythons test-sdist test-all asan \
	fuzz bench bench-once bench-train parity ulp lint clean

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
test-pythons: ## the suite on every Python that is installed, with its newest NumPy and with 1.26
	for p in $(PYTHONS); do \
	  $$p -c '' 2>/dev/null || { echo "no $$p"; continue; }; \
	  venv=build/venv-$$p; \
	  $(MAKE) test PYTHON=$$p VENV=$$venv || exit 1; \
	  [ $$p != python3.13 ] || continue; \
	  $$venv/bin/python -m pip install -q 'numpy==1.26.*' || exit 1; \
	  $$venv/bin/python -m pytest -q tests || exit 1; \
	  $$venv/bin/python -m pip install -q --upgrade numpy || exit 1; done

test-sdist: $(VENV)/ready ## pip install of the sdist on every Python, and a few epochs
	$(PY) -m pip install -q build
	rm -rf build/sdist && $(PY) -m build --no-isolation --sdist -o build/sdist >/dev/null
	for p in $(PYTHONS); do \
	  $$p -c '' 2>/dev/null || { echo "no $$p"; continue; }; \
	  rm -rf build/sdist/$$p && $$p -m venv build/sdist/$$p || exit 1; \
	  build/sdist/$$p/bin/pip install -q build/sdist/fastnn-*.tar.gz || exit 1; \
	  build/sdist/$$p/bin/fastnn train --epochs 5 --out build/sdist/$$p/digits.safetensors || exit 1; \
	done

test-all: test test-isa test-threads test-package test-builds test-pythons test-sdist asan lint ## everything

CALLS ?= 3000000
fuzz: $(VENV)/built ## instructions and files at random, from a new seed: some minutes
	@seed=$$(date +%s); echo "seed $$seed, $(CALLS) calls"; \
	FASTNN_FUZZ_CALLS=$(CALLS) FASTNN_FUZZ_SEED=$$seed \
	  $(PY) -m pytest -q tests/embed/test_fuzz.py tests/serialization/test_fuzz_readers.py

# A build apart, with AddressSanitizer and UBSan, and with the planted faults that prove them awake.
# What a function leaves unset holds a pattern, large and the same in every run.
# Every block comes from the system, so that each has its own borders, but in the tests of the pool
# itself; the portable kernels run, because instrumenting three sets takes too long to build. pytest must
# not capture file descriptor 2, or a report goes down with the process.
ASAN := env FASTNN_ISA=base PYTHONMALLOC=malloc PYTHONPATH=. \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"
ASAN_TESTS := tests/kernels tests/tape tests/embed tests/ops/test_indexing.py \
	tests/build/test_planted.py
asan: $(VENV)/ready ## a subset of the tests under AddressSanitizer and UBSan
	$(PY) -m pip install -q $(TEST_TOOLS)
	CC=gcc FASTNN_PLANT=1 FASTNN_SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	  -ftrivial-auto-var-init=pattern" \
	  .ci/tree asan $(PY)
	cd build/trees/asan && FASTNN_ALLOCATOR=system $(ASAN) $(abspath $(PY)) -m pytest -q --capture=sys \
	  $(ASAN_TESTS)
	cd build/trees/asan && $(ASAN) $(abspath $(PY)) -m pytest -q --capture=sys tests/runtime

test-builds: $(VENV)/ready ## with clang, and without OpenMP, each a build of its own
	$(PY) -m pip install -q $(TEST_TOOLS)
	for kind in clang gcc; do \
	  command -v $$kind >/dev/null || { echo "no $$kind"; continue; }; \
	  CC=$$kind FASTNN_OPENMP=0 .ci/tree $$kind $(PY) || exit 1; \
	  (cd build/trees/$$kind && $(abspath $(PY)) -m fastnn info | grep "built with  *$$kind .*, no OpenMP" && \
	    $(abspath $(PY)) -m pytest -q tests/kernels tests/tape tests/runtime) || exit 1; done

bench: $(VENV)/built ## kernels, ops and overhead, against NumPy and what else is installed
	$(PY) -m pytest -q bench --benchmark-only

bench-once: $(VENV)/built ## each benchmark once, untimed, so that none rots
	$(PY) -m pytest -q bench --benchmark-disable
	$(PY) -m bench.train.run --only gemm small --seconds 0.01 --rounds 1 --largest 64

lint: $(VENV)/built ## ruff and mypy
	$(PY) -m pip install -q ruff mypy
	$(PY) -m ruff check .
	$(PY) -m mypy fastnn

bench-train: $(VENV)/built ## the table of training speed, on an idle machine
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(PY) -m bench.train.run

parity: $(VENV)/built ## every module and function of PyTorch's that there is, in both engines
	$(PY) -m tests.parity

ulp: $(VENV)/built ## exp, log, tanh, sigmoid, erf over all 2^32 floats: a few minutes
	mkdir -p build
	$(CC) -O2 -Icsrc/include tests/kernels/ulp.c -o build/ulp -Lfastnn/lib -lfastnn -lm \
		-Wl,-rpath,$(CURDIR)/fastnn/lib
	build/ulp

$(VENV)/ready: pyproject.toml
	@sh .ci/check-tools $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip
	$(PY) -m pip install -q 'setuptools>=77' 'cython>=3.3'
	touch $@

$(VENV)/built: $(VENV)/ready setup.py $(wildcard tools/build/*.py) $(SOURCES)
	$(PY) -m pip install -q --no-build-isolation -e '.[test,cli]'
	touch $@

clean:
	rm -rf build dist $(VENV) fastnn/lib fastnn/include
	find fastnn -name '*.so' -delete
