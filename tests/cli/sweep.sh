#!/usr/bin/env bash
# sweep.sh - several runs, of weights as one batch: every folder holds what a run of its own writes, and the table beside them.
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

# timeless FILE: without its seconds.
timeless() {
  case $1 in
    */seconds.csv) cut -d, -f1 "$1" ;;
    */run.json) sed -e '/"seconds":.*{/,/}/d' -e '/"seconds"/d' "$1" ;;
    *) cat "$1" ;;
  esac
}

# equal A B: the same run but for its seconds.
equal() {
  [ -s "$1/run.json" ] && [ "$(ls "$1")" = "$(ls "$2")" ] || fail "$1 and $2 hold other files"
  for file in $(ls "$1"); do
    cmp -s <(timeless "$1/$file") <(timeless "$2/$file") || fail "$1/$file and $2/$file differ"
  done
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
alike "$AIT" --method ls --noise-model feature
alike "$AIT" --model mlp:8 --ll-rate 5
cmp -s <(cut -d, -f4 sweep/seed-4/history.csv) <(cut -d, -f4 sweep/seed-0/history.csv) && fail "mlp: kbar is the same in both"
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

# ---- noise models, one after another, with all cheap rankings -----------------------------------------
noise_models="$own_files --train 200 --validation 50 --cleaning transition"
succeed "$AIT" clean ${noise_models/--quiet/} --out noise --seeds 4,0 --noise-rates 0.4,0.05
grep -q "^  noise-0.05-seed-0  " out && grep -q "^  spread  " out && grep -q " b.AUROC " out ||
  fail "noise models: no table: $(cat out)"
grep -q "^noise-0.4-seed-0, run 2 of 4$" err || fail "noise models: no progress: $(cat err)"
for run in 0.4-0 0.05-4; do
  succeed "$AIT" clean $noise_models --out noise-$run --noise ${run%-*} --seed ${run#*-}
  equal noise/noise-${run%-*}-seed-${run#*-} noise-$run
done
succeed "$AIT64" clean $noise_models --baselines validation --out noise64 --seeds 1..2
succeed "$AIT64" clean $noise_models --baselines validation --out noise64-2 --seed 2
equal noise64/seed-2 noise64-2
python3 - <<'PYTHON' || fail "the tables of the noise models do not hold what they should"
import csv, json, statistics
sweep = json.load(open("noise/sweep.json"))
rows = list(csv.DictReader(open("noise/sweep.csv")))
assert sweep["cleaning"] == "transition" and sweep["seconds"] > 0
assert [r["run"] for r in rows] == ["mean", "spread"] * 2 + [run["folder"] for run in sweep["runs"]] and len(rows) == 8
assert "F_kbar" not in rows[0] and "test_accuracy_z" not in rows[0]
for row, run in zip(rows[4:], sweep["runs"]):
    single = json.load(open("noise/%s/run.json" % run["folder"]))
    result, figures = single["result"], run["figures"]
    assert run["seed"] == single["settings"]["seed"] and run["noise"] == single["settings"]["noise"]
    assert run["state"] == row["state"] == "complete" and run["iterations"] == int(row["iterations"]) == 19
    arm = result["arms"][result["chosen"]]
    expected = {"held_out_cross_entropy": arm["held_out_cross_entropy"], "z": result["z"],
                "noise_rate": result["noise_rate"], "auroc": result["ranking"]["transition"]["auroc"],
                "average_precision": result["ranking"]["transition"]["average_precision"],
                "baseline_auroc": result["ranking"]["validation_only"]["auroc"],
                "best_baseline_auroc": max([result["ranking"]["validation_only"]["auroc"]] + [
                    r["figures"]["auroc"] for r in result["baselines"]["rankings"].values()]),
                "test_accuracy_transition": result["test_accuracy"]["transition"],
                "test_accuracy_kept_by_this_run": result["test_accuracy"]["kept_by_this_run"]}
    for name, value in expected.items():
        assert value is not None and figures[name] == value and abs(float(row[name]) - value) <= 1e-12, name
for i, group in enumerate(sweep["summary"]):
    members = [run["figures"] for run in sweep["runs"][2 * i : 2 * i + 2]]
    assert group["runs"] == 2 and group["noise"] == [0.4, 0.05][i]
    for name in ("z", "noise_rate", "test_accuracy_transition"):
        values = [member[name] for member in members]
        assert abs(group["mean"][name] - statistics.mean(values)) <= 1e-12, name
        assert abs(group["spread"][name] - statistics.stdev(values)) <= 1e-12, name
assert sweep["summary"][0]["mean"]["noise_rate"] > 0.3 > 0.1 > sweep["summary"][1]["mean"]["noise_rate"]
PYTHON

# The first run has no wrong labels, and the summary has words for those of the second.
succeed "$AIT" clean ${own_files/--quiet/} --train 60 --validation 50 --iterations 2 --baselines validation --out mixed \
  --noise-rates 0,0.3
grep -q "^  b.: by the baseline" out || fail "noise in the second run alone: $(cat out)"

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
"${heeding[@]}" "$AIT" clean $own_loud --out stopped --seeds 0..2 --noise 0.3 --iterations 100000000 --ll-steps 5 >out 2>err &
running=$!
for _ in $(seq 100); do
  sleep 0.1
  [ -d "/proc/$running" ] && grep -q "^SigCgt:.*[2367abef]$" "/proc/$running/status" && break
done
sleep 0.2
kill -INT $running
wait $running
status=$?
[ $status -eq 130 ] || fail "a stopped sweep: exit status $status, expected 130: $(cat err)"
for seed in 0 1 2; do
  grep -q "stopped after" stopped/seed-$seed/run.json || fail "seed $seed does not say that it was stopped"
done
[ "$(grep -c ",stopped," stopped/sweep.csv)" -eq 3 ] || fail "sweep.csv does not say that the runs were stopped"
grep -q "what there was is in stopped" err || fail "the signal was not answered: $(cat err)"

# stop_noise_models WORDS [more]: a signal as soon as the words are told; the exit status is 130.
stop_noise_models() {
  rm -rf stopped err
  "${heeding[@]}" "$AIT" clean ${noise_models/--quiet/} --baselines validation --noise 0.3 --out stopped --seeds 0..99 \
    "${@:2}" >out 2>err &
  running=$!
  while kill -0 $running 2>/dev/null && ! grep -qs "$1" err; do :; done
  kill -INT $running
  wait $running
  status=$?
  [ $status -eq 130 ] || fail "stopped noise models: exit status $status, expected 130: $(cat err)"
}
# What was through stands, the others have no folder.
stop_noise_models "^seed-1, run 2 of 100$"
done=$(grep -c ",complete," stopped/sweep.csv)
[ "$done" -ge 1 ] && [ "$(grep -c ",stopped,0," stopped/sweep.csv)" -eq $((100 - done)) ] ||
  fail "sweep.csv does not say which runs were stopped: $(cut -d, -f1-5 stopped/sweep.csv)"
[ -s stopped/seed-0/run.json ] && [ -e stopped/checkpoint.ait ] && [ "$(ls stopped | wc -l)" -eq $((done + 3)) ] || fail "the folder holds $(ls stopped)"
grep -q "^  seed-99 .* stopped: skipped, as a signal asked to stop" out || fail "the summary: $(cat out)"
grep -q "what there was is in stopped" err || fail "the signal was not answered: $(cat err)"
stop_noise_models "^seed-0, run 1 of 100$"
grep -q "stopped by SIGINT; no rows are ranked yet; go on with: ait clean --resume stopped" err ||
  fail "no result: $(cat err)"
[ "$(ls stopped)" = "checkpoint.ait" ] || fail "a sweep without any result has left $(ls stopped)"
stop_noise_models "^seed-0, run 1 of 100$" --checkpoint-every 0
grep -q "stopped by a signal before the rows were ranked; nothing was written" err || fail "no result: $(cat err)"
[ ! -e stopped ] || fail "a sweep without any result has left a folder"
finish
