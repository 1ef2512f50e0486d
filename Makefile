# Short names for common tasks. The build configurations themselves are in CMakePresets.json.
#
# Each target first installs the packages that it needs (tools/setup.sh), and no others.
PREFIX ?= /usr/local
JOBS := $(shell nproc 2>/dev/null || echo 2)
PYTHON := $(CURDIR)/.venv/bin/python
SETUP := @tools/setup.sh
FUZZ_SECONDS := 3600
FUZZ_TARGETS := npy npz safetensors gguf source slices blocks roundtrip json check member inflate deflate http answers
# Outside build/, so that `make clean` keeps it and each run of the fuzzers continues where the last one stopped.
FUZZ_CORPUS := $(CURDIR)/fuzz-corpus
CONFIGURE_RELEASE := cmake --preset release -DTENSORFILE_PEERS_PYTHON=$(PYTHON) -DTENSORFILE_TEST_BINDINGS=ON \
  -DTENSORFILE_UNITY_PROGRAM=ON
# Takes a third of the processor time. To see the lines of the sources in a report, configure the preset without it.
FEW_FILES := -DTENSORFILE_AMALGAMATED=ON -DTENSORFILE_UNITY_PROGRAM=ON
# For bench-page.
REPEATS := 7
BENCH_PAGE := docs/performance.md
# The tests that compile the core without some of the formats. Each compiles it as one file, which takes long.
PARTIAL_BUILDS := ^amalgamation[.](without_(npy|npz|safetensors|gguf)|gguf_only)$$
# The program with whose output Spark's is compared, and the tests that are run: all if none is named.
SPARK_PROGRAM := build/library/tensorfile
SPARK_TESTS :=
# The library that the example for fsspec loads.
STORES_LIBRARY := build/library/libtensorfile.so

.PHONY: help setup library release asan tsan test test-long test-corpus fuzz corpus coverage abi docs lint format \
  demo amalgamation install dist test-dist reproducible clean engines spark spark-jars spark-tests stores \
  stores-tests corpus-tests long-faults long-dist machines bench bench-blocks bench-deflate bench-embedding \
  bench-parts bench-bindings bench-presets bench-diff bench-staging bench-spark bench-page bench-programs \
  bench-crates instructions

help:
	@echo 'Build:'
	@echo '  make library            build the library and the program, optimized, without tests, in build/library'
	@echo '  make install PREFIX=    build and install them (default /usr/local)'
	@echo '  make amalgamation       write the whole core as one source file and one header into build/amalgamation'
	@echo '  make dist               build the packages of a release for Linux, macOS and Windows, and for each language, in'
	@echo '                          dist; DIST="--platforms linux-x86_64,windows-x86_64"'
	@echo '  make demo               convert the weights of a small model between all formats and compare the results'
	@echo '  make clean              remove build'
	@echo
	@echo 'Test:'
	@echo '  make test               everything that CI runs: tests, one of them with Apache Spark, sanitizers, 20 s of each'
	@echo '                          fuzz target, docs, lint; 45 minutes'
	@echo '  make test-long          what takes too long for CI: 10,000 kills, every byte of larger files changed, 8 GiB,'
	@echo '                          coverage, test data of other projects, Apache Spark, storage layers, other machines,'
	@echo '                          packages; 60 minutes'
	@echo '  make test-corpus        read the test data of NumPy, SciPy and other projects, and compare it with NumPy;'
	@echo '                          CORPUS=--write updates the table in docs/formats.md'
	@echo '  make fuzz               run each fuzz target for an hour; the corpus is kept in fuzz-corpus;'
	@echo '                          FUZZ_SECONDS=3600 FUZZ_TARGETS="npy json"'
	@echo '  make release            build the library and its tests, optimized, in build/release'
	@echo '  make asan               build and test with the address and undefined behaviour sanitizers'
	@echo '  make tsan               build and run the threading tests with the thread sanitizer'
	@echo '  make coverage           measure the line and branch coverage of src/format and src/codec; fails below'
	@echo '                          95 % and 85 %; docs/uncovered.md explains the rest'
	@echo '  make engines            build and test the examples for Bevy, Go and libGDX, which download their engines'
	@echo '  make spark              build and test the module for Apache Spark, which downloads Spark; `make spark-jars` only'
	@echo '                          builds it'
	@echo '  make stores             build and test the examples for storage layers, which are downloaded: object_store (Rust),'
	@echo '                          gocloud.dev/blob (Go), java.nio.file and Hadoop (Java), fsspec (Python)'
	@echo '  make machines           build and test for other processors and systems;'
	@echo '                          MACHINES="aarch64 s390x i386 windows musl macos wasm"'
	@echo '  make test-dist          check the files in dist, and run those that this machine, qemu or wine can run'
	@echo '  make reproducible       build the packages once more elsewhere, and compare them with those in dist'
	@echo '  make docs               build the site of the documentation in build/docs; warnings and dead links are errors'
	@echo '  make lint               check the formatting and run clang-tidy; prints findings only'
	@echo
	@echo 'Measure (BENCH= passes options, --write updates the committed tables):'
	@echo '  make bench              time opening, loading, saving and deflating, and compare with other libraries; the'
	@echo '                          results are in build/bench; BENCH="--quick", "--bytes N", "--repeats N", "--write docs/performance.md"'
	@echo '  make bench-blocks       time casts to and from block types, and compare with memcpy and gguf-py'
	@echo '  make bench-embedding    measure binary sizes, dlopen, allocations and the memory that a load needs'
	@echo '  make bench-parts        time the inner parts of reading and saving; BENCH="--benchmark_filter=list"'
	@echo '  make bench-deflate      time compression of kinds of data, and compare with zlib and libdeflate;'
	@echo '                          BENCH="--instructions" counts instructions and mispredicted branches instead'
	@echo '  make bench-presets      time convert --preset, and compare with llama-quantize, which is built from source;'
	@echo '                          BENCH="--write docs/performance.md"'
	@echo '  make bench-diff         time diff of a quantized file of 0.8 GB with its original of 3.1 GB; BENCH as above'
	@echo '  make bench-staging      time the pipeline of examples/staging, and compare with tf_load, safetensors,'
	@echo '                          fastsafetensors and runai-model-streamer; BENCH as above'
	@echo '  make bench-spark        compare the data source of Spark with binaryFile and NumPy;'
	@echo '                          BENCH="--write docs/beyond-one-machine.md"'
	@echo '  make bench-bindings     time calls through the Rust, Go and Java packages, and compare listing with C'
	@echo '  make bench-page         measure most of docs/performance.md, and write its tables; REPEATS=7'
	@echo '  make instructions       count the instructions of opening, listing and saving'
	@echo
	@echo 'Maintain:'
	@echo '  make format             format the sources'
	@echo '  make corpus             minimize fuzz-corpus into the committed corpora'
	@echo '  make abi                update the committed dump of the ABI, tests/abi/tensorfile.abi'
	@echo '  make setup              install what the tests need'

setup:
	$(SETUP) test

library:
	$(SETUP) build
	cmake --preset library
	MAKEFLAGS=--no-print-directory cmake --build --preset library --parallel $(JOBS)

# Installs no packages: it uses whatever compiler and libraries are present, and leaves out the program without CLI11.
install:
	cmake --preset library
	MAKEFLAGS=--no-print-directory cmake --build --preset library --parallel $(JOBS)
	cmake --install build/library --prefix '$(PREFIX)'

demo:
	@echo '== 1/3 Installing a compiler, CMake and CLI11; NumPy, MLX, safetensors and gguf in .venv'
	$(SETUP) demo
	@echo '== 2/3 Building the library and the program in build/demo'
	@cmake --preset demo --log-level=WARNING >/dev/null
	@MAKEFLAGS=--no-print-directory cmake --build --preset demo --parallel $(JOBS) --target tensorfile_program
	@echo '== 3/3 Converting the weights of a model between all formats'
	@$(PYTHON) -B tests/peers/demo.py build/demo/tensorfile

amalgamation:
	python3 tools/amalgamate.py build/amalgamation

dist:
	$(SETUP) dist
	$(PYTHON) -B tools/dist/make.py dist build/dist --jobs $(JOBS) $(DIST)

test-dist:
	$(SETUP) test-dist
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_files.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_runs.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_debian.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_instructions.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_npm.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_java.py
	DIST=dist DIST_WORK=build/test-dist $(PYTHON) -B tests/dist/test_unity.py

# In a folder with another name, without what the first build left.
reproducible:
	$(SETUP) dist
	rm -rf build/dist-again
	CCACHE_DISABLE=1 $(PYTHON) -B tools/dist/make.py build/dist-again/packages build/dist-again/work --jobs $(JOBS) $(DIST)
	diff --recursive --brief dist build/dist-again/packages

release:
	$(SETUP) test
	$(CONFIGURE_RELEASE)
	cmake --build --preset release

# Sanitizers find nothing in a process that is killed.
asan:
	$(SETUP) asan
	cmake --preset asan $(FEW_FILES)
	cmake --build --preset asan
	ctest --preset asan --parallel $(JOBS) --exclude-regex '[.]Killed|^Killed'

tsan:
	$(SETUP) tsan
	cmake --preset tsan $(FEW_FILES)
	cmake --build --preset tsan --target threads_tests staging_tests http_urls
	ctest --preset tsan --tests-regex '^(Threads|Staging)[.]|^http[.]cxx$$'

test: release
	ctest --preset release --parallel $(JOBS) --exclude-regex '$(PARTIAL_BUILDS)'
	NATIVE_LIBRARIES=build/release/tests/bindings/java/target/classes/META-INF/native $(MAKE) spark-tests \
	  SPARK_PROGRAM=build/release/tensorfile SPARK_TESTS=test_convert.Converting.test_shards_to_a_set
	$(MAKE) asan
	$(MAKE) tsan
	$(MAKE) fuzz FUZZ_SECONDS=20 FUZZ_CORPUS=$(CURDIR)/build/fuzz/corpus
	$(MAKE) docs
	$(MAKE) lint

# Three parts at a time, since many wait or keep one processor busy: Spark first, whose tests take longest. What a part
# prints appears when it ends.
LONG_PARTS := spark-tests long-faults corpus-tests coverage stores-tests machines long-dist
test-long:
	for part in test coverage spark stores dist test-dist; do tools/setup.sh $$part || exit 1; done
	$(CONFIGURE_RELEASE)
	cmake --build --preset release --target long_programs
	REFERENCE_BUILD=$(CURDIR)/build/release $(MAKE) --jobs 3 --output-sync=recurse $(LONG_PARTS) \
	  SPARK_PROGRAM=build/release/tensorfile STORES_LIBRARY=build/release/libtensorfile.so

long-faults:
	TENSORFILE_TEST_LONG=1 ctest --preset release --parallel $(JOBS) \
	  --tests-regex '^(Killed|Damage)[.]|^cli[.]memory$$|^http[.]page$$|$(PARTIAL_BUILDS)'

long-dist:
	$(MAKE) dist DIST=--platforms=linux-x86_64
	DIST_PLATFORMS=linux-x86_64 $(MAKE) test-dist

test-corpus: release
	$(MAKE) corpus-tests

corpus-tests:
	$(PYTHON) -B tests/corpus/corpus.py build/release/libtensorfile.so build/release/tensorfile docs/formats.md \
	  build/corpus $(CORPUS)

machines:
	tests/machines/run.sh $(MACHINES)

engines:
	$(SETUP) engines
	tests/examples/bevy.sh build/engines/bevy
	tests/examples/go.sh build/engines/go
	tests/examples/libgdx.sh build/engines/libgdx

spark-jars:
	$(SETUP) spark
	bindings/spark/build.sh build/spark

spark: library
	$(MAKE) spark-tests

# The test of the page runs its `make library`, too.
spark-tests:
	$(SETUP) spark
	tests/spark/spark.sh build/spark $(SPARK_PROGRAM) $(PYTHON) $(SPARK_TESTS)

stores: library
	$(MAKE) stores-tests

stores-tests:
	$(SETUP) stores
	tests/examples/object_store.sh build/stores/object_store
	tests/examples/gocloud.sh build/stores/gocloud
	tests/examples/java_stores.sh build/stores/java
	tests/examples/fsspec.sh build/stores/fsspec $(STORES_LIBRARY)

coverage:
	$(SETUP) coverage
	cmake --preset coverage
	cmake --build --preset coverage --target coverage_programs
	tests/coverage.sh build/coverage

fuzz:
	$(SETUP) fuzz
	cmake --preset fuzz $(FEW_FILES)
	cmake --build --preset fuzz --target fuzz_targets
	printf '%s\n' $(FUZZ_TARGETS) | FUZZ_CORPUS='$(FUZZ_CORPUS)' xargs -n 1 -P $(JOBS) tests/fuzz/fuzz.sh build/fuzz $(FUZZ_SECONDS)

corpus:
	FUZZ_CORPUS='$(FUZZ_CORPUS)' tests/fuzz/fuzz.sh --minimise build/fuzz $(FUZZ_TARGETS)

abi: release
	cmake --build --preset release --target abi_write

docs:
	$(SETUP) docs
	tools/site.sh build/docs build/docs-work

# Only configures: clang-tidy needs the compile commands of all sources, not the binaries.
lint:
	$(SETUP) lint
	@cmake --preset library -B build/lint -DTENSORFILE_BUILD_HTTP=ON --log-level=WARNING >/dev/null
	@tools/lint.sh build/lint

format:
	$(SETUP) lint
	tools/lint.sh --fix

bench-programs:
	$(SETUP) bench
	cmake --preset bench
	cmake --build --preset bench --target tensorfile_program quant_bench load_bench save_bench parts_bench deflate_bench embed_bench raw_read raw_write raw_map staging_bench load_bench_crate save_bench_crate

bench-crates:
	CARGO_TARGET_DIR=build/bench-crates cargo build --release --locked --quiet --manifest-path tests/bench/crates/Cargo.toml

bench: bench-programs bench-crates
	$(PYTHON) -B tests/bench/bench.py build/bench/tests/bench build/bench/tensorfile build/bench-crates/release/crates_bench --out build/bench $(BENCH)

bench-parts: bench-programs
	build/bench/tests/bench/parts_bench $(BENCH)

bench-deflate: bench-programs
	$(PYTHON) -B tests/bench/codec.py build/bench/tests/bench $(BENCH)

bench-bindings: bench-programs
	$(SETUP) engines
	$(PYTHON) -B tests/bench/bindings.py build/bench/tests/bench build/bench-bindings $(BENCH)

bench-blocks: bench-programs
	$(PYTHON) -B tests/bench/quant.py build/bench/tests/bench/quant_bench build/bench/libtensorfile.so docs/block-types.md $(BENCH)

bench-embedding: bench-programs
	$(PYTHON) -B tests/bench/embed.py build/bench/tests/bench/embed_bench build/bench/libtensorfile.so docs/embedding.md $(BENCH)

# On a quiet machine. The file on a disk is in build.
bench-page:
	$(MAKE) bench BENCH="--repeats $(REPEATS) --write $(BENCH_PAGE)"
	$(MAKE) bench-deflate BENCH="--write $(BENCH_PAGE)"
	$(MAKE) bench-deflate BENCH="--instructions --write $(BENCH_PAGE)"
	$(MAKE) bench-staging BENCH="--repeats $(REPEATS) --disk build --write $(BENCH_PAGE)"
	$(MAKE) bench-bindings BENCH="--write $(BENCH_PAGE)"

# llama-quantize is built in build/llama, which takes ten minutes the first time.
bench-presets bench-diff: bench-programs
	$(PYTHON) -B tests/bench/program.py $(@:bench-%=%) build/bench/tensorfile build/llama $(BENCH)

bench-staging: bench-programs
	$(SETUP) bench-staging
	$(PYTHON) -B tests/bench/staging.py build/bench/tests/bench/staging_bench build/staging-peers/bin/python $(BENCH)

bench-spark: spark-jars
	TENSORFILE_SPARK_JARS="$$(ls $(CURDIR)/build/spark/jars/*.jar | paste -s -d , -)" $(PYTHON) -B tests/spark/compare.py $(BENCH)

instructions: bench-programs
	$(PYTHON) -B tests/bench/instructions.py build/bench/tests/bench $(BENCH)

clean:
	rm -rf build
