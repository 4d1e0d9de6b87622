#!/usr/bin/env bash
# baseline.sh - the cheap rankings from end to end: files, figures, the same bytes for the same seed, bad input.
. "$(dirname "$0")/support.bash"

make_data train 200 3 0.3 1
make_data val 41 3 0 2
make_data mixed 41 3 0 2 float

files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy"
rank="baseline $files --ll-rate 0.3 --steps 40"

for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  succeed "$program" $rank --out "$name-1" --threads 1 --ids train-ids.txt
  grep -q "AUROC" out && fail "$name: a figure that needs the truth where there is none"
  grep -q "as many as the estimate says" out || fail "$name: no word of the estimate: $(cat out)"
  grep -q "^ranking margin" err || fail "$name: no progress: $(cat err)"
  [ "$(ls "$name-1" | tr '\n' ' ')" = "baseline.json scores.npy suspect_images.npy suspects.csv " ] || fail "$name: $(ls "$name-1")"
  succeed "$program" $rank --out "$name-2" --threads 2 --ids train-ids.txt --quiet
  [ ! -s out ] && [ ! -s err ] || fail "$name: --quiet says something"
  for file in scores.npy suspects.csv; do
    cmp -s "$name-1/$file" "$name-2/$file" || fail "$name: $file depends on the number of threads"
  done
  succeed "$program" $rank --out "$name-2" --force --seed 1 --quiet
  cmp -s "$name-1/scores.npy" "$name-2/scores.npy" && fail "$name: another seed gives the same scores"
  expect 1 "is not empty" "$program" $rank --out "$name-2" --quiet
done

python3 - <<'PYTHON' || fail "the folder does not hold what it should"
import csv, json, struct

truth = [int(line) for line in open("train-truth.txt")]
for name in ("ait", "ait64"):
    document = json.load(open(name + "-1/baseline.json"))
    result = document["result"]
    assert document["program"] == name and document["settings"]["seed"] == 0 and not result["failures"]
    kinds = ["validation", "cross-validated", "out-of-fold", "pruned", "margin"]
    assert list(result["rankings"]) == kinds
    assert abs(result["estimated_noise"] - 0.3) < 0.08, result["estimated_noise"]
    data = open(name + "-1/scores.npy", "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    scores = struct.unpack("<1000d", data[start:])
    rows = list(csv.DictReader(open(name + "-1/suspects.csv")))
    assert list(rows[0]) == ["row", "id", "given_label", "given_probability", "suggested_label",
                             "suggested_probability", "score"], list(rows[0])
    wrong = {int(r["row"]) for r in rows if truth[int(r["row"])] != int(r["given_label"])}
    assert 40 <= len(wrong) <= 80
    for column, kind in enumerate(kinds):
        ranking = result["rankings"][kind]
        assert result["scores_columns"][column] == kind and 1 <= ranking["steps"] <= 40 and "figures" not in ranking
        assert (ranking["held_out_auroc"] is None) == (kind == "margin")
        order = sorted(range(200), key=lambda i: -scores[5 * i + column])
        assert len(wrong & set(order[:len(wrong)])) >= 0.95 * len(wrong), kind
    best = kinds.index(result["best_by_held_out_auroc"])
    assert all(abs(float(r["score"]) - scores[5 * int(r["row"]) + best]) < 1e-6 for r in rows)
    assert len(wrong & {int(r["row"]) for r in rows[:len(wrong)]}) >= 0.95 * len(wrong)
PYTHON

# With noise put in there are figures, and they are those of ait clean where both have them.
succeed "$AIT" $rank --noise 0.4 --steps 300 --rankings margin,validation --out noisy
grep -q "validation rows alone .* of " out && grep -q "in-sample margin" out || fail "no figures: $(cat out)"
grep -q "cross-validated" out && fail "a ranking that was not asked for: $(cat out)"
succeed "$AIT" clean $files --ll-rate 0.3 --noise 0.4 --iterations 2 --ll-steps 2 --baselines validation --out noisy-clean
python3 - <<'PYTHON' || fail "ait baseline and ait clean disagree"
import json
ours = json.load(open("noisy/baseline.json"))["result"]["rankings"]["validation"]["figures"]
theirs = json.load(open("noisy-clean/run.json"))["result"]["ranking"]["validation_only"]
assert ours == theirs, (ours, theirs)
PYTHON
grep -q '"baselines"' noisy-clean/run.json && fail "--baselines validation makes more than that"
# All of them stand beside a run as well.
succeed "$AIT" clean $files --ll-rate 0.3 --noise 0.4 --iterations 2 --ll-steps 2 --out beside
for words in "baseline: validation rows alone" "baseline: pruned" "best cheap baseline ranks better"; do
  grep -q "$words" out || fail "rankings beside a run: no '$words' in $(cat out)"
done
python3 - <<'PYTHON' || fail "the rankings beside a run and ait baseline disagree"
import json
ours = json.load(open("noisy/baseline.json"))["result"]["rankings"]["margin"]["figures"]
theirs = json.load(open("beside/run.json"))["result"]["baselines"]["rankings"]
assert list(theirs) == ["cross-validated", "out-of-fold", "pruned", "margin"] and theirs["margin"]["figures"] == ours
PYTHON
succeed "$AIT" clean $files --ll-rate 0.3 --iterations 2 --ll-steps 2 --out beside --force
grep -q "are so too for the cheap ranking pruned" out && ! grep -q AUROC out || fail "rankings beside a run: $(cat out)"
# Beside a noise model they are the same; its run has the default step size.
succeed "$AIT" $rank --ll-rate 0.03 --noise 0.4 --steps 300 --rankings out-of-fold --out plain --quiet
for truth in "--noise 0.4" ""; do
  succeed "$AIT" clean $files $truth --cleaning transition --baselines all --out transition --force
  [ -z "$truth" ] || cp -r transition known
done
grep -q "are so too for the cheap ranking pruned" out && ! grep -q AUROC out || fail "beside a noise model: $(cat out)"
python3 - <<'PYTHON' || fail "the rankings beside a noise model and ait baseline disagree"
import json
ours = json.load(open("plain/baseline.json"))["result"]["rankings"]["out-of-fold"]
result = json.load(open("known/run.json"))["result"]
theirs = result["baselines"]["rankings"]
assert list(theirs) == ["cross-validated", "out-of-fold", "pruned", "margin"] and result["ranking"]["validation_only"]
assert theirs["out-of-fold"]["figures"] == ours["figures"], (ours, theirs)
PYTHON
expect 2 "--baselines foo: expected validation or all" "$AIT" clean $files --baselines foo

"$AIT" baseline $files --ll-rate 0.3 --out noisy-clean --force --rankings validation --quiet ||
  fail "--force does not replace a run by rankings"
[ -e noisy-clean/run.json ] && fail "--force left files of the older run"

# A ranking that cannot be made is told, and the others are there.
"$AIT" baseline --images train-images.npy --labels train-labels.npy --val-images mixed-images.npy \
  --val-labels mixed-labels.npy --ll-rate 0.3 --steps 20 --out mixed >out 2>err
[ $? -eq 1 ] || fail "rows of two types: expected exit status 1"
grep -q "mixed: ranking out-of-fold: the training rows are u8 and the validation rows f32" err || fail "$(cat err)"
grep -q "out-of-fold  *not made: the training rows are u8" out || fail "$(cat out)"
grep -q '"cross-validated"' mixed/baseline.json || fail "rows of two types: $(cat mixed/baseline.json)"

"$AIT" baseline --images train-images.npy --labels train-labels.npy --val-images mixed-images.npy \
  --val-labels mixed-labels.npy --rankings out-of-fold --out none >out 2>err
[ $? -eq 1 ] || fail "no ranking at all: expected exit status 1"
grep -q "nothing was written: ranking out-of-fold: the training rows are u8" err || fail "no ranking at all: $(cat err)"
[ ! -e none ] || fail "a folder without any ranking"

for model in deep:6 "mlp:6 --activation tanh"; do
  succeed "$AIT" $rank --model $model --noise 0.3 --out other --force --quiet
  grep -qi nan other/baseline.json other/suspects.csv && fail "--model $model: NaN in the results"
done

expect 2 "--rankings margin,margin: margin stands there twice" "$AIT" $rank --rankings margin,margin
succeed "$AIT" $rank --noise 0.4 --noise-model feature --steps 20 --rankings margin --out alone
grep -q "80 of them mislabelled on purpose (feature noise 0.4)" out || fail "feature noise: $(cat out)"
grep -q "margin (used)" out && grep -q '"best_by_held_out_auroc":.*null' alone/baseline.json ||
  fail "a ranking that no validation row judged: $(cat out)"
expect 2 "--rankings foo: expected validation, cross-validated, out-of-fold, pruned or margin" "$AIT" $rank \
  --rankings validation,foo
expect 2 "--rankings : expected validation" "$AIT" $rank --rankings margin,
expect 2 "--steps 0: expected a whole number, 1 or more" "$AIT" $rank --steps 0
succeed "$AIT" $rank --ll-rate auto --rankings validation --out automatic --quiet
expect 2 "--ll-rate 0: expected a number above 0" "$AIT" $rank --ll-rate 0
expect 2 "foo is no option" "$AIT" $rank foo
expect 2 "give --dataset NAME, or all of --images" "$AIT" baseline
expect 1 "absent.npy" "$AIT" baseline --images absent.npy --labels train-labels.npy --val-images val-images.npy \
  --val-labels val-labels.npy
finish
