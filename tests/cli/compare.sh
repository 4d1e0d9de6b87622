#!/usr/bin/env bash
# compare.sh - methods and rankings side by side: the figures of single runs, pairs, failures, signals, bad input.
. "$(dirname "$0")/support.bash"

make_data train 120 3 0 1
make_data val 40 3 0 2
make_data test 90 3 0 3

files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy"
tested="$files --test-images test-images.npy --test-labels test-labels.npy --train 100"
budget="--noise 0.4 --iterations 6 --ll-steps 5 --ll-rate 0.3"
names="iaptt-gm,t-rhg,transition,validation,pruned"

for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  bytes=$([ "$name" = ait64 ] && echo 2600 || echo 1300) # for 5 of 6 states
  succeed "$program" compare $tested $budget --methods $names --seeds 3,0 --threads 1 --out "$name-1" --memory $bytes
  [ "$(grep -A 1 "iaptt-gm: " err | grep -c "^  trajectory: 1 state in 2 is kept, 5 are in memory at a time")" -eq 1 ] ||
    fail "$name: the plan of the trajectory is not told once: $(cat err)"
  for words in "acc kept" "AUROC" "seconds" "transition has a budget of its own" "^Differences to .* (the best cheap ranking" "compare.csv"; do
    grep -q -- "$words" out || fail "$name: the summary lacks '$words': $(cat out)"
  done
  grep -A 2 "^Data " out | grep -q "every other seed draws rows, wrong labels and start anew" ||
    fail "$name: the summary does not say whose rows it tells: $(cat out)"
  grep -q "^seed 3  t-rhg: [0-9.]* s" err || fail "$name: no progress: $(cat err)"
  [ "$(ls "$name-1" | tr '\n' ' ')" = "compare.csv compare.json curves.csv " ] || fail "$name: $(ls "$name-1")"
  succeed "$program" compare $tested $budget --methods $names --seeds 3,0 --threads 2 --out "$name-2" --quiet
  [ ! -s out ] && [ ! -s err ] || fail "$name: --quiet says something"
  cmp -s <(cut -d, -f1-10,13 "$name-1/compare.csv") <(cut -d, -f1-10,13 "$name-2/compare.csv") ||
    fail "$name: figures depend on the number of threads"
  cmp -s <(cut -d, -f1-3,5- "$name-1/curves.csv") <(cut -d, -f1-3,5- "$name-2/curves.csv") ||
    fail "$name: curves depend on the number of threads"
done

# A comparison finds what single runs find.
for method in iaptt-gm t-rhg; do
  succeed "$AIT" clean $tested $budget --method $method --seed 3 --out "single-$method"
done
succeed "$AIT" baseline $tested --noise 0.4 --ll-rate 0.3 --seed 3 --out single-rankings
python3 - <<'PYTHON' || fail "the comparison does not hold what it should"
import csv, json

rows = {(r["method"], r["seed"]): r for r in csv.DictReader(open("ait-1/compare.csv"))}
told = json.load(open("ait-1/compare.json"))
plan = told["contestants"][0]["trajectory"]
assert told["settings"]["memory"] == 1300 and plan["states"] == 5 and plan["bytes"] <= 1300, plan
assert json.load(open("ait-2/compare.json"))["contestants"][0]["trajectory"]["states"] == 6
names = ["iaptt-gm", "t-rhg", "transition", "validation", "pruned"]
assert list(rows) == [(n, s) for n in names for s in ("3", "0")], list(rows)
assert all(r["done"] == "yes" for r in rows.values())
keys = ["auroc", "average_precision", "f1", "precision_at_100"]


def same(cell, value):
    """A cell of the table and a number of a document, which is written with 15 digits."""
    return cell == "" if value is None else abs(float(cell) - value) < 1e-12


for method in names[:2]:
    result = json.load(open("single-%s/run.json" % method))["result"]
    row, ranking = rows[method, "3"], result["ranking"]["classifier"]
    assert row["iterations"] == "6" and same(row["accuracy_y"], result["test_accuracy"]["y"])
    assert same(row["accuracy_z"], result["test_accuracy"]["z"])
    assert same(row["accuracy_kept"], result["test_accuracy"]["kept_by_this_run"])
    assert all(same(row[key], ranking[key]) for key in keys)
rankings = json.load(open("single-rankings/baseline.json"))["result"]["rankings"]
for kind in names[3:]:
    assert all(same(rows[kind, "3"][key], rankings[kind]["figures"][key]) for key in keys), kind
assert same(rows["validation", "3"]["accuracy_y"], rankings["validation"]["test_accuracy"])
assert rows["pruned", "3"]["accuracy_y"] == "" and rows["pruned", "3"]["accuracy_kept"] != ""
assert rows["iaptt-gm", "3"]["auroc"] != rows["iaptt-gm", "0"]["auroc"]

document = json.load(open("ait-1/compare.json"))
assert document["settings"]["seeds"] == [3, 0] and not document["stopped"]
reference = document["differences_to"]
assert reference in names[3:]
for contestant in document["contestants"]:
    name = contestant["name"]
    for key in ("auroc", "accuracy_kept"):
        values = [float(rows[name, s][key]) for s in ("3", "0")]
        pairs = [v - float(rows[reference, s][key]) for v, s in zip(values, ("3", "0"))]
        for expected, found in ((values, contestant["means"][key]), (pairs, contestant["differences"][key])):
            assert found["seeds"] == 2 and abs(found["mean"] - sum(expected) / 2) < 1e-12
            # Of two values a quarter of the resamples is twice the smaller one, and a quarter twice the larger one.
            assert abs(found["low"] - min(expected)) < 1e-12 and abs(found["high"] - max(expected)) < 1e-12
    assert contestant["differences"]["auroc"]["mean"] == 0 or name != reference

curve = [r for r in csv.DictReader(open("ait-1/curves.csv")) if (r["method"], r["seed"]) == ("t-rhg", "0")]
assert [r["iteration"] for r in curve] == list("123456"), curve
assert all(0 <= float(r[key]) <= 1 for r in curve for key in ("accuracy_y", "auroc", "f1")), curve
last, row = [r for r in csv.DictReader(open("ait-1/curves.csv")) if r["method"] == "transition"][1], rows["transition", "0"]
assert last["seed"] == "0" and last["iteration"] == row["iterations"] == "19" and last["F_K"] == "", last
assert all(last[key] == row[key] != "" for key in ("seconds", "accuracy_y", "auroc", "f1")), (last, row)
assert row["accuracy_z"] == "" and float(row["accuracy_kept"]) > 0.5 and float(row["memory_bytes"]) >= 0, row
assert [float(r["seconds"]) for r in curve] == sorted(float(r["seconds"]) for r in curve)
PYTHON

# Transition cleaning is what a run of its own is, whatever the budget of the methods; its run has the default step size.
succeed "$AIT" clean $tested --noise 0.4 --seed 3 --cleaning transition --baselines validation --out single-transition
succeed "$AIT" compare $tested --noise 0.4 --seconds 0.01 --methods transition,validation --seeds 3 --out own-budget
python3 - <<'PYTHON' || fail "transition cleaning in a comparison is not what a run of its own is"
import csv, json
row = next(csv.DictReader(open("own-budget/compare.csv")))
result = json.load(open("single-transition/run.json"))["result"]
values = dict(result["ranking"]["transition"], accuracy_y=result["test_accuracy"]["transition"],
              accuracy_kept=result["test_accuracy"]["kept_by_this_run"])
for key in ("auroc", "average_precision", "f1", "precision_at_100", "accuracy_y", "accuracy_kept"):
    assert abs(float(row[key]) - values[key]) < 1e-12, (key, row[key], values[key])
contestants = json.load(open("own-budget/compare.json"))["contestants"]
assert [c["kind"] for c in contestants] == ["transition", "ranking"]
assert contestants[0]["differences"]["accuracy_kept"]["seeds"] == 1
PYTHON
succeed "$AIT" compare $tested --noise 0.4 --iterations 1 --ll-steps 1 --seeds 0 --out own-budget --force
grep -q "^  transition  *1 " out && grep -q "^  ns  *1 " out && grep -q "^  margin  *1 " out ||
  fail "the default methods: $(cat out)"

# A budget of seconds, held against another contestant than the best ranking.
succeed "$AIT" compare $tested --noise 0.4 --noise-model feature --ll-steps 5 --ll-rate 0.3 --seconds 0.2 \
  --methods rhg,validation --seeds 0 --against rhg --out timed
grep -q "40 of them mislabelled on purpose (feature noise 0.4)" out || fail "feature noise: $(cat out)"
grep -q "^Differences to rhg at" out || fail "--against rhg: $(cat out)"
python3 - <<'PYTHON' || fail "--seconds"
import csv
row = next(csv.DictReader(open("timed/compare.csv")))
assert int(row["iterations"]) >= 1 and 0.2 <= float(row["seconds"]) < 5, row
PYTHON

# Where the truth is not known, no figure that needs it; --force replaces an older comparison.
succeed "$AIT" compare $tested --iterations 3 --ll-steps 3 --ll-rate 0.3 --methods iaptt-gm,validation --seeds 0 \
  --out timed --force
grep -Eq "AUROC|P@100" out && fail "a figure that needs the truth where there is none: $(cat out)"
grep -q "acc kept" out || fail "no accuracies: $(cat out)"

# A method that diverges is told and stops no other.
"$AIT" compare $tested $budget --init-rate 1e30 --methods iaptt-gm,rhg,validation --seeds 0,1 --out diverged >out 2>err
[ $? -eq 1 ] || fail "a method that diverges: expected exit status 1"
grep -q "iaptt-gm has no result at 2 of 2 seeds; at seed 0: " out || fail "a method that diverges: $(cat out err)"
grep -q "diverged: iaptt-gm at seed 0: " err || fail "a method that diverges: $(cat err)"
[ "$(grep -c ",yes$" diverged/compare.csv)" -eq 4 ] || fail "the others: $(cat diverged/compare.csv)"

# Where transition cleaning has no place the others go on.
few="$tested --validation 4 --noise 0.4 --iterations 2 --ll-steps 2"
"$AIT" compare $few --methods transition,rhg --seeds 0 --out without --force >out 2>err
[ $? -eq 1 ] || fail "few rows: expected exit status 1"
grep -q "transition has no result at 1 of 1 seeds; at seed 0: " out || fail "few rows: $(cat out err)"
grep -q "^rhg,0,.*,yes$" without/compare.csv || fail "few rows: $(cat without/compare.csv)"
grep -q "it needs 5 or more training rows" err || fail "few rows: $(cat err)"
succeed "$AIT" compare $tested $budget --model deep:4 --methods transition,rhg --seeds 0 --out without --force
[ "$(grep -c ",yes$" without/compare.csv)" -eq 2 ] || fail "with a hidden layer: $(cat without/compare.csv)"

# A signal ends it with what there is, or with nothing where there is nothing yet.
"${heeding[@]}" "$AIT" compare $tested --noise 0.4 --ll-steps 5 --ll-rate 0.3 --methods validation,rhg --seconds 1000 \
  --seeds 0..2 --out stopped >out 2>err &
running=$!
for _ in $(seq 100); do
  sleep 0.1
  grep -q "^device" err && break
done
kill -INT $running
wait $running
[ $? -eq 130 ] || fail "a signal: expected exit status 130"
grep -q "stopped by a signal before there was any result; nothing was written" err || fail "a signal: $(cat err)"
[ ! -e stopped ] || fail "a signal before any result leaves a folder: $(ls stopped)"
"${heeding[@]}" "$AIT" compare $tested --noise 0.4 --ll-rate 0.3 --methods margin --seeds 0..999 --out stopped >out 2>err &
running=$!
for _ in $(seq 100); do
  sleep 0.1
  grep -q "^seed 0" err && break
done
kill -INT $running
wait $running
[ $? -eq 130 ] || fail "a signal: expected exit status 130"
grep -q "stopped by a signal; what there was is in stopped" err || fail "a signal: $(cat err)"
[ "$(grep -c ",yes$" stopped/compare.csv)" -ge 1 ] && [ "$(grep -c ",no$" stopped/compare.csv)" -ge 1 ] ||
  fail "a signal: $(cat stopped/compare.csv)"
grep -q '"stopped":	*true' stopped/compare.json || fail "a signal: compare.json does not say so"

compare=("$AIT" compare $tested $budget)
expect 2 "--methods: frob is neither a method" "${compare[@]}" --methods rhg,frob
expect 2 "--methods:  is neither a method" "${compare[@]}" --methods rhg,
expect 2 "--methods: rhg stands there twice" "${compare[@]}" --methods rhg,ns,rhg
expect 2 "--methods: margin stands there twice" "${compare[@]}" --methods margin,baselines
expect 2 "--against ls: is not among the --methods" "${compare[@]}" --methods rhg --against ls
expect 2 "--seconds and --iterations cannot be given together" "${compare[@]}" --seconds 1
expect 2 "--seeds 3..1: expected seeds such as 0..9" "${compare[@]}" --seeds 3..1
expect 2 "--seeds 1,1: seed 1 stands there twice" "${compare[@]}" --seeds 1,1
expect 2 "--seconds 0: expected a number above 0" "$AIT" compare $tested --seconds 0
expect 2 "give --dataset NAME, or all of --images" "$AIT" compare
expect 2 "nothing to compare methods by" "$AIT" compare $files --quiet
finish
