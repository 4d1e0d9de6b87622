#!/usr/bin/env bash
# golden.sh - ait check --case on every reference case, in both precisions; the toy histories.
. "$(dirname "$0")/support.bash"
[ -d "$AIT_SHARED/golden" ] || skip "the reference cases are not there"

for program in "$AIT" "$AIT64"; do
  for case in "$AIT_SHARED"/golden/*/case.json; do
    "$program" check --threads 1 --case "$(dirname "$case")" >out 2>err || fail "$(cat out err)"
    tail -n 1 out | grep -qE "^[0-9]+ passed, 0 failed, [0-9]+ skipped$" || fail "$case: $(tail -n 1 out)"
  done
done

# A tolerance that nothing meets fails.
"$AIT64" check --case "$AIT_SHARED/golden/clean_linear" --tolerance 1e-30 >out 2>err
[ $? -eq 1 ] || fail "a tolerance of 1e-30: expected exit status 1"
grep -q "FAILED" out || fail "a tolerance of 1e-30: no method failed"

command -v python3 >/dev/null || skip "python3 compares the toy histories"
for method in iaptt:iaptt-gm iagm:ia-gm rhg:rhg; do
  for start in 1:2 5:1 7:-1; do
    x=${start%:*} z=${start#*:}
    succeed "$AIT64" solve toy --x0 "$x" --z0 "$z" --method "${method#*:}" --history history.csv
    python3 - history.csv "$AIT_SHARED/golden/toy/toy_${method%:*}_x${x}_z$z.csv" <<'EOF' || fail "$method from $start"
import csv, sys
found, expected = ([row for row in csv.reader(open(path))] for path in sys.argv[1:])
assert found[0] == expected[0] and len(found) == len(expected) == 501, (found[0], len(found))
for a, b in zip(found[1:], expected[1:]):
    assert a[0] == b[0] and a[3] == b[3], (a, b)
    for p, q in zip(map(float, a), map(float, b)):
        assert abs(p - q) <= 1e-9 * max(1, abs(q)), (a, b)
EOF
  done
done
finish
