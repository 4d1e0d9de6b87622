#!/usr/bin/env bash
# solve.sh - the numerical examples reach their solutions; check agrees with differences.
. "$(dirname "$0")/support.bash"

# within FILE PATTERN LIMIT: the number after PATTERN is at most LIMIT.
within() {
  awk -v pattern="$2" -v limit="$3" 'index($0, pattern) { found = 1; split(substr($0, index($0, pattern) + length(pattern)), n, " ");
    exit !(n[1] + 0 <= limit) } END { if (!found) exit 1 }' "$1"
}

for program in "$AIT" "$AIT64"; do
  for start in "1 2" "5 1" "7 -1"; do
    set -- $start
    succeed "$program" solve toy --x0 "$1" --z0 "$2" --method iaptt-gm
    within out "distance of x to the solution = " 0.1 || fail "toy from $start: $(cat out)"
    grep -qE "z = -2 " out || fail "toy from $start: $(cat out)"
    succeed "$program" solve toy --x0 "$1" --z0 "$2" --method rhg
    within out "distance of x to the solution = " 0.1 && fail "rhg reaches the solution of toy from $start"
    for method in "ls --cg-damping 0.1" "ns --neumann-terms 20"; do
      succeed "$program" solve toy --x0 "$1" --z0 "$2" --method $method
      within out "distance of x to the solution = " 0.1 && fail "$method reaches the solution of toy from $start"
    done
  done
  succeed "$program" solve sinusoid --method one-stage --fd-epsilon 0.001
  grep -q "sinusoid, one-stage, 2000 iterations of 1 steps" out || fail "one-stage takes more than one step: $(cat out)"
  succeed "$program" solve toy --x0 5 --z0 1 --method ls
  grep -q "conjugate gradient met negative curvature [0-9]* times" out || fail "ls on toy: $(cat out)"
  expect 1 "conjugate gradient met negative curvature in UL iteration 0" \
    "$program" solve toy --x0 5 --z0 1 --method ls --cg-negative-curvature error --device cpu
  succeed "$program" solve convex --history convex.csv
  within out "distance of x to the solution = " 0.1 || fail "convex: $(cat out)"
  [ "$(head -n 1 convex.csv)" = "t,distance,kbar,F_kbar,F_K" ] || fail "convex: header $(head -n 1 convex.csv)"
  [ "$(wc -l <convex.csv)" -eq 2001 ] || fail "convex: $(wc -l <convex.csv) lines of history"
  succeed "$program" solve sinusoid
  within out "distance of x to the solution = " 0.05 || fail "sinusoid: $(cat out)"
  succeed "$program" solve toy --iterations 3 --quiet
  [ ! -s out ] || fail "--quiet says something"
  for problem in toy convex sinusoid clean "clean --model deep:6" "clean --model mlp:6,5"; do
    succeed "$program" check $problem
    grep -qE "passed|FAILED" out || fail "check $problem says $(cat out)"
    [ "$(grep -cE "^(ls|ns|one-stage) +SKIPPED" out)" -eq 3 ] ||
      fail "check $problem does not skip ls, ns and one-stage: $(cat out)"
  done
done
succeed "$AIT64" check clean --model mlp:7 --activation relu
"$AIT64" check clean --tolerance 1e-30 >out 2>err
[ $? -eq 1 ] || fail "check with a tolerance of 1e-30: expected exit status 1"

"$AIT" check toy --method ls >out 2>err
[ $? -eq 1 ] || fail "check toy --method ls: expected exit status 1"
grep -q "differences of K steps do not check it" err || fail "check toy --method ls says $(cat err)"
expect 1 "no/such" "$AIT" solve toy --iterations 2 --quiet --history no/such/file.csv
expect 1 "k = " "$AIT" solve convex --ll-rate 1e6 --quiet

# auto says which device it took, and why where that is the CPU; a device that was named needs no words.
succeed "$AIT" solve toy --iterations 1
grep -Eq "^device (cuda:[0-9]+: |cpu: .*\(no CUDA device: )" err || fail "auto does not say its device: $(cat err)"
[ "$(wc -l <err)" -eq 1 ] || fail "auto says more than its device: $(cat err)"
succeed "$AIT" solve toy --iterations 1 --quiet
[ ! -s err ] || fail "--quiet says: $(cat err)"
succeed "$AIT" solve toy --iterations 1 --device cpu
[ ! -s err ] || fail "--device cpu says: $(cat err)"
finish
