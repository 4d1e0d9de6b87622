#!/usr/bin/env bash
# soak.sh - long runs: resident memory and open files stay what they are, whatever the number of UL iterations.
# Usage: soak.sh [UL_ITERATIONS]    (5000)
#
# Prints VmRSS and the number of open files of runs with checkpoints every ten iterations. At the end a run may have one
# file more open than at a tenth of it (a checkpoint that is being written), and no more memory than the history's rows
# (their array, what it leaves behind where it grows, and a checkpoint) and half a MiB of the allocator's own. Of a sweep
# of noise models it may have what is kept of each run besides, until they are written.
. "$(dirname "$0")/cli/support.bash"
iterations=${1:-5000}
row_bytes=88 run_kib=100

make_data train 200 3 0.3 1
make_data val 60 3 0 2
files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy"

# sample PID: KiB that are resident, and open files.
sample() {
  local resident files
  files=$(ls "/proc/$1/fd" 2>/dev/null | wc -l)
  resident=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status" 2>/dev/null)
  [ -z "$resident" ] || echo "$resident $files"
}

# compare NAME EARLY LATE ALLOWED: two samples, and how many KiB may have come between them.
compare() {
  local growth=$((${3% *} - ${2% *}))
  [ "$growth" -le "$4" ] || fail "$1: $growth KiB more at the end than at a tenth; expected $4 at most"
  [ "${3#* }" -le $((${2#* } + 1)) ] || fail "$1: ${3#* } open files at the end, ${2#* } at a tenth"
}

# soak NAME RUNS OPTION...: so many runs at once, whose iterations come in line by line (--json), sampled nine times.
soak() {
  local name=$1 runs=$2 t seen=0 line now early="" late=""
  shift 2
  mkfifo "$name.lines"
  "$AIT" clean $files --cleaning weights --baselines validation --ll-steps 20 --threads 1 --iterations "$iterations" \
    --checkpoint-every 10 --eval-every 10 --json --quiet --out "$name" "$@" >"$name.lines" 2>"$name.err" &
  local pid=$!
  while read -r line; do
    t=${line#*\"t\":}
    t=${t%%,*}
    case $t in '' | *[!0-9]*) continue ;; esac
    [ $((t % (iterations / 10))) -eq 0 ] && [ "$t" -ne $seen ] && [ "$t" -ne "$iterations" ] || continue
    seen=$t
    now=$(sample $pid)
    [ -n "$now" ] || continue
    printf '%-9s %5d UL iterations: %7d KiB resident, %d open files\n' "$name" "$t" $now
    early=${early:-$now}
    late=$now
  done <"$name.lines"
  wait $pid || fail "$name: exit status $?: $(cat "$name.err")"
  [ $seen -gt $((iterations * 8 / 10)) ] || { fail "$name: the last sample is of iteration $seen"; return; }
  compare "$name" "$early" "$late" $((512 + 3 * row_bytes * runs * iterations / 1024))
}

# series RUNS: noise models, run after run, sampled at the beginning of every tenth of them.
series() {
  local runs=$1 run line now early="" late=""
  mkfifo series.lines
  "$AIT" clean $files --cleaning transition --baselines validation --threads 1 --train 150 --seeds "0..$((runs - 1))" \
    --checkpoint-every 10 --json --quiet --out series >series.lines 2>series.err &
  local pid=$!
  while read -r line; do
    case $line in *", run "*" of $runs"*) run=${line#*, run } run=${run%% *} ;; *) continue ;; esac
    [ $((run % (runs / 10))) -eq 0 ] || continue
    now=$(sample $pid)
    [ -n "$now" ] || continue
    printf '%-9s run %4d of %d: %7d KiB resident, %d open files\n' series "$run" "$runs" $now
    early=${early:-$now}
    late=$now
  done <series.lines
  wait $pid || fail "series: exit status $?: $(cat series.err)"
  [ "${run:-0}" -eq "$runs" ] || { fail "series: the last sample is of run ${run:-0}"; return; }
  compare series "$early" "$late" $((512 + run_kib * runs))
}

soak linear 1 --method iaptt-gm --ll-rate 0.3
soak network 1 --method ia-gm-a --model mlp:8 --init-optimizer adam --ll-rate 0.1
soak implicit 1 --method ls --ll-rate 0.3
soak sweep 3 --method iaptt-gm --ll-rate 0.3 --seeds 0..2 --train 150
series $((iterations / 100 > 10 ? iterations / 100 : 10))
finish
