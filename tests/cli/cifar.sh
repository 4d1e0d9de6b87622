#!/usr/bin/env bash
# cifar.sh - CIFAR-10's binary format and the paper's network for it, 3072-300-10, from the files to the run folder.
. "$(dirname "$0")/support.bash"
command -v python3 >/dev/null || skip "python3 makes the data of this test"
python3 "$tools/make_cifar.py" cifar-10-batches-bin 60 1 || fail "the data could not be made"

# The folder above is found as the archive unpacks it.
clean=("$AIT" clean --dataset cifar10 --data-dir "$folder" --model deep:300 --train 200 --validation 100 --test 50
  --noise 0.3 --iterations 200 --device cpu --out run)

# A signal after a tenth of the iterations: the classifiers beside the run are not what this test is about.
"${heeding[@]}" "${clean[@]}" >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && ! grep -q "iteration 20/200" err; do sleep 0.05; done
kill -INT $pid
wait $pid
[ $? -eq 130 ] || fail "a stopped run: expected exit status 130: $(cat err)"
for words in "cifar10: 200 training rows" "50 test rows, 3072 features, 10 classes" "deep:300 classifier"; do
  grep -q "$words" out || fail "no '$words' in $(cat out)"
done
grep -Eq "given (airplane|automobile|bird|cat|deer|dog|frog|horse|ship|truck) \(" out || fail "no class by its name: $(cat out)"
python3 - <<'PYTHON' || fail "the run folder does not hold what it should"
import json, os
run = json.load(open("run/run.json"))
names = "airplane automobile bird cat deer dog frog horse ship truck".split()
assert run["data"] == {"features": 3072, "classes": 10, "type": "u8", "class_names": names}, run["data"]
assert run["result"]["ranking"]["classifier"]["auroc"] > 0.95, run["result"]["ranking"]
assert run["result"]["test_accuracy"]["y"] > 0.9, run["result"]["test_accuracy"]
parameters = 3072 * 300 + 300 + 300 * 10 + 10
assert parameters * 4 < os.path.getsize("run/y.npy") <= parameters * 4 + 128, os.path.getsize("run/y.npy")
PYTHON

# Asymmetric noise puts the same share of wrong labels into each class that people mistake for another.
succeed "$AIT" clean --dataset cifar10 --data-dir "$folder" --train 200 --validation 100 --test 50 --device cpu --quiet \
  --noise-model asymmetric --noise-rates 0.2,0.5 --iterations 2 --ll-steps 2 --baselines validation --out asymmetric
python3 - <<'PYTHON' || fail "asymmetric noise"
import csv, json
partners = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}
names = "airplane automobile bird cat deer dog frog horse ship truck".split()
for rate in (0.2, 0.5):
    folder = "asymmetric/noise-%g" % rate
    run = json.load(open(folder + "/run.json"))
    rows = list(csv.DictReader(open(folder + "/suspects.csv")))
    wrong = [r for r in rows if r["given_label"] != r["true_label"]]
    assert run["settings"]["noise_model"] == "asymmetric" and run["result"]["mislabelled_rows"] == len(wrong) > 0
    for label, name in enumerate(names):
        members = sum(int(r["true_label"]) == label for r in rows)
        given = [names[int(r["given_label"])] for r in wrong if int(r["true_label"]) == label]
        assert set(given) <= {partners.get(name)} and abs(len(given) - rate * members * (name in partners)) <= 0.5
PYTHON

rm -r run cifar-10-batches-bin/test_batch.bin
expect 1 "test_batch.bin" "${clean[@]}" --quiet
[ ! -e run ] || fail "a run that failed left its folder"
finish
