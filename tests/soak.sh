#!/usr/bin/env bash
# soak.sh - long runs: resident memory and open files stay what they are, whatever the number of UL iterations.
# Usage: soak.sh [UL_ITERATIONS]    (5000)
#
# Prints VmRSS and the number of open files of runs with checkpoints every ten iterations. At the end a run may have one
# file more open than at a tenth of it (a checkpoint that is being written), and no more memory than the history's rows
# (in memory and twice in a checkpoint) and half a MiB of the allocator's own.
. "$(dirname "$0")/cli/support.bash"
iterations=${1:-5000}
row_bytes=80

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

# soak NAME RUNS OPTION...: so many runs at once, whose iterations come in line by line (--json), sampled nine times.
soak() {
  local name=$1 runs=$2 t seen=0 line now early="" late="" growth allowed
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
  growth=$((${late% *} - ${early% *}))
  allowed=$((512 + 3 * row_bytes * runs * iterations / 1024))
  [ "$growth" -le "$allowed" ] || fail "$name: $growth KiB more at the end than at a tenth; expected $allowed at most"
  [ "${late#* }" -le $((${early#* } + 1)) ] || fail "$name: ${late#* } open files at the end, ${early#* } at a tenth"
}

soak linear 1 --method iaptt-gm --ll-rate 0.3
soak network 1 --method ia-gm-a --model mlp:8 --init-optimizer adam --ll-rate 0.1
soak implicit 1 --method ls --ll-rate 0.3
soak sweep 3 --method iaptt-gm --ll-rate 0.3 --seeds 0..2 --train 150
finish
