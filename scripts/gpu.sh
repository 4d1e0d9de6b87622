#!/usr/bin/env bash
# What only a machine with a GPU can say, in one command of at most nine minutes: builds the preset cuda-release for
# that GPU, runs the tests of label gpu and the reference cases on it, a selection of the tests under compute-sanitizer,
# the paper's method and the data pass on GPU and CPU, and keeps all of it raw.
# Usage: scripts/gpu.sh [RESULTS_FOLDER]      (default: benchmarks/results/DATE-DEVICE; a folder that holds no files)
#
# Needs nvcc with cuBLAS and cuRAND, a C and C++ compiler, CMake and Ninja. OpenBLAS, cJSON, zlib, Random123,
# GoogleTest, pkg-config and the data come from .carry where that folder is there (scripts/carry.sh makes it), else from
# the system.
#
# Exit status: 0 when every step passed; 1 when one failed or did not run (the others still run, and are kept); 2 wrong
# usage. Without a working GPU it prints SKIPPED and the reason, writes nothing, and exits with 0 (not with 77, which
# is for tests under ctest): a caller that must have results looks for machine.json.
set -uo pipefail
export LC_ALL=C OMP_WAIT_POLICY=passive
cd "$(dirname "$0")/.." || exit 2

total_seconds=530
build=build/cuda-release
unpacked=$PWD/build/carried
# Every kernel family, at few sizes: under racecheck a test takes a hundred times as long.
sanitizer_tests='*VectorTest.Combine*:*VectorTest.Project*:*VectorTest.DotProducts*:*VectorTest.Argmax*'
sanitizer_tests+=':*VectorTest.Selects*:*VectorTest.Gathers*:*VectorTest.Adam*:*VectorTest.CountsWhat*'
sanitizer_tests+=':*ModelTest.AddsBiases*:*ModelTest.ProductsWithAChunk*:*ModelTest.CrossEntropyOutputs*'
sanitizer_tests+=':*ModelTest.Activations*:*ModelTest.CountsRows*:*DataPassTest.EveryTypeWith*:*DataPassTest.RowsMay*'
sanitizer_tests+=':*DataPassTest.AnInactive*:*CudaSolver.Replayed*linear:*CudaSolver.Replayed*relu'
sanitizer_tests+=':MatrixInstructions*:*RolloutTest.AnyRange*'

fail() {
  printf 'gpu.sh: %s\n' "$*" >&2
  exit "${status:-1}"
}
skip() {
  printf 'SKIPPED: %s\n' "$*"
  exit 0
}

# ---- the machine -------------------------------------------------------------------------------------------------

[ $# -le 1 ] || status=2 fail "usage: scripts/gpu.sh [RESULTS_FOLDER]"
command -v nvidia-smi >/dev/null || skip "no NVIDIA driver (there is no nvidia-smi)"
gpu=$(nvidia-smi --query-gpu=name,compute_cap,memory.total,driver_version --format=csv,noheader 2>&1) ||
  skip "no working GPU (nvidia-smi: ${gpu//$'\n'/ })"
IFS=, read -r gpu_name gpu_capability gpu_memory gpu_driver <<<"$gpu" # of several GPUs the first
[ -n "$gpu_driver" ] || skip "no working GPU (nvidia-smi says: ${gpu//$'\n'/ })"
gpu_capability=${gpu_capability// /}

nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
[ -x "$nvcc" ] || fail "there is a GPU (${gpu_name}) and no nvcc; put it on the PATH"
for program in cmake ctest ninja; do
  command -v $program >/dev/null || fail "there is no $program"
done
export CUDACXX=$nvcc
sanitizer=$(command -v compute-sanitizer || echo "$(dirname "$nvcc")/compute-sanitizer")

if [ $# -eq 1 ]; then
  results=$1
else
  results=benchmarks/results/$(date -u +%F)-$(tr -cs 'A-Za-z0-9\n' - <<<"${gpu_name%% (*}" | sed 's/^-*//; s/-*$//')
fi
mkdir -p "$results" || fail "the folder $results cannot be made"
[ -z "$(ls -A "$results")" ] || fail "the folder $results holds files already; name another one"
results=$(cd "$results" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- steps -------------------------------------------------------------------------------------------------------

failures=0
table=() steps=()

json_string() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//[$'\n\t\r']/ }"
}

# note NAME RESULT SECONDS REMARK COMMAND
note() {
  table+=("$(printf '%-24s %-8s %8s  %s' "$1" "$2" "$3" "$4")")
  steps+=("$(printf '{"step": %s, "result": %s, "seconds": %s, "remark": %s, "command": %s}' "$(json_string "$1")" \
    "$(json_string "$2")" "${3/-/null}" "$(json_string "$4")" "$(json_string "$5")")")
  [ "$2" = passed ] || failures=$((failures + 1))
  printf '%s\n' "${table[-1]}"
}

# step NAME SECONDS EXPECTED COMMAND...: runs a program with a time limit; what it prints goes to NAME.log, in which a
# line must match EXPECTED (a regular expression; empty: it may print nothing).
step() {
  local name=$1 limit=$2 expected=$3 left=$((total_seconds - SECONDS)) start end code seconds
  shift 3
  [ "$limit" -le "$left" ] || limit=$left
  if ! command -v "$1" >/dev/null; then
    note "$name" "not run" - "there is no $1" "$*"
    return 1
  elif [ "$limit" -lt 2 ]; then
    note "$name" "not run" - "the $total_seconds s are over" "$*"
    return 1
  fi
  start=${EPOCHREALTIME/./}
  timeout --kill-after=5 "$limit" "$@" >"$results/$name.log" 2>&1
  code=$?
  end=${EPOCHREALTIME/./}
  seconds=$(printf '%d.%03d' $(((end - start) / 1000000)) $(((end - start) / 1000 % 1000)))
  if [ $code -eq 124 ] || [ $code -eq 137 ]; then
    note "$name" FAILED "$seconds" "stopped at its limit of $limit s" "$*"
  elif [ $code -ne 0 ]; then
    note "$name" FAILED "$seconds" "exit status $code" "$*"
  elif [ -n "$expected" ] && ! grep -qE -- "$expected" "$results/$name.log"; then
    note "$name" FAILED "$seconds" "printed nothing like '$expected'" "$*"
  else
    note "$name" passed "$seconds" "" "$*"
    return 0
  fi
  return 1
}

# ---- build -------------------------------------------------------------------------------------------------------

# What .carry holds is unpacked once.
unpack() {
  [ .carry/needs.tar.xz -nt "$unpacked/done" ] || return 0
  rm -rf "$unpacked" && mkdir -p "$unpacked" || return
  if command -v xz >/dev/null; then
    tar -xJf .carry/needs.tar.xz -C "$unpacked"
  else
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' .carry/needs.tar.xz "$unpacked"
  fi && touch "$unpacked/done"
}

# The compilers are newer here than where warnings are errors, and this is no place to stop at a new warning.
options=("-DCMAKE_CUDA_ARCHITECTURES=${gpu_capability/./}" -DAIT_BUILD_BENCHMARKS=ON -DAIT_WARNINGS_AS_ERRORS=OFF)
if [ -f .carry/needs.tar.xz ]; then
  unpack || fail ".carry/needs.tar.xz cannot be unpacked"
  prefix=$unpacked/prefix
  # RPATH, not RUNPATH: OpenBLAS finds the Fortran library that it needs by the program's.
  linking="-Wl,-rpath-link,$prefix/lib -Wl,-rpath,$prefix/lib -Wl,--disable-new-dtags"
  options+=("-DCMAKE_PREFIX_PATH=$prefix" "-DPKG_CONFIG_EXECUTABLE=$prefix/bin/pkg-config"
    "-DCMAKE_EXE_LINKER_FLAGS=$linking" "-DCMAKE_SHARED_LINKER_FLAGS=$linking")
  for language in C CXX CUDA; do
    options+=("-DCMAKE_${language}_FLAGS=-isystem $prefix/include")
  done
  export AIT_DATA_DIR=$PWD/.carry/data AIT_SHARED=$unpacked/shared
fi
golden=${AIT_SHARED:-$PWD/../shared}/golden

commit=$(git describe --match= --always --abbrev=40 --dirty 2>/dev/null || cat .carry/commit 2>/dev/null || echo unknown)
cat >"$results/machine.json" <<END
{
  "date": "$(date -u +%FT%TZ)",
  "commit": $(json_string "$commit"),
  "device": $(json_string "$gpu_name"),
  "compute_capability": "$gpu_capability",
  "device_memory": $(json_string "${gpu_memory# }"),
  "driver": $(json_string "${gpu_driver# }"),
  "cuda": $(json_string "$("$nvcc" --version | sed -n 's/.*release [^,]*, V//p')"),
  "host_compiler": $(json_string "$(c++ --version | head -n 1)"),
  "cpu": $(json_string "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"),
  "cpu_threads": $(nproc),
  "kernel": $(json_string "$(uname -sr)")
}
END

step configure 60 'Generating done' cmake --preset cuda-release "${options[@]}" &&
  step build 240 . cmake --build $build -j "$(nproc)" -- -k 0

# ---- tests -------------------------------------------------------------------------------------------------------

step info 20 'cuda:0' $build/ait info
# First of all whether the instructions that the kernels are made of do what the emulation takes them to do.
step instructions 30 '\[  PASSED  \] [1-9]' $build/ait_cuda_tests '--gtest_filter=MatrixInstructions*'
# Then the suites of the device in one process each, which opens the GPU once; ctest, with a process a test, comes last.
for name in ait ait64; do
  step "suite-$name" 75 '\[  PASSED  \] [1-9]' env -C tests "$PWD/$build/${name}_cuda_tests" \
    "--gtest_output=xml:$results/suite-$name.xml"
done
[ -d "$golden" ] || printf 'There are no reference cases at %s: they are not run.\n' "$golden"
for name in ait ait64; do
  [ -d "$golden" ] || break
  # shellcheck disable=SC2016
  step "golden-$name" 60 '[1-9][0-9]* passed' bash -c 'for case in "$2"/*/case.json; do
      "$1" check --case "${case%/*}" --device cuda || failed=1
    done; exit ${failed:-0}' golden $build/$name "$golden"
done
step example-build 60 '' "$nvcc" "-arch=sm_${gpu_capability/./}" -DAIT_DOUBLE -Iinclude examples/ridge_gpu.cu \
  -L$build -lait64 -Xlinker "-rpath=$PWD/$build" -o "$work/ridge_gpu"
step example 30 'closed form' "$work/ridge_gpu"
for tool in memcheck racecheck initcheck synccheck; do
  step "sanitizer-$tool" 25 '\[  PASSED  \] [1-9]' "$sanitizer" --tool $tool --error-exitcode 99 \
    $build/ait_cuda_tests "--gtest_filter=$sanitizer_tests"
done

# ---- timings -----------------------------------------------------------------------------------------------------

# clean NAME SECONDS OPTION...: one run of the paper's method; its run.json, with the seconds of the iterations, is kept.
clean() {
  local name=$1 limit=$2
  shift 2
  step "$name" "$limit" '' $build/ait clean --dataset fashion-mnist --method iaptt-gm --baselines validation \
    --quiet --out "$work/$name" "$@" &&
    cp "$work/$name/run.json" "$results/$name.json"
}
for run in 1 2 3; do
  clean "clean-linear-cuda-$run" 30 --device cuda
done
clean clean-linear-cpu 60 --device cpu
mlp=(--model mlp:300 --iterations 20 --ll-steps 20)
clean clean-mlp-cuda 30 --device cuda "${mlp[@]}"
clean clean-mlp-cuda-tf32 30 --device cuda --math tf32 "${mlp[@]}"

# A step of a rollout takes (seconds at K = 101 less those at K = 1) / 100 of an iteration; with few rows that is the
# barriers and the sums over slots, and what it takes longer with 5,000 rows is the rows' products.
for model in linear deep:300; do
  for rows in 200 5000; do
    for steps in 1 101; do
      clean "rollout-${model%:*}-$rows-$steps" 20 --device cuda --model $model --train $rows --validation $rows \
        --iterations 30 --ll-steps $steps
    done
  done
done

# pass DEVICE ROWS TYPE: times the data pass; what it prints is JSON.
passes=()
pass() {
  step "pass-$1-$2-$3" 25 '"median"' $build/bench_data_pass --device "$1" --rows "$2" --columns 784 --classes 10 \
    --type "$3" && passes+=("$results/pass-$1-$2-$3.log")
}
for rows in 5000 1000000 10000000; do
  pass cuda $rows u8
done
pass cuda 1000000 f32
pass cpu 5000 u8
pass cpu 1000000 u8

step tests 200 'tests passed' ctest --test-dir $build -L gpu -j "$(nproc)" --no-tests=error --output-on-failure \
  --output-junit "$results/tests.xml"
skipped=$(grep -c '\*\*\*Skipped' "$results/tests.log" 2>/dev/null)
[ "${skipped:-0}" -eq 0 ] || note "tests skipped" FAILED - "$skipped tests found no GPU" ""

# ---- what remains ------------------------------------------------------------------------------------------------

# join FILE...: JSON values as one array.
join() {
  local separator='[' file
  for file in "$@"; do
    printf '%s\n' "$separator"
    cat "$file"
    separator=','
  done
  [ $# -gt 0 ] || printf '[\n'
  printf ']\n'
}
join "${passes[@]}" >"$results/data_pass.json"
{
  printf '[\n'
  printf '  %s,\n' "${steps[@]}" | sed '$ s/,$//'
  printf ']\n'
} >"$results/steps.json"

printf '\n%s, driver%s, commit %s\n' "$gpu_name" "$gpu_driver" "$commit"
printf '%-24s %-8s %8s\n' step result seconds
printf '%s\n' "${table[@]}"
printf '%d steps, %d not passed, %d s in all; everything is in %s\n' ${#table[@]} $failures $SECONDS "$results"
[ $failures -eq 0 ]
