#!/usr/bin/env bash
# solve.sh - the numerical examples reach their solutions; check agrees with differences.
. "$(dirname "$0")/support.bash"

# within FILE PATTERN LIMIT: the number after PATTERN is at most LIMIT.
within() {
  awk -v pattern="$2" -v limit="$3" 'index($0, pattern) { found = 1; split(substr($0, index($0, pattern) + length(pattern)), n, " ");
    exit !(n[1] + 0 <= limit) } END { if (!found) exit 1 }' "$1"
}

# stays_near FILE COLUMN GOAL LIMIT: the first row of a history from which on the column is within LIMIT of GOAL.
stays_near() {
  awk -F, -v c="$2" -v goal="$3" -v limit="$4" 'NR > 1 { d = $c - goal; d = d < 0 ? -d : d
    if (d > limit) since = ""; else if (since == "") since = $1 } END { print since == "" ? -1 : since }' "$1"
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
  # docs/reproducing.md, Figure 1: kbar is 1 or K, both again and again; x and z come near and stay.
  for start in "1 2 310" "5 1 250" "7 -1 20"; do
    set -- $start
    succeed "$program" solve toy --x0 "$1" --z0 "$2" --method iaptt-gm --history toy.csv --quiet
    near=$(stays_near toy.csv 2 8.639380 0.1)
    [ "$near" -ge 0 ] && [ "$near" -le "$3" ] || fail "toy from $start: x is near from iteration $near on"
    [ "$(stays_near toy.csv 3 -2 0.11)" -ge 0 ] || fail "toy from $start: z does not stay near -2"
    [ "$(tail -n +2 toy.csv | cut -d, -f4 | sort -n | uniq | tr '\n' ' ')" = "1 40 " ] || fail "toy from $start: other kbar"
    [ "$(tail -n +2 toy.csv | grep -c ',1,-\?[0-9.e-]*,-\?[0-9.e-]*$')" -ge 100 ] || fail "toy from $start: kbar is hardly ever 1"
    for method in rhg bda ls ns; do
      succeed "$program" solve toy --x0 "$1" --z0 "$2" --method $method --history toy.csv --quiet
      awk -F, 'END { exit !($6 > -1.5) }' toy.csv || fail "toy from $start: $method comes to F = $(tail -n 1 toy.csv)"
    done
  done
  succeed "$program" solve toy --history toy.csv
  succeed "$program" solve toy --memory 140 --history again.csv
  grep -q "^  trajectory: 1 state in" out || fail "solve --memory does not tell its plan: $(cat out)"
  cmp -s toy.csv again.csv || fail "solve --memory comes to something else"
  # Figure 3, at one K and step size; the page says where it is not so.
  convex=(solve convex --x0 0.5 --z0 0.5 --ul-optimizer sgd --ul-rate 0.01 --init-optimizer sgd --init-rate 0.01
    --ll-steps 40 --ll-rate 0.05 --iterations 3000 --history convex.csv --quiet)
  succeed "$program" "${convex[@]}" --method ia-gm-a
  near=$(stays_near convex.csv 2 0 0.1)
  [ "$near" -ge 0 ] && [ "$near" -le 1500 ] || fail "convex: ia-gm-a is near from iteration $near on"
  succeed "$program" "${convex[@]}" --method ia-gm
  [ "$(stays_near convex.csv 2 0 0.1)" -eq -1 ] || fail "convex: ia-gm is as near after twice the iterations"
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
for choices in "--method ls --hypergradient reverse --truncation pessimistic" "--method ait --initialisation fixed" \
  "--method bda --mapping gradient" "--method t-rhg --truncation none" "--hypergradient finite-differences --truncation none"; do
  succeed "$AIT" solve toy --iterations 2 $choices
  grep -q "with other choices" out || fail "solve toy $choices says $(cat out)"
done
for choices in "--method bda --nesterov yes" "--mapping aggregate --bda-mu 0.3 --bda-decay 1" \
  "--mapping proximal --prox elastic-net --prox-weight 0.01 --prox-l2-weight 0.5" "--method t-rhg --last-steps 3" \
  "--method rhg --truncation last --mapping proximal --prox box --prox-upper 0.2"; do
  succeed "$AIT64" check clean $choices
  [ "$(grep -c passed out)" -eq 1 ] || fail "check clean $choices says $(cat out)"
done
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
