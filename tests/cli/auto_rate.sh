#!/usr/bin/env bash
# auto_rate.sh - --ll-rate auto trains on features of any scale, and says what it chose.
. "$(dirname "$0")/support.bash"

# own SCALE [more]: a run on features of that scale.
own() {
  "$AIT" clean --threads 1 --images "$1-images.npy" --labels "$1-labels.npy" --val-images "$1-val-images.npy" \
    --val-labels "$1-val-labels.npy" --iterations 400 --baselines validation --out "$1-run" --force \
    "${@:2}"
}

for scale in float hundredfold hundredth; do
  make_data $scale 300 3 0.3 1 $scale
  make_data $scale-val 60 3 0 2 $scale
  succeed own $scale --ll-rate auto
  grep -Eq "LL step size [0-9.e+-]+, chosen by the largest curvature at the start" out || fail "$scale: $(cat out)"
  python3 - $scale <<'PYTHON' || fail "$scale: the run folder does not show a training"
import csv, json, sys
name = sys.argv[1]
run = json.load(open(name + "-run/run.json"))
s = run["settings"]
assert s["ll_rate_rule"] == "auto" and abs(s["ll_rate"] * s["ll_curvature"] - 1) < 1e-9, s
assert s["init_rate"] == s["ll_rate"], s
F = [float(row["F_K"]) for row in csv.DictReader(open(name + "-run/history.csv"))]
assert F[-1] < F[0] - 0.03, (F[0], F[-1])
truth = [int(line) for line in open(name + "-truth.txt")]
rows = list(csv.DictReader(open(name + "-run/suspects.csv")))
is_wrong = [truth[int(row["row"])] != int(row["given_label"]) for row in rows]
wrong = sum(is_wrong)
assert sum(is_wrong[:wrong]) >= 0.85 * wrong, (sum(is_wrong[:wrong]), wrong)
PYTHON
done
expect 1 "UL iteration 1 starts far off" own hundredfold --ll-rate 0.3 --init-rate 0.3 --quiet

succeed own float --ll-rate auto --init-rate 0.25 --quiet
grep -q '"init_rate":[[:space:]]*0.25,' float-run/run.json || fail "--init-rate beside --ll-rate auto is not kept"
succeed own float --quiet
grep -q '"ll_rate_rule":[[:space:]]*"fixed"' float-run/run.json || fail "a fixed step size is not called so"

# 1 for convex, whose second derivative in y1 is the identity; 1 / (4 sin 2) for toy at (2, 1).
succeed "$AIT64" solve convex --ll-rate auto --iterations 1
grep -q "LL step size 1, chosen by the largest curvature at the start" out || fail "convex: $(cat out)"
succeed "$AIT64" solve toy --ll-rate auto --iterations 1 --x0 2 --z0 1
grep -q "LL step size 0.275, chosen" out || fail "toy: $(cat out)"
# (1 - mu) 1 + mu 12 (0 - 1)^2 in y1 with F's share mu = 1/2.
succeed "$AIT64" solve convex --n 1 --method bda --ll-rate auto --iterations 1 --x0 0.5
grep -q "LL step size 0.154, chosen" out || fail "aggregated steps: $(cat out)"
make_data wide 60 3 0 2 hundredfold
for method in rhg bda; do
  succeed "$AIT" clean --images float-images.npy --labels float-labels.npy --val-images wide-images.npy \
    --val-labels wide-labels.npy --method $method --ll-rate auto --iterations 1 --out scales-$method
done
python3 - <<'PYTHON' || fail "aggregated steps do not see the validation rows' scale"
import json
rate = {m: json.load(open("scales-%s/run.json" % m))["settings"]["ll_rate"] for m in ("rhg", "bda")}
assert rate["bda"] < 1e-2 * rate["rhg"], rate
PYTHON
expect 1 "no curvature at the start" "$AIT" solve toy --ll-rate auto --iterations 1 --z0 0 --device cpu
finish
