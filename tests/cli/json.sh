#!/usr/bin/env bash
# json.sh - ait clean --json: objects a script can read on standard output, all else on standard error.
. "$(dirname "$0")/support.bash"

make_data train 60 3 0.3 1
make_data val 30 3 0 2
files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --baselines validation --threads 1"
weights="--method iaptt-gm --iterations 6 --ll-steps 4 --ll-rate 0.3 --eval-every 2"

succeed "$AIT" clean $files $weights --noise 0.2 --json --seed 18446744073709551615 --out weights
grep -q "Files in weights" err || fail "no summary on standard error: $(cat err)"
mv out lines
succeed "$AIT" clean $files $weights --seeds 4,2 --json --quiet --out sweep
[ ! -s err ] || fail "--quiet --json says something on standard error: $(cat err)"
mv out sweep-lines
succeed "$AIT" clean $files --json --quiet --out noise-model
mv out notes
succeed "$AIT" clean $files $weights --out plain --quiet
[ ! -s out ] || fail "--quiet says something: $(cat out)"

# Output that goes nowhere: the run is there, and the reason is told.
if [ -c /dev/full ]; then
  "$AIT" clean $files $weights --json --quiet --out full >/dev/full 2>err
  [ $? -eq 1 ] && grep -q "could not be written: No space left on device" err || fail "a full disk: $(cat err)"
fi
python3 -c "
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
subprocess.run(sys.argv[1:], stdout=writer)" "$AIT" clean $files $weights --json --quiet --out closed 2>err
grep -q "could not be written: Broken pipe" err || fail "a reader that has gone: $(cat err)"
cmp -s plain/y.npy closed/y.npy || fail "without a reader the run is another one"

# A file name need not be text; what is written of it is.
cp train-images.npy $'tr\xffain-\xe2\x82.npy'
succeed "$AIT" clean ${files/train-images.npy/$'tr\xffain-\xe2\x82.npy'} $weights --json --quiet --out $'bytes-\xfe'
mv out bytes
cp $'bytes-\xfe/run.json' bytes.json

python3 - <<'PYTHON' || fail "the objects are not what they should be"
import csv, json

def read(path):
    return [json.loads(line) for line in open(path)]

def cell(text):
    return float(text) if text else None

lines = read("lines")
history = list(csv.DictReader(open("weights/history.csv")))
seconds = list(csv.DictReader(open("weights/seconds.csv")))
iterations = [line for line in lines if line["event"] == "iteration"]
assert [line["t"] for line in iterations] == [1, 2, 3, 4, 5, 6]
for line, row, time in zip(iterations, history, seconds):
    assert line["seed"] == 18446744073709551615 and line["noise"] == 0.2
    assert abs(line["seconds"] - float(time["seconds"])) < 1e-6
    for key in ("F_kbar", "F_K", "kbar", "test_accuracy_y", "test_accuracy_z", "f1", "auroc"):
        assert line[key] == cell(row[key]), (key, line, row)
assert [line["auroc"] is not None for line in iterations] == [False, True] * 3
assert lines[-1]["event"] == "summary" and lines[-1]["folder"] == "weights"
assert lines[-1]["document"] == json.load(open("weights/run.json"))
assert lines[-1]["document"]["settings"]["seed"] == 18446744073709551615
assert {line["event"] for line in lines} == {"iteration", "note", "summary"}

summary = [json.loads(line) for line in open("bytes", "rb").read().decode("utf-8").splitlines()][-1]
run = json.loads(open("bytes.json", "rb").read().decode("utf-8"))
assert summary["document"] == run and summary["folder"] == "bytes-\ufffd", summary
assert run["settings"]["images"] == "tr\ufffdain-\ufffd\ufffd.npy", run["settings"]

lines = read("sweep-lines")
assert [(line["t"], line["seed"]) for line in lines if line["event"] == "iteration"] == [
    (t, seed) for t in range(1, 7) for seed in (4, 2)]
assert all(line["noise"] is None for line in lines if line["event"] == "iteration")
assert lines[-1]["event"] == "summary" and lines[-1]["document"] == json.load(open("sweep/sweep.json"))

lines = read("notes")
iterations = [line for line in lines if line["event"] == "iteration"]
history = list(csv.DictReader(open("noise-model/history.csv")))
assert [(line["arm"], line["t"]) for line in iterations] == [("symmetric", t) for t in range(1, 11)] + [
    ("full", t) for t in range(1, 10)]
assert len(history) == len(iterations)
for line, row in zip(iterations, history):
    assert line["seed"] == 0 and line["seconds"] > 0 and (line["arm"], str(line["t"])) == (row["arm"], row["t"])
    for key in ("F", "log_lambda", "logit_e", "gradient_norm", "ll_residual", "ll_iterations"):
        assert line[key] == cell(row[key]), (key, line, row)
    assert (line["logit_e"] is None) == (line["arm"] == "full") and line["gradient_norm"] > 0 and line["ll_iterations"] > 0
assert [line["seconds"] for line in iterations] == sorted(line["seconds"] for line in iterations)
# The paths of run.json hold the same points, and the means after them.
for arm, means in (("symmetric", [10]), ("full", [6, 10])):
    points = [[round(float(row[key]), 9) for key in ("log_lambda", "logit_e", "F") if row[key]] for row in history
              if row["arm"] == arm]
    path = lines[-1]["document"]["result"]["arms"][arm]["path"]
    assert [[round(number, 9) for number in point] for i, point in enumerate(path) if i not in means] == points
assert len([line for line in lines if line["event"] == "note"]) > 4 and lines[-1]["event"] == "summary"
assert lines[-1]["document"] == json.load(open("noise-model/run.json"))
PYTHON

# A reader that goes away early leaves a whole run or none; which, is up to whether SIGPIPE ends programs here.
"$AIT" clean $files $weights --iterations 2000 --json --quiet --out cut 2>err | head -n 1 >first
grep -q '"t":1,' first || fail "the first line is not that of the first iteration: $(cat first)"
[ -z "$(ls -d cut.* 2>/dev/null)" ] || fail "a run whose reader went away left $(ls -d cut.*)"
[ ! -e cut ] || [ "$(wc -l <cut/history.csv)" -eq 2001 ] || fail "a run whose reader went away is not whole"
finish
