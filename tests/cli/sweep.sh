#!/usr/bin/env bash
# sweep.sh - several runs as one batch: every folder holds what a run of its own writes, and the table beside them.
. "$(dirname "$0")/support.bash"

make_data train 300 3 0 1
make_data val 60 3 0 2
make_data test 90 3 0 3
own_files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
           --test-images test-images.npy --test-labels test-labels.npy --threads 2 --quiet"

# own PROGRAM OUT [more]: rows drawn by seed, so that every seed has its own.
own() {
  local program=$1 out=$2
  shift 2
  "$program" clean $own_files --out "$out" --train 200 --validation 50 --iterations 12 --ll-steps 9 --ll-rate 0.3 \
    --baselines validation "$@"
}

# equal A B: the same run but for its seconds.
equal() {
  for file in weights.npy y.npy z.npy scores.npy suspects.csv; do
    cmp -s "$1/$file" "$2/$file" || fail "$1/$file and $2/$file differ"
  done
  cmp -s <(cut -d, -f1,3- "$1/history.csv") <(cut -d, -f1,3- "$2/history.csv") || fail "the histories of $1, $2 differ"
  cmp -s <(sed '/"seconds"/,$d' "$1/run.json") <(sed '/"seconds"/,$d' "$2/run.json") || fail "$1/run.json, $2/run.json differ"
  [ "$(ls "$1")" = "$(ls "$2")" ] || fail "$1 and $2 hold other files"
}

# ---- every folder is what a run of its own comes to --------------------------------------------------
# Steps so large that every run has a kbar of its own.
succeed own "$AIT" first --ll-rate 10 --seeds 4,0..1 --noise-rates 0.4,0.05
for noise in 0.4 0.05; do
  for seed in 4 0 1; do
    succeed own "$AIT" one-$noise-$seed --ll-rate 10 --seed $seed --noise $noise
    equal first/noise-$noise-seed-$seed one-$noise-$seed
  done
done
[ "$(ls first | wc -l)" -eq 8 ] || fail "the sweep holds $(ls first)"

# alike PROGRAM [options]: two seeds at once, and one by one.
alike() {
  local program=$1
  shift
  rm -rf sweep one-*
  succeed own "$program" sweep --seeds 4,0 --noise 0.4 "$@"
  for seed in 4 0; do
    succeed own "$program" one-$seed --seed $seed --noise 0.4 "$@"
    equal sweep/seed-$seed one-$seed
  done
}
alike "$AIT" --model deep:7 --score gradient
alike "$AIT" --method ia-gm-a --score weight
alike "$AIT" --method ls
alike "$AIT" --model mlp:8 --ll-rate 5
cmp -s <(cut -d, -f5 sweep/seed-4/history.csv) <(cut -d, -f5 sweep/seed-0/history.csv) && fail "mlp: kbar is the same in both"
alike "$AIT64" --model mlp:8,6 --activation tanh --method ia-gm-a --init-optimizer adam
python3 - <<'PYTHON' || fail "the tables of the sweep do not hold what they should"
import csv, json, statistics
sweep = json.load(open("first/sweep.json"))
rows = list(csv.DictReader(open("first/sweep.csv")))
assert [r["run"] for r in rows[:4]] == ["mean", "spread"] * 2
assert [r["folder"] for r in sweep["runs"]] == [r["run"] for r in rows[4:]] and len(sweep["runs"]) == 6
kbars = set()
for i, run in enumerate(sweep["runs"]):
    single = json.load(open("first/%s/run.json" % run["folder"]))
    assert run["seed"] == single["settings"]["seed"] and run["noise"] == single["settings"]["noise"]
    assert run["state"] == rows[4 + i]["state"] == "complete" and run["iterations"] == 12
    ours, theirs = (single["result"]["ranking"][name] for name in ("classifier", "validation_only"))
    figures = run["figures"]
    for name in ("auroc", "average_precision", "f1", "precision_at_100"):
        assert figures[name] == ours[name]
    assert figures["baseline_auroc"] == theirs["auroc"]
    accuracy = single["result"]["test_accuracy"]
    assert figures["test_accuracy_y"] == accuracy["y"] and figures["test_accuracy_kept_by_this_run"] == accuracy["kept_by_this_run"]
    for name, figure in figures.items():
        cell = rows[4 + i][name]
        assert cell == "" if figure is None else abs(float(cell) - figure) <= 1e-14, name
    kbars.add(tuple(h["kbar"] for h in csv.DictReader(open("first/%s/history.csv" % run["folder"]))))
assert len(kbars) > 1, "kbar is the same in all runs, so that nothing tells the entries of the batch apart"
for i, group in enumerate(sweep["summary"]):
    members = [run["figures"] for run in sweep["runs"][3 * i : 3 * i + 3]]
    assert group["runs"] == 3 and group["noise"] == [0.4, 0.05][i]
    for name, mean in group["mean"].items():
        values = [member[name] for member in members]
        if None in values:
            assert mean is None and group["spread"][name] is None, name
            continue
        assert abs(mean - statistics.mean(values)) <= 1e-12, name
        assert abs(group["spread"][name] - statistics.stdev(values)) <= 1e-12, name
        assert abs(float(rows[2 * i][name]) - mean) + abs(float(rows[2 * i + 1][name]) - group["spread"][name]) <= 1e-12
PYTHON

# With --ll-rate auto the batch takes the smallest of the steps that its runs would choose.
succeed own "$AIT" auto --seeds 4,0 --noise 0.4 --ll-rate auto
for seed in 4 0; do
  succeed own "$AIT" auto-$seed --seed $seed --noise 0.4 --ll-rate auto
done
python3 - <<'PYTHON' || fail "--ll-rate auto: the step size of a sweep"
import json
rates = [json.load(open(f + "/run.json"))["settings"]["ll_rate"] for f in ("auto-4", "auto-0", "auto/seed-4", "auto/seed-0")]
assert rates[0] != rates[1] and rates[2] == rates[3] == min(rates[:2]), rates
PYTHON

# ---- labels as they are, all rows; what a user sees --------------------------------------------------
own_loud="--baselines validation ${own_files/--quiet/}"
succeed "$AIT" clean ${own_loud%%--test-images*} --threads 2 --seeds 3..5 --out loud --iterations 20 --ll-steps 5 --ids train-ids.txt
[ "$(ls loud | tr '\n' ' ')" = "seed-3 seed-4 seed-5 sweep.csv sweep.json " ] || fail "the folder holds $(ls loud)"
grep -q "^  seed-4  " out && grep -q "^  mean  " out && grep -q "^  spread  " out || fail "no table: $(cat out)"
grep -q "AUROC" out && fail "a figure that needs the truth where there is none: $(cat out)"
grep -q "iteration 20/20  mean of 3 runs: F " err || fail "no progress of all runs: $(cat err)"
[ "$(wc -l <err)" -le 12 ] || fail "more than about ten lines of progress: $(cat err)"
succeed "$AIT" clean ${own_loud%%--test-images*} --threads 1 --seed 4 --out four --iterations 20 --ll-steps 5 --ids train-ids.txt --quiet
cmp -s loud/seed-4/suspects.csv four/suspects.csv || fail "ids: seed 4 of the sweep is not the single run"

# ---- the folder ----------------------------------------------------------------------------------------
expect 1 "exists and is not empty" own "$AIT" first --seeds 0..1
succeed own "$AIT" first --seeds 0..1 --force
[ "$(ls first | tr '\n' ' ')" = "seed-0 seed-1 sweep.csv sweep.json " ] || fail "--force left $(ls first)"
succeed own "$AIT" first --force
[ ! -e first/sweep.json ] && [ ! -e first/seed-0 ] && [ -s first/run.json ] || fail "a run in a sweep's place: $(ls first)"
succeed own "$AIT" first --seeds 0..1 --force
mkdir first/mine
expect 1 "holds mine, which no run has written" own "$AIT" first --seeds 2 --force
rmdir first/mine
touch first/seed-1/notes.txt
expect 1 "holds seed-1, which no run has written" own "$AIT" first --seeds 2 --force
[ -e first/seed-1/notes.txt ] || fail "--force has removed a file that is not ours"
ls -d ./*partial* 2>/dev/null && fail "partial folders are left"

# ---- bad input -----------------------------------------------------------------------------------------
expect 2 "--seeds 5..2: expected seeds such as" own "$AIT" none --seeds 5..2
expect 2 "seed 3 stands there twice" own "$AIT" none --seeds 3,1..4
expect 2 "--noise-rates 0.1,,0.2: expected rates" own "$AIT" none --noise-rates 0.1,,0.2
expect 2 "--noise-rates 0.1,1.5: expected rates from 0 to 1" own "$AIT" none --noise-rates 0.1,1.5
expect 2 "rate 0.1 stands there twice" own "$AIT" none --noise-rates 0.1,0.2,1e-1
expect 2 "--noise and --noise-rates" own "$AIT" none --noise 0.1 --noise-rates 0.2
expect 2 "--seed and --seeds" own "$AIT" none --seed 0 --seeds 0..1
expect 2 "--seeds goes with --cleaning weights" "$AIT" clean $own_files --out none --cleaning transition --seeds 0..1
expect 2 "--seeds makes a batch of runs, but the finite differences of --method one-stage" "$AIT" clean $own_files \
  --out none --method one-stage --seeds 0..1
expect 2 "expected at most 1000 runs" own "$AIT" none --seeds 0..600 --noise-rates 0.1,0.2
expect 2 "all 2 runs: --train 500: there are 300 rows" own "$AIT" none --seeds 0..1 --train 500
expect 2 "seed-4: --train 500: there are 300 rows" own "$AIT" none --seeds 4 --train 500
expect 1 "all 3 runs: none-ids.txt: " own "$AIT" none --seeds 0..2 --ids none-ids.txt
[ ! -e none ] || fail "a refused sweep has left a folder"

# ---- a run that diverges, as it drew a row of enormous features, leaves the others alone -----------------
make_data spiked 300 3 0 1 float
make_data plain 60 3 0 2 float
python3 - <<'PYTHON'
import struct
data = bytearray(open("spiked-images.npy", "rb").read())
start = 10 + struct.unpack("<H", data[8:10])[0]
values = struct.unpack_from("<20f", data, start)
struct.pack_into("<20f", data, start, *[1e9 * value for value in values])
open("spiked-images.npy", "wb").write(data)
PYTHON
# spiked OUT [more]
spiked() {
  local out=$1
  shift
  "$AIT" clean --images spiked-images.npy --labels spiked-labels.npy --val-images plain-images.npy \
    --val-labels plain-labels.npy --train 150 --iterations 8 --ll-steps 5 --threads 2 --quiet --baselines validation \
    --out "$out" "$@"
}
diverged=""
for seed in 0 1 2 3 4 5; do
  spiked alone-$seed --seed $seed >out 2>err || diverged="$diverged $seed"
done
count=$(wc -w <<<"$diverged")
[ "$count" -ge 1 ] && [ "$count" -le 5 ] || fail "of six runs $count diverged: the test needs some of both"
first=$(awk '{ print $1 }' <<<"$diverged")
expect 1 "$count of 6 runs diverged and have no folder in spiked; seed-$first: " spiked spiked --seeds 0..5
for seed in 0 1 2 3 4 5; do
  if [ -d alone-$seed ]; then
    equal spiked/seed-$seed alone-$seed
  else
    [ ! -e spiked/seed-$seed ] || fail "seed $seed diverged and has a folder"
    grep -q "^seed-$seed,$seed,,diverged,0," spiked/sweep.csv || fail "sweep.csv does not say that seed $seed diverged"
    expect 1 "$(python3 -c "
import json
print(json.load(open('spiked/sweep.json'))['runs'][$seed]['failure'])")" spiked none --seed $seed
  fi
done
expect 1 "all 3 runs diverged; seed-2: " spiked none --seeds 0..2 --ll-rate 1e9
[ ! -e none ] || fail "a sweep that diverged as a whole has left a folder"

# ---- a signal ends all runs ------------------------------------------------------------------------------
"$AIT" clean $own_loud --out stopped --seeds 0..2 --noise 0.3 --iterations 100000000 --ll-steps 5 >out 2>err &
running=$!
for _ in $(seq 100); do
  sleep 0.1
  [ -d "/proc/$running" ] && grep -q "^SigCgt:.*[2367abef]$" "/proc/$running/status" && break
done
sleep 0.2
kill -INT $running
wait $running
status=$?
[ $status -eq 1 ] || fail "a stopped sweep: exit status $status, expected 1: $(cat err)"
for seed in 0 1 2; do
  grep -q "stopped after" stopped/seed-$seed/run.json || fail "seed $seed does not say that it was stopped"
done
[ "$(grep -c ",stopped," stopped/sweep.csv)" -eq 3 ] || fail "sweep.csv does not say that the runs were stopped"
grep -q "what there was is in stopped" err || fail "the signal was not answered: $(cat err)"
finish
