#!/usr/bin/env bash
# clean.sh - runs from end to end on small data: files, figures, the same bytes for the same seed.
. "$(dirname "$0")/support.bash"

make_data train 300 3 0.3 1
make_data val 60 3 0 2
make_data test 90 3 0 3
make_data mixed 60 3 0 2 float

own_files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy"

# own PROGRAM OUT [more]: without the cheap rankings, which baseline.sh looks at.
own() {
  local program=$1 out=$2
  shift 2
  "$program" clean $own_files --out "$out" --iterations 30 --ll-steps 10 --ll-rate 0.3 \
    --baselines validation "$@"
}

# same A B [except FILE...]: equal bytes in every file but those with durations.
same() {
  for file in weights.npy y.npy z.npy scores.npy suspects.csv history.csv; do
    cmp -s "$1/$file" "$2/$file" || fail "$1/$file and $2/$file differ"
  done
}

# finite FILE...: every number of the .npy files is finite; pictures have bytes.
finite() {
  python3 - "$@" <<'PYTHON'
import math, struct, sys
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    if b"|u1" in data[:start]:
        continue
    size, code = (8, "d") if b"<f8" in data[:start] else (4, "f")
    assert size == 8 or b"<f4" in data[:start], path
    values = struct.unpack("<%d%s" % ((len(data) - start) // size, code), data[start:])
    assert values and all(map(math.isfinite, values)), path
PYTHON
}

# ---- a term that shrinks the weights --------------------------------------------------------------
succeed own "$AIT" lq --lq-weight 0.2 --model deep:6 --method rhg --threads 1
grep -qF "0.2 (||W||^2 + 0.1^2)^(0.5/2) is added" out || fail "--lq-weight is not told of: $(cat out)"
succeed own "$AIT" no-lq --model deep:6 --method rhg --threads 1 --quiet
python3 - <<'PYTHON' || fail "--lq-weight does not shrink the weights"
import json, struct
def norm(path):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    y = struct.unpack("<%df" % ((len(data) - start) // 4), data[start:])
    return sum(w * w for w in y[:120]), sum(w * w for w in y[126:144])
assert all(a < 0.8 * b for a, b in zip(norm("lq/y.npy"), norm("no-lq/y.npy"))), (norm("lq/y.npy"), norm("no-lq/y.npy"))
settings = json.load(open("lq/run.json"))["settings"]
assert (settings["lq_weight"], settings["lq_q"], settings["lq_epsilon"]) == (0.2, 0.5, 0.1), settings
assert "lq_weight" not in json.load(open("no-lq/run.json"))["settings"]
PYTHON

# ---- a trajectory that does not fit into memory ----------------------------------------------------
for method in "iaptt-gm" "ia-gm-a" "t-rhg --last-steps 8" "bda"; do
  succeed own "$AIT" all-states --method $method --model deep:6 --threads 1 --quiet --force
  succeed own "$AIT" some-states --method $method --model deep:6 --threads 2 --memory 5K --force
  grep -qE "^trajectory: 1 state in [0-9]+ is kept, [0-9]+ are in memory at a time, [0-9.]+ KiB; up to [0-9]+ LL" err ||
    fail "$method: the plan of the trajectory is not told: $(cat err)"
  same all-states some-states
done
python3 - <<'PYTHON' || fail "run.json lacks the plan of the trajectory"
import json
whole, part = (json.load(open(path + "-states/run.json")) for path in ("all", "some"))
m = whole["trajectory"]["bytes"] // 11
assert whole["settings"]["memory"] is None and part["settings"]["memory"] == 5120
assert whole["trajectory"] == {"every": 10, "states": 11, "recomputed_steps": 0, "bytes": 11 * m}, whole["trajectory"]
plan = part["trajectory"]
assert 1 < plan["every"] < 10 and plan["recomputed_steps"] > 0, plan
assert plan["bytes"] == plan["states"] * m <= 5120 < whole["trajectory"]["bytes"], plan
PYTHON
succeed own "$AIT" no-states --method ls --memory 5K
grep -q "^no trajectory is stored: the hyper-gradient looks at y_K alone" err || fail "ls: no plan: $(cat err)"
expect 2 "takes at least" own "$AIT" too-little --method rhg --memory 99 --device cpu
grep -q "ait: --memory 99: .* give --memory as much, or lower --ll-steps or the classifier (--model)" err ||
  fail "--memory 99: $(cat err)"
[ ! -e too-little ] || fail "a refused run left a folder"

# ---- own files, truth unknown --------------------------------------------------------------------
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  succeed own "$program" "$name-1" --threads 1 --ids train-ids.txt
  [ -s out ] || fail "$name: no summary"
  grep -q "AUROC" out && fail "$name: a figure that needs the truth where there is none"
  grep -q "iteration 30/30" err || fail "$name: no progress lines: $(cat err)"
  [ "$(wc -l <err)" -le 12 ] || fail "$name: more than about ten lines of progress"
  [ "$(ls "$name-1" | sort | tr '\n' ' ')" = "history.csv run.json scores.npy seconds.csv suspect_images.npy suspects.csv weights.npy y.npy z.npy " ] ||
    fail "$name: the run folder holds $(ls "$name-1")"
  succeed own "$program" "$name-again" --threads 1 --ids train-ids.txt --quiet
  [ ! -s out ] && [ ! -s err ] || fail "$name: --quiet says something"
  same "$name-1" "$name-again"
  succeed own "$program" "$name-2" --threads 2 --ids train-ids.txt --quiet
  same "$name-1" "$name-2"
  succeed own "$program" "$name-seed" --threads 1 --seed 1 --quiet
  cmp -s "$name-1/y.npy" "$name-seed/y.npy" && fail "$name: another seed gives the same y"
done

python3 - "$folder" <<'EOF' || fail "the run folder does not hold what it should"
import csv, json, struct, sys

def floats(path, code):
    data = open(path, "rb").read()
    size = struct.unpack("<H", data[8:10])[0]
    assert code in data[10:10 + size].decode(), path
    body = data[10 + size:]
    return struct.unpack("<%d%s" % (len(body) // {"f4": 4, "f8": 8}[code], {"f4": "f", "f8": "d"}[code]), body)

truth = [int(line) for line in open("train-truth.txt")]
for name, code in (("ait", "f4"), ("ait64", "f8")):
    rows = list(csv.DictReader(open(name + "-1/suspects.csv")))
    assert list(rows[0]) == ["row", "id", "given_label", "given_probability", "suggested_label",
                             "suggested_probability", "weight", "score"], list(rows[0])
    assert sorted(int(r["row"]) for r in rows) == list(range(300))
    assert all(r["id"] == 'photo "%s", left' % r["row"] for r in rows)
    scores = [float(r["score"]) for r in rows]
    assert scores == sorted(scores, reverse=True)
    wrong = sum(truth[int(r["row"])] != int(r["given_label"]) for r in rows)
    found = sum(truth[int(r["row"])] != int(r["given_label"]) for r in rows[:wrong])
    assert 60 <= wrong <= 120 and found >= 0.95 * wrong, (found, wrong)
    suggested = sum(truth[int(r["row"])] == int(r["suggested_label"]) for r in rows)
    assert suggested >= 285, suggested
    weights, table = floats(name + "-1/weights.npy", code), floats(name + "-1/scores.npy", "f8")
    assert len(weights) == 300 and len(table) == 900
    for r in rows:
        i = int(r["row"])
        assert abs(float(r["weight"]) - weights[i]) < 1e-6
        assert abs(float(r["score"]) - table[3 * i]) < 1e-6
        assert abs(1 - float(r["given_probability"]) - table[3 * i]) < 1e-6
        assert abs(1 - weights[i] - table[3 * i + 1]) < 1e-6
    assert len(floats(name + "-1/y.npy", code)) == len(floats(name + "-1/z.npy", code)) == 63
    run = json.load(open(name + "-1/run.json"))
    assert run["program"] == name and run["settings"]["seed"] == 0 and run["settings"]["ll_rate"] == 0.3
    assert run["result"]["iterations"] == 30 and not run["result"]["stopped"] and "ranking" not in run["result"]
    assert sum(run["result"]["kbar_counts"].values()) == 30
    history = list(csv.DictReader(open(name + "-1/history.csv")))
    assert [int(h["t"]) for h in history] == list(range(1, 31))
    assert all(1 <= int(h["kbar"]) <= 10 and float(h["F_kbar"]) >= float(h["F_K"]) for h in history)
    assert all(h["auroc"] == "" for h in history)
    seconds = [float(s["seconds"]) for s in csv.DictReader(open(name + "-1/seconds.csv"))]
    assert len(seconds) == 30 and seconds == sorted(seconds) and seconds[0] > 0
EOF

# ---- own files with noise put in, and test rows ----------------------------------------------------
truth_known="--noise 0.4 --test-images test-images.npy --test-labels test-labels.npy --threads 1"
for options in "" "--noise-model pair" "--noise-model paper --protocol paper" "--method rhg" "--method t-rhg" \
  "--method ls --cg-iterations 4 --cg-damping 0.01" "--method ls --cg-preconditioner diagonal" \
  "--method ls --mapping l-bfgs --ll-tolerance 0.01 --ll-steps 40 --cg-damping 0.001" "--method ns --neumann-terms 3" \
  "--method one-stage --ll-steps 1" "--method ait --prior ait-1/y.npy" "--method ia-gm --prior-weight 0.2 --prior zero" \
  "--method bda" "--mapping proximal --prox l1 --prox-weight 0.001 --nesterov yes --initialisation warm" \
  "--method ia-gm" "--method ia-gm-a" "--model deep:6" "--model mlp:8,6" "--model mlp:8 --activation tanh" \
  "--score weight" "--score gradient --noise-model feature" "--ul-optimizer sgd --ul-rate 10 --init-optimizer adam"; do
  rm -rf noisy
  succeed own "$AIT" noisy $truth_known $options
  grep -q "AUROC" out && grep -q "validation rows alone" out || fail "$options: no figures beside the baseline's: $(cat out)"
  [ "$(wc -l <out)" -le 36 ] || fail "$options: the summary has $(wc -l <out) lines"
  grep -qi "nan" out noisy/*.csv noisy/*.json && fail "$options: NaN in the results"
  finite noisy/{weights,y,z,scores}.npy || fail "$options: numbers that are not finite in the arrays"
done
expect 1 "--prior val-labels.npy: it holds 60 x 1 numbers; expected the 63 variables of the LL problem" \
  own "$AIT" refused --method ait --prior val-labels.npy --quiet
[ ! -e refused ] || fail "a prior of another size left a run folder"
head -n 1 noisy/suspects.csv | grep -q ",true_label$" || fail "suspects.csv does not show the truth that is known"

# Validation rows of another type than the training rows: the run stands, without the classifiers that want
# both under each other.
succeed "$AIT" clean --images train-images.npy --labels train-labels.npy --val-images mixed-images.npy \
  --val-labels mixed-labels.npy --test-images test-images.npy --test-labels test-labels.npy --out mixed --iterations 5 \
  --ll-steps 5 --train 200 --validation 50 --test 80 --threads 1 --baselines validation
grep -q "all rows as given + validation rows: not trained: the training rows are u8 and the validation rows f32" out ||
  fail "rows of two types: $(cat out)"
python3 - <<'EOF' || fail "rows of two types: run.json"
import json
result = json.load(open("mixed/run.json"))["result"]
sentence = "the training rows are u8 and the validation rows f32"
assert result["side_failures"] == dict.fromkeys(["all_rows_as_given", "kept_by_this_run", "kept_by_baseline"], sentence)
assert list(result["side_classifiers"]) == ["validation_only"]
assert result["test_accuracy"]["validation_only"] > 0.5 and result["test_accuracy"]["kept_by_this_run"] is None
EOF
[ "$(wc -l <mixed/suspects.csv)" -eq 201 ] || fail "--train 200 gave $(wc -l <mixed/suspects.csv) lines"

# One validation row cannot train the baseline, and the run stands.
make_data some 20 2 0 4 second
make_data one 1 2 0 5 second
succeed "$AIT" clean --images some-images.npy --labels some-labels.npy --val-images one-images.npy \
  --val-labels one-labels.npy --test-images some-images.npy --test-labels some-labels.npy --out one --iterations 3 \
  --ll-steps 3 --threads 1
grep -q "validation rows alone: not trained: a classifier needs at least 2 rows" out || fail "one validation row: $(cat out)"
grep -q "rows kept by the baseline + validation rows: not trained: without the classifier" out ||
  fail "one validation row: $(cat out)"
grep -q '"validation_only":.*at least 2 rows' one/run.json || fail "one validation row: $(cat one/run.json)"

# ---- a signal ends the run with what there is ------------------------------------------------------
"${heeding[@]}" "$AIT" clean $own_files --out stopped --iterations 100000000 --ll-steps 10 --threads 1 >out 2>err &
running=$!
for _ in $(seq 100); do
  sleep 0.1
  [ -d "/proc/$running" ] && grep -q "^SigCgt:.*[2367abef]$" "/proc/$running/status" && break
done
sleep 0.2
kill -INT $running
wait $running
status=$?
[ $status -eq 130 ] || fail "a stopped run: exit status $status, expected 130"
grep -q "stopped after" stopped/run.json || fail "run.json does not say that the run was stopped"
grep -q "STOPPED" out || fail "the summary does not say that the run was stopped"
grep -q "validation rows alone: not trained: skipped" out || fail "the summary does not say what was skipped"
grep -q "second Ctrl-C" err || fail "the signal was not answered at once: $(cat err)"
[ "$(wc -l <stopped/suspects.csv)" -eq 301 ] || fail "the stopped run is not whole"

# ---- a signal while the classifiers beside the run train skips those left --------------------------
make_data big 3000 3 0.3 6
"${heeding[@]}" "$AIT" clean --images big-images.npy --labels big-labels.npy --val-images big-images.npy --val-labels big-labels.npy \
  --test-images test-images.npy --test-labels test-labels.npy --model mlp:64 --out beside --iterations 1 --ll-steps 2 \
  --threads 1 >out 2>err &
running=$!
for _ in $(seq 600); do
  grep -q "training the classifiers beside the run" err && break
  sleep 0.02
done
kill -INT $running
wait $running
status=$?
[ $status -eq 130 ] || fail "a signal beside the run: exit status $status, expected 130"
grep -q '"stopped":.*false' beside/run.json || fail "the iterations count as stopped"
grep -q "rows kept by the baseline + validation rows: not trained: skipped, as a signal asked to stop" out ||
  fail "the summary does not say what was skipped: $(cat out)"
# ---- noise models ----------------------------------------------------------------------------------
make_data few 4 3 0 2
transition="$own_files --cleaning transition --baselines validation --all-suspects"
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")-transition
  for threads in 1 2; do
    succeed "$program" clean $transition --out "$name-$threads" --ids train-ids.txt --threads $threads
    grep -q "Noise models" out && grep -q "z = " out || fail "$name: no figures of both noise models: $(cat out)"
    grep -q "AUROC" out && fail "$name: a figure that needs the truth where there is none"
  done
  [ "$(ls "$name-1" | sort | tr '\n' ' ')" = "calibration.csv history.csv run.json scores.npy suspect_images.npy suspects.csv weights.npy y.npy " ] ||
    fail "$name: the run folder holds $(ls "$name-1")"
  for file in weights.npy y.npy scores.npy suspects.csv calibration.csv history.csv; do
    cmp -s "$name-1/$file" "$name-2/$file" || fail "$name: $file depends on the number of threads"
  done
  finite "$name-1"/*.npy || fail "$name: numbers that are not finite in the arrays"
  python3 - "$name-1" <<'PYTHON' || fail "$name: the run folder does not hold what it should"
import csv, json, math, sys
truth = [int(line) for line in open("train-truth.txt")]
rows = list(csv.DictReader(open(sys.argv[1] + "/suspects.csv")))
wrong = sum(truth[int(r["row"])] != int(r["given_label"]) for r in rows)
found = sum(truth[int(r["row"])] != int(r["given_label"]) for r in rows[:wrong])
assert found >= 0.95 * wrong, (found, wrong)
assert sum(truth[int(r["row"])] == int(r["suggested_label"]) for r in rows) >= 285
result = json.load(open(sys.argv[1] + "/run.json"))["result"]
assert abs(result["noise_rate"] - wrong / 300) < 0.05, result["noise_rate"]
assert result["arms"]["symmetric"]["ul_iterations"] == 10 and result["arms"]["full"]["ul_iterations"] == 9
for name, arm in result["arms"].items():
    is_model = name in ("symmetric", "full")
    assert all(abs(sum(row) - 1) < 1e-9 for row in arm["noise_model"])
    assert arm["lambda"] is None if name == "mean" else 0 < arm["lambda"] < 10
    assert (arm["path"] != []) == is_model == (arm["dependence_z"] is not None)
    assert not is_model or abs(math.exp(arm["path"][-1][0]) / arm["lambda"] - 1) < 1e-12
path = result["arms"]["symmetric"]["path"]
assert [len(point) for point in path] == [3] * 11 and path[-1][-1] < path[0][-1], path
assert [len(point) for point in result["arms"]["full"]["path"]] == [2] * 11
model = "full" if result["z"] > 4 else "symmetric"
assert result["likelier"] == result["chosen"] == model and result["arms"][model]["dependence_z"] < 4
PYTHON
done
for options in "--noise-model pair" "--noise-model symmetric --force"; do
  succeed "$AIT" clean $transition $truth_known --out noisy-transition $options
  grep -q "AUROC" out && grep -q "validation rows alone" out || fail "$options: no figures beside the baseline's: $(cat out)"
  grep -q "trained on rows kept by this run" out || fail "$options: no accuracy after retraining: $(cat out)"
  grep -qi "nan" out noisy-transition/*.csv noisy-transition/*.json && fail "$options: NaN in the results"
done
# Features of any scale: the same ranking, for a power of two the same bits, and y.npy is for the rows as they are.
for scale in float fourfold hundredfold hundredth; do
  make_data scaled 300 3 0.3 1 $scale
  make_data scaled-val 60 3 0 2 $scale
  succeed "$AIT" clean --images scaled-images.npy --labels scaled-labels.npy --val-images scaled-val-images.npy \
    --val-labels scaled-val-labels.npy --cleaning transition --baselines validation --out "scaled-$scale"
done
for file in scores.npy weights.npy suspects.csv; do
  cmp -s scaled-float/$file scaled-fourfold/$file || fail "features four times as large: another $file"
done
python3 - <<'PYTHON' || fail "features of another scale are ranked otherwise"
import csv, json, math, struct
truth = [int(line) for line in open("scaled-truth.txt")]
wrong = sum(truth[int(r["row"])] != int(r["given_label"]) for r in csv.DictReader(open("scaled-float/suspects.csv")))
def most_suspect(scale):
    return {r["row"] for r in list(csv.DictReader(open(f"scaled-{scale}/suspects.csv")))[:wrong]}
def classifier(scale):
    data = open(f"scaled-{scale}/y.npy", "rb").read()
    return struct.unpack("<60f", data[10 + struct.unpack("<H", data[8:10])[0]:][:240])
for scale in ("hundredfold", "hundredth"):
    assert len(most_suspect(scale) & most_suspect("float")) >= 0.97 * wrong, scale
assert classifier("float") == tuple(4 * w for w in classifier("fourfold"))
factors = {s: json.load(open(f"scaled-{s}/run.json"))["result"]["feature_factor"] for s in ("float", "fourfold")}
assert factors["float"] == 4 * factors["fourfold"] and math.log2(factors["float"]).is_integer(), factors
PYTHON
# Errors that depend on what a row looks like fit no noise model, and make validation rows less likely.
make_data right 300 3 0 1
for noise in symmetric feature; do
  succeed "$AIT" clean --images right-images.npy --labels right-labels.npy --val-images val-images.npy \
    --val-labels val-labels.npy --baselines validation --noise 0.4 --noise-model $noise --out "told-$noise"
done
python3 - <<'PYTHON' || fail "not the arms that were expected"
import json
chosen = {noise: json.load(open(f"told-{noise}/run.json"))["result"] for noise in ("symmetric", "feature")}
assert [chosen[noise]["chosen"] for noise in chosen] == ["symmetric", "validation"], chosen
assert chosen["feature"]["ranking"]["transition"]["auroc"] > 0.99 and not chosen["symmetric"]["warnings"]
PYTHON
grep -q "WARNING: with the training rows, validation rows left out are predicted worse" out || fail "no warning: $(cat out)"
succeed "$AIT" clean $transition $truth_known --noise 1 --out all-wrong
grep -qi "nan" out && fail "noise 1: NaN in the summary: $(cat out)"
# A network with a hidden layer where no linear classifier helps; y.npy holds it for the rows as they are.
make_data twofold 200 2 0.3 4 twofold
make_data clean-twofold 40 2 0 5 twofold
for model in linear mlp:8; do
  succeed "$AIT" clean --images twofold-images.npy --labels twofold-labels.npy --val-images clean-twofold-images.npy \
    --val-labels clean-twofold-labels.npy --cleaning transition --baselines validation --all-suspects --model $model --out "twofold-$model"
  grep -q "transition cleaning, $model classifier" out || fail "$model: the summary names another classifier: $(cat out)"
done
# F of a path is that of the LL solutions: held-out cross-entropy and the prior of lambda.
python3 - <<'PYTHON' || fail "hidden layers: a path holds another F than that of the solutions"
import json, math
for model, start in (("linear", 0.002), ("mlp:8", 0.01)):
    for name in ("symmetric", "full"):
        arm = json.load(open(f"twofold-{model}/run.json"))["result"]["arms"][name]
        prior = math.log(arm["lambda"] / start) ** 2 / 40
        assert abs(arm["path"][-1][-1] - arm["held_out_cross_entropy"] - prior) < 1e-5, (model, name, arm["path"])
PYTHON
python3 - <<'PYTHON' || fail "hidden layers: wrong labels are not ranked as expected, or y.npy predicts other labels"
import csv, struct
def numbers(path, code):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack("<%d%s" % ((len(data) - start) // struct.calcsize(code), code), data[start:])
def auroc(folder):
    truth = [int(line) for line in open("twofold-truth.txt")]
    wrong = [truth[int(r["row"])] != int(r["given_label"]) for r in csv.DictReader(open(folder + "/suspects.csv"))]
    below, pairs = 0, 0
    for is_wrong in reversed(wrong):
        pairs += below if is_wrong else 0
        below += not is_wrong
    return pairs / (below * (len(wrong) - below))
assert auroc("twofold-linear") < 0.7 and auroc("twofold-mlp:8") > 0.95, (auroc("twofold-linear"), auroc("twofold-mlp:8"))
pixels, y = numbers("clean-twofold-images.npy", "B"), numbers("twofold-mlp:8/y.npy", "f")
assert len(y) == 5 * (8 * 21 + 2 * 9)
right = 0
for i in range(40):
    u = [pixel / 255 for pixel in pixels[20 * i:20 * i + 20]]
    a = [max(0, y[160 + h] + sum(y[20 * h + j] * u[j] for j in range(20))) for h in range(8)]
    logits = [y[184 + c] + sum(y[168 + 8 * c + h] * a[h] for h in range(8)) for c in range(2)]
    right += (logits[1] > logits[0]) == (i % 2 == 1)
assert right >= 38, right
PYTHON

# ---- which cleaning runs where --cleaning is not given ----------------------------------------------
make_data small 60 3 0.3 1
small="--images small-images.npy --labels small-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --train 40 --validation 15 --threads 1 --quiet --baselines validation"
# ruled KIND FILE [options]: a run of that kind of cleaning, which FILE of the folder ruled names.
ruled() {
  local kind=$1 file=$2
  shift 2
  rm -rf ruled
  succeed "$AIT" clean $small --out ruled "$@"
  grep -q "\"cleaning\":[[:space:]]*\"$kind\"" ruled/$file || fail "$*: $file does not say that $kind were learned"
}
for options in "" "--model linear --seed 1" "--noise 0.2 --noise-model pair" "--model deep:4 --cleaning transition"; do
  ruled transition run.json $options
done
for options in "--cleaning weights" "--method iaptt-gm" "--method rhg" "--protocol paper" "--score classifier" \
  "--lq-weight 0.01" "--iterations 2" "--ll-steps 2" "--ll-rate auto" "--ul-optimizer adam" "--ul-rate 0.02" \
  "--init-optimizer sgd" "--init-rate 0.02" "--eval-every 9" "--truncation none" "--prior-weight 0.1" \
  "--model deep:4" "--model mlp:4"; do
  ruled weights run.json $options
done
ruled transition sweep.json --seeds 0,1
cp -r ruled by-itself
ruled transition run.json --seed 1 --cleaning transition
for file in suspects.csv weights.npy y.npy; do
  cmp -s by-itself/seed-1/$file ruled/$file || fail "$file: the default is not --cleaning transition"
done
ruled weights sweep.json --noise-rates 0.2,0.3 --method iaptt-gm
cp -r ruled by-itself-too
ruled weights run.json --noise 0.3 --cleaning weights
same by-itself-too/noise-0.3 ruled

# Too few rows for folds: weights are not learned unasked, but named.
expect 2 "transition cleaning needs --validation 5 or more, for its 5 folds; --cleaning weights has none" \
  "$AIT" clean $small --validation 4 --out refused
expect 2 "transition cleaning needs --train 5 or more, for its 5 folds; --cleaning weights has none" \
  "$AIT" clean $small --cleaning transition --train 4 --out refused
few="--images train-images.npy --labels train-labels.npy --val-images few-images.npy --val-labels few-labels.npy --quiet"
for options in "" "--cleaning transition" "--seeds 0,1"; do
  expect 1 "ait: transition cleaning takes 5 folds: it needs 5 or more training rows, as many validation rows and 2 \
classes; there are 300, 4 and 3; --cleaning weights has no folds" "$AIT" clean $few $options --out refused
done
[ ! -e refused ] || fail "a refused run left a folder"
succeed "$AIT" clean $few --cleaning weights --baselines validation --out few

# A full noise model of few rows: begun from 0, its LL problems would end where classes are taken for one another.
if [ -d /usr/share/datasets/fashion-mnist ]; then
  succeed "$AIT" clean --dataset fashion-mnist --train 1000 --validation 200 --noise-model pair --noise 0.4 --seed 2 \
    --baselines validation --quiet --out pictures
  python3 - <<'EOF' || fail "a full noise model of few rows"
import json
ranking = json.load(open("pictures/run.json"))["result"]["ranking"]
assert ranking["transition"]["auroc"] > ranking["validation_only"]["auroc"] + 0.005, ranking
EOF
else
  echo "SKIPPED: pictures (the package dataset-fashion-mnist is not installed)"
fi
finish
