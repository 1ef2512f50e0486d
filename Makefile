# Short names for what is done often. CMakePresets.json has the builds themselves.
PREFIX ?= /usr/local
JOBS := $(shell nproc 2>/dev/null || echo 2)
PYTHON := $(CURDIR)/.venv/bin/python
FUZZ_SECONDS := 3600
FUZZ_TARGETS := npy npz safetensors gguf source slices blocks roundtrip json

.PHONY: help setup release asan tsan test test-long fuzz corpus coverage abi lint format demo bench amalgamation \
  install clean engines machines bench-blocks bench-parts bench-bindings bench-programs instructions

help:
	@echo 'make test               build and test everything: optimized, with sanitizers, and the style of the sources'
	@echo 'make release            build optimized, in build/release'
	@echo 'make asan               build and test with the address and undefined behaviour sanitizers, in build/asan'
	@echo 'make tsan               build and run the tests of threads with the thread sanitizer, in build/tsan'
	@echo 'make test-long          what takes too long for make test: 10,000 kills, every byte of larger files changed,'
	@echo '                        coverage, engines, machines, hours of fuzzing'
	@echo 'make engines            build and run the examples for Bevy, Go and libGDX, which fetch their engines'
	@echo 'make machines           build and test for other processors and systems;'
	@echo '                        MACHINES="aarch64 s390x i386 windows musl macos wasm"'
	@echo 'make coverage           lines and branches of src/format and src/codec that tests reach, by llvm-cov: at'
	@echo '                        least 95 % and 85 %; tests/uncovered.md has the rest'
	@echo 'make fuzz               let libFuzzer search for an hour a target; FUZZ_SECONDS=, FUZZ_TARGETS='
	@echo 'make corpus             make the committed corpora anew from what make fuzz has found'
	@echo 'make abi                make the committed dump of the ABI anew, tests/abi/tensorfile.abi, when it has grown'
	@echo 'make lint               check the format of the sources, and run clang-tidy'
	@echo 'make format             format the sources'
	@echo 'make demo               take the weights of a model through every format'
	@echo 'make bench              time opening, loading, saving and deflating beside the peers: a table, and a picture and'
	@echo '                        JSON in build/bench; BENCH="--quick", "--bytes N", "--repeats N", "--write README.md"'
	@echo 'make bench-blocks       time casts from and to block types, beside memcpy and gguf-py; BENCH=--write: into the README'
	@echo 'make bench-parts        time the inner parts of reading and saving; BENCH="--benchmark_filter=list"'
	@echo 'make instructions       count those of opening, listing, saving: what a change did; BENCH=--write: keep the counts'
	@echo 'make bench-embedding    sizes, dlopen, allocations and memory of a load; BENCH=--write: into the README'
	@echo 'make bench-bindings     what a call through the Rust, Go and Java packages costs'
	@echo 'make amalgamation       write build/amalgamation/tensorfile.cpp and tensorfile.h: the whole core in one file'
	@echo 'make install PREFIX=    install the optimized build (default /usr/local)'
	@echo 'make setup              install what tests need: packages (as root) and, in .venv, SWIG and the libraries compared with'
	@echo 'make clean              remove build'

setup:
	@tools/setup.sh

release: setup
	cmake --preset release -DTENSORFILE_PEERS_PYTHON=$(PYTHON) -DTENSORFILE_TEST_BINDINGS=ON
	cmake --build --preset release

asan: setup
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan --parallel $(JOBS)

test: release
	ctest --preset release --parallel $(JOBS)
	$(MAKE) asan
	$(MAKE) tsan
	$(MAKE) fuzz FUZZ_SECONDS=20
	$(MAKE) lint

tsan: setup
	cmake --preset tsan
	cmake --build --preset tsan --target threads_tests
	ctest --preset tsan --tests-regex '^Threads[.]'

test-long: release
	TENSORFILE_TEST_LONG=1 ctest --preset release --verbose --tests-regex '^(Killed|Damage)[.]'
	$(MAKE) coverage
	$(MAKE) engines
	$(MAKE) machines
	$(MAKE) fuzz

machines:
	tests/machines/run.sh $(MACHINES)

engines: setup
	tests/examples/bevy.sh build/engines/bevy
	tests/examples/go.sh build/engines/go
	tests/examples/libgdx.sh build/engines/libgdx

coverage: setup
	cmake --preset coverage
	cmake --build --preset coverage --target coverage_programs
	tests/coverage.sh build/coverage

fuzz: setup
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzz_targets
	printf '%s\n' $(FUZZ_TARGETS) | xargs -n 1 -P $(JOBS) tests/fuzz/fuzz.sh build/fuzz $(FUZZ_SECONDS)

corpus:
	tests/fuzz/fuzz.sh --minimise build/fuzz $(FUZZ_TARGETS)

abi: release
	cmake --build --preset release --target abi_write

lint: release
	tools/lint.sh build/release

format:
	tools/lint.sh --fix

demo: release
	$(PYTHON) tests/peers/demo.py build/release/tensorfile

bench-programs: setup
	cmake --preset release -DTENSORFILE_PEERS_PYTHON=$(PYTHON) -DTENSORFILE_BUILD_BENCH=ON
	cmake --build --preset release --target tensorfile_program quant_bench load_bench save_bench parts_bench embed_bench raw_read raw_write

bench: bench-programs
	$(PYTHON) -B tests/bench/bench.py build/release/tests/bench build/release/tensorfile --out build/bench $(BENCH)

bench-parts: bench-programs
	build/release/tests/bench/parts_bench $(BENCH)

bench-bindings: setup
	tests/bench/bindings.sh build/bench-bindings

bench-blocks: bench-programs
	$(PYTHON) -B tests/bench/quant.py build/release/tests/bench/quant_bench build/release/libtensorfile.so README.md $(BENCH)

bench-embedding: bench-programs
	$(PYTHON) -B tests/bench/embed.py build/release/tests/bench/embed_bench build/release/libtensorfile.so README.md $(BENCH)

instructions: bench-programs
	$(PYTHON) -B tests/bench/instructions.py build/release/tests/bench $(BENCH)

amalgamation:
	python3 tools/amalgamate.py build/amalgamation

install:
	cmake --preset release -DTENSORFILE_BUILD_TESTS=OFF
	cmake --build --preset release
	cmake --install build/release --prefix '$(PREFIX)'

clean:
	rm -rf build
