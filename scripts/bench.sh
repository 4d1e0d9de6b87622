#!/usr/bin/env bash
# Times the program on fixed settings, three runs each, and prints the seconds of every run.
# Usage: scripts/bench.sh PROGRAM
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

time_runs() {
  local name=$1 run start end
  shift
  printf '%-40s' "$name"
  for run in 1 2 3; do
    start=${EPOCHREALTIME/./}
    "$program" clean --dataset fashion-mnist --seed 1 --quiet --out "$folder/$run" --force "$@" >/dev/null
    end=${EPOCHREALTIME/./}
    printf ' %4d.%03d' $(((end - start) / 1000000)) $(((end - start) / 1000 % 1000))
  done
  printf '\n'
}

"$program" info
printf '%-40s %8s %8s %8s   seconds, whole program with reading and reports\n' "run" 1 2 3
time_runs "linear, K = 100, T = 100" --model linear --ll-steps 100 --iterations 100
time_runs "deep:300, K = 100, T = 100" --model deep:300 --ll-steps 100 --iterations 100
