#!/bin/sh
# Installs what a target of the Makefile needs and this machine lacks: Debian packages, and Python packages in .venv.
# Does nothing if everything is present.
#
# usage: setup.sh build|demo|test|asan|tsan|fuzz|coverage|lint|bench|bench-staging|engines|spark|stores|docs|dist|test-dist
set -eu
cd "$(dirname "$0")/.."

build="g++ make cmake zlib1g-dev libcli11-dev nlohmann-json3-dev libre2-dev libpng-dev pkg-config"
http="libcurl4-openssl-dev libssl-dev"
unit="$build ninja-build libgtest-dev libsimdjson-dev python3 git"
clang="$unit clang-14 libclang-rt-14-dev llvm-14"

jdk() {
  command -v javac >/dev/null || echo openjdk-17-jdk-headless
  command -v mvn >/dev/null || echo maven
}

# Other packages of Node than Debian's contain npm.
node() {
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

# Debian does not build PyTorch for every architecture.
torch() {
  command -v apt-cache >/dev/null || return 0
  if [ -z "$(apt-cache madison python3-torch 2>/dev/null)" ] && [ "$(id -u)" = 0 ]; then apt-get update >&2; fi
  if [ -n "$(apt-cache madison python3-torch 2>/dev/null)" ]; then echo python3-torch; fi
}

# The toolchains in Debian 12 are too old for the bindings, so these are only looked for.
require_cargo() {
  command -v cargo >/dev/null || { echo "setup.sh: cargo is missing: install Rust 1.85 or later" >&2; exit 1; }
}

require_toolchains() {
  require_cargo
  command -v go >/dev/null || { echo "setup.sh: go is missing: install Go 1.24 or later" >&2; exit 1; }
}

# pip_install NAME REQUIREMENTS...: installs the packages that the files list, unless .venv already has them.
pip_install() {
  name=$1
  shift
  requirements=$(cat "$@")
  [ "$requirements" != "$(cat ".venv/$name.installed" 2>/dev/null)" ] || return 0
  [ -x .venv/bin/python ] || python3 -m venv .venv
  # shellcheck disable=SC2046  # a list of words
  .venv/bin/python -m pip install --quiet --disable-pip-version-check $(printf -- '--requirement %s ' "$@")
  echo "$requirements" >".venv/$name.installed"
}

# The linter of the Go module. It must support the version of Go that checks the module.
staticcheck() {
  version=v0.8.2
  [ "$version" != "$(cat .venv/staticcheck.installed 2>/dev/null)" ] || return 0
  GOBIN=$PWD/.venv/bin GOFLAGS= go install "honnef.co/go/tools/cmd/staticcheck@$version"
  echo "$version" >.venv/staticcheck.installed
}

# The peers of `make bench-staging`, in a folder of their own. PyPI's PyTorch is 0.5 GB on Linux and needs the libraries of
# CUDA besides, so they use Debian's. It is older than runai-model-streamer declares, hence --no-deps; both only make views
# with it.
staging_peers() {
  requirements=tests/bench/requirements-staging.txt
  cmp -s "$requirements" build/staging-peers/installed && return 0
  rm -rf build/staging-peers
  /usr/bin/python3 -m venv --system-site-packages build/staging-peers
  build/staging-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
  cp "$requirements" build/staging-peers/installed
}

demo=tests/peers/requirements-demo.txt
peers=tests/peers/requirements.txt

# shellcheck disable=SC2046,SC2086  # lists of words
case ${1-} in
  build) tools/packages.sh $build ;;
  demo)
    tools/packages.sh $build python3 python3-venv
    pip_install demo $demo
    ;;
  test)
    tools/packages.sh $unit $(jdk) $(torch) python3-venv clang-14 llvm-14 strace valgrind abigail-tools \
      locales zsh fish luajit libsdl2-dev chromium $http openssl nginx-light
    pip_install test $demo $peers bindings/swig/requirements.txt
    require_toolchains
    staticcheck
    ;;
  asan) tools/packages.sh $clang strace $http openssl nginx-light ;;
  tsan) tools/packages.sh $unit $http openssl nginx-light ;;
  fuzz) tools/packages.sh $clang $http ;;
  coverage) tools/packages.sh $clang ;;
  lint) tools/packages.sh $build git clang-format-14 clang-tidy-14 $http ;;
  bench)
    tools/packages.sh $build ninja-build libbenchmark-dev libdeflate-dev valgrind python3 python3-venv
    pip_install bench $demo $peers tests/bench/requirements.txt
    require_cargo
    ;;
  bench-staging)
    tools/packages.sh python3 python3-venv python3-numpy $(torch)
    staging_peers
    ;;
  engines)
    tools/packages.sh $build $(jdk)
    require_toolchains
    ;;
  spark)
    tools/packages.sh $build $(jdk) python3 python3-venv
    pip_install spark tests/spark/requirements.txt
    ;;
  stores)
    tools/packages.sh $build $(jdk) python3 python3-venv
    require_toolchains
    staticcheck
    ;;
  docs)
    tools/packages.sh doxygen python3 $(jdk)
    require_toolchains
    ;;
  dist)
    tools/packages.sh gcc libc6-dev cmake ninja-build libcli11-dev nlohmann-json3-dev emscripten git $(jdk) python3 \
      python3-venv $(node)
    pip_install dist tools/dist/requirements.txt
    require_cargo
    ;;
  test-dist)
    tools/packages.sh $build gcc ninja-build python3-venv clang-14 lld-14 llvm-14 musl libc6-arm64-cross qemu-user wine wine64 \
      $(node) $(jdk) chromium mono-mcs mono-runtime lintian mmdebstrap
    pip_install dist tools/dist/requirements.txt
    pip_install test-dist tests/dist/requirements.txt
    require_toolchains
    ;;
  *)
    sed -n 's/^# usage: /usage: /p' tools/setup.sh >&2
    exit 2
    ;;
esac
