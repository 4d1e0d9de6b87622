#!/usr/bin/env bash
# Times the program end to end beside its peers, then its passes over the rows against the machine's roofline
# (bench_passes) and UL iterations against the number of rows (bench_scale); see docs/performance.md. With
# --quick or --only passes and scale are left out.
# Usage: scripts/bench.sh BUILD [OPTION of benchmarks/run.py]...
#
# The peers come from PyPI into virtual environments under benchmarks/.venv, kept from run to run (some
# 6 GB). A peer that cannot be installed is reported as SKIPPED.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
environments=benchmarks/.venv
requirements=benchmarks/peers

# environment NAME OPTIONAL [REQUIRED]: installs two lists of requirements. NAME/complete then holds their
# checksum, or NAME/failure says why OPTIONAL is not there. Without REQUIRED the script fails.
environment() {
  local folder=$environments/$1 optional=$2 sum
  sum=$(cat "${@:2}" | sha256sum)
  [ "$(cat "$folder/complete" 2>/dev/null)" != "$sum" ] || return 0
  echo "installing $optional"
  rm -rf "$folder"
  python3 -m venv "$folder"
  [ $# -lt 3 ] || "$folder/bin/pip" install --quiet -r "$3"
  if "$folder/bin/pip" install --quiet -r "$optional" >"$folder/pip.log" 2>&1; then
    echo "$sum" >"$folder/complete"
  else
    { grep '^ERROR' "$folder/pip.log" || echo "pip failed"; } | tail -n 1 >"$folder/failure"
    echo "SKIPPED the peers of $optional: $(cat "$folder/failure")"
  fi
}

environment jax $requirements/requirements-jax.txt $requirements/requirements-numpy.txt
environment torch $requirements/requirements-torch.txt
"$environments/jax/bin/python" benchmarks/run.py --build "$build" --environments "$environments" \
  --data build/bench-data --results benchmarks/results "$@"

# The parts: passes against the roofline, and time and memory against rows.
case " $* " in *" --quick "* | *" --only "* | *" --only="*) exit ;; esac
kind=$(git describe --always --dirty --abbrev=8 --exclude='*' 2>/dev/null || echo unknown)
OMP_PROC_BIND=true "$build/bench_passes" --benchmark_min_time=0.1 --benchmark_out="benchmarks/results/passes-$kind.json" \
  --benchmark_filter='^unit/|/u8/(5000|60000)x784x10/.*/(amx|v4|v3)|/f(16|32)/5000x(784x10|1024x100)/.*/v4'
for rows in 10000 100000 1000000; do
  OMP_PROC_BIND=true "$build/bench_scale" --rows $rows
done | sed 's/^}$/},/; 1s/^/[/; $s/,$/]/' >"benchmarks/results/scale-$kind.json"
echo "results: benchmarks/results/{end_to_end,passes,scale}-*.json"
