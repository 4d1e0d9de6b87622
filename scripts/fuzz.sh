#!/usr/bin/env bash
# Runs the fuzz targets of tests/fuzz, each for so many seconds, as many at a time as there are cores, under
# AddressSanitizer and UndefinedBehaviorSanitizer. Prints a line a target: runs, runs a second, edges of the code that
# were reached, and inputs that crash, hang for more than a second, leak or ask for more than 512 MiB at once.
# Usage: scripts/fuzz.sh [SECONDS [TARGET...]]     (600; all)
#
# JOBS: targets at a time; BUILD: another folder than build/fuzz. What is found lies in its found/TARGET; its corpus/
# is kept for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
jobs=${JOBS:-$(nproc)}
build=${BUILD:-$PWD/build/fuzz}

scripts/packages.sh build fuzz
mkdir -p "$build"
CC=clang CXX=clang++ cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DAIT_CUDA=OFF -DAIT_FUZZ=ON >"$build/build.log" 2>&1 ||
  { cat "$build/build.log"; exit 1; }
cmake --build "$build" --target fuzz -j "$(nproc)" >>"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log"; exit 1; }
python3 tests/fuzz/seeds.py "$build/seeds"
if [ $# -gt 1 ]; then
  targets=("${@:2}")
else
  mapfile -t targets < <(cd tests/fuzz/targets && printf '%s\n' *.c | sed 's/\.c$//')
fi

# fuzz TARGET: runs it and prints its line.
fuzz() {
  local found=$build/found/$1 log=$build/$1.log runs rate edges crashes
  mkdir -p "$found" "$build/corpus/$1"
  OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$build/fuzz_$1" -max_total_time="$seconds" -timeout=1 -malloc_limit_mb=512 \
    -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 -artifact_prefix="$found/" "$build/corpus/$1" "$build/seeds/$1" \
    $(find "tests/fuzz/corpus/$1" -maxdepth 0 2>/dev/null) >"$log" 2>&1 || true
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  crashes=$(find "$found" -type f | wc -l)
  printf '%-12s %10s runs %7s a second %6s edges %3s crashes\n' "$1" "${runs:-?}" "${rate:-?}" "${edges:-?}" "$crashes"
  [ -n "$runs" ] || [ "$crashes" -gt 0 ] || echo "$1 did not run: see $log"
  [ -n "$runs" ] && [ "$crashes" -eq 0 ]
}
export -f fuzz
export build seconds
failed=0
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}' || failed=1
[ -z "$(find "$build/found" -type f)" ] || echo "inputs that fail: $(find "$build/found" -type f | tr '\n' ' ')"
exit "$failed"
