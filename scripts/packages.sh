#!/usr/bin/env bash
# Installs the Debian packages that the named groups of work need and that are not there yet.
# Usage: scripts/packages.sh GROUP...    (groups: build test bench format demo fuzz analyse)
#
# Systems without apt-get get the list of what is needed, and a failure only where it is missing.
set -euo pipefail

declare -A group_packages=(
  [build]="build-essential cmake ninja-build pkg-config libopenblas-dev libcjson-dev libxxhash-dev librandom123-dev zlib1g-dev libpng-dev"
  [test]="libgtest-dev libgmock-dev python3 gnuplot-nox"
  [bench]="libbenchmark-dev python3-venv gnuplot-nox"
  [format]="clang-format"
  [analyse]="clang-tidy cppcheck"
  [demo]="dataset-fashion-mnist gnuplot-nox"
  [fuzz]="clang libomp-dev python3"
)

# Debian package, what it is elsewhere, and a command that succeeds where it is there.
declare -A what=(
  [build-essential]="a C11 and C++17 compiler (gcc, g++) and make"
  [cmake]="CMake 3.25 or newer"
  [ninja-build]="Ninja"
  [pkg-config]="pkg-config or pkgconf"
  [libopenblas-dev]="OpenBLAS with its headers and openblas.pc"
  [libcjson-dev]="cJSON with its headers and libcjson.pc"
  [libxxhash-dev]="xxHash 0.8 or newer with its headers and libxxhash.pc"
  [librandom123-dev]="Random123, headers (Random123/philox.h)"
  [zlib1g-dev]="zlib with its headers"
  [libpng-dev]="libpng 1.6 with its headers and libpng.pc"
  [libgtest-dev]="GoogleTest"
  [libgmock-dev]="GoogleMock (part of GoogleTest)"
  [python3]="Python 3, for the tests of the programs' files"
  [python3-venv]="Python 3.11 or newer with venv and pip, for the peers of the end-to-end benchmark"
  [gnuplot-nox]="gnuplot, for the curves of reports and of docs/performance.md"
  [libbenchmark-dev]="Google Benchmark, for the passes of the CPU (bench_passes)"
  [clang-format]="clang-format 14"
  [clang-tidy]="clang-tidy 14"
  [cppcheck]="cppcheck 2.10"
  [clang]="clang with libFuzzer and its sanitizers"
  [libomp-dev]="OpenMP of clang"
  [dataset-fashion-mnist]="Fashion-MNIST, four .gz files; name their folder with --data-dir or AIT_DATA_DIR"
)
has_header() { echo "#include <$1>" | "${CC:-cc}" -E - >/dev/null 2>&1; }
present() {
  case $1 in
    build-essential) command -v "${CC:-cc}" && command -v "${CXX:-c++}" && command -v make ;;
    cmake) command -v cmake ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    libopenblas-dev) pkg-config --exists openblas ;;
    libcjson-dev) pkg-config --exists libcjson ;;
    libxxhash-dev) pkg-config --exists "libxxhash >= 0.8" ;;
    librandom123-dev) has_header Random123/philox.h ;;
    zlib1g-dev) has_header zlib.h ;;
    libpng-dev) pkg-config --exists libpng ;;
    libgtest-dev) pkg-config --exists gtest ;;
    libgmock-dev) pkg-config --exists gmock ;;
    python3) command -v python3 ;;
    python3-venv) python3 -c "import ensurepip" ;;
    gnuplot-nox) command -v gnuplot ;;
    libbenchmark-dev) pkg-config --exists benchmark ;;
    clang-format) command -v clang-format ;;
    clang-tidy) command -v clang-tidy ;;
    cppcheck) command -v cppcheck ;;
    clang) command -v clang && command -v clang++ ;;
    libomp-dev) echo "#include <omp.h>" | clang -fopenmp -E - ;;
    dataset-fashion-mnist) [ -n "${AIT_DATA_DIR:-}" ] || [ -d /usr/share/datasets/fashion-mnist ] ;;
  esac >/dev/null 2>&1
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "packages.sh: not root and no sudo. As root, run: $*" >&2
    return 1
  fi
}

wanted=()
for group in "$@"; do
  [ -n "${group_packages[$group]:-}" ] || { echo "packages.sh: no group $group; there are: ${!group_packages[*]}" >&2; exit 2; }
  read -r -a names <<<"${group_packages[$group]}"
  wanted+=("${names[@]}")
done

missing=()
if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  for package in "${wanted[@]}"; do
    installed "$package" || present "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && exit 0
  echo "Installing: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  for package in "${wanted[@]}"; do
    present "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && exit 0
  echo "This system has no apt-get. Please install (in brackets: the name in Debian):" >&2
  for package in "${missing[@]}"; do
    echo "  ${what[$package]}  [$package]" >&2
  done
  exit 1
fi
