#!/usr/bin/env bash
# own_data.sh - what is said of a user's own rows, whose wrong labels nobody knows.
. "$(dirname "$0")/support.bash"

make_data train 300 3 0.3 1
make_data val 60 3 0 2

# clean IMAGES LABELS [more]: transition cleaning with the validation rows of `val`.
clean() {
  "$AIT" clean --images "$1" --labels "$2" --val-images val-images.npy --val-labels val-labels.npy --threads 2 \
    --baselines validation "${@:3}"
}

# ---- checks of the rows ----------------------------------------------------------------------------
# Training rows 10 and 11 become validation row 5, row 11 with another label; row 21 becomes row 20 with another label,
# row 31 row 30 with the same one; class 2 keeps four validation rows.
python3 - <<'PYTHON'
import struct
def load(path, code):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    count = (len(data) - start) // struct.calcsize(code)
    return data[:start], list(struct.unpack("<%d%s" % (count, code), data[start:]))
def save(path, head, code, values):
    open(path, "wb").write(head + struct.pack("<%d%s" % (len(values), code), *values))
head, pixels = load("train-images.npy", "B")
label_head, labels = load("train-labels.npy", "q")
_, clean = load("val-images.npy", "B")
clean_head, clean_labels = load("val-labels.npy", "q")
for row in (10, 11):
    pixels[20 * row:20 * row + 20] = clean[100:120]
labels[10:12] = [clean_labels[5], (clean_labels[5] + 1) % 3]
for row in (20, 30):
    pixels[20 * row + 20:20 * row + 40] = pixels[20 * row:20 * row + 20]
labels[21], labels[31] = (labels[20] + 1) % 3, labels[30]
save("odd-images.npy", head, "B", pixels)
save("odd-labels.npy", label_head, "q", labels)
save("few-labels.npy", clean_head, "q", [c if c < 2 or i < 12 else c - 2 for i, c in enumerate(clean_labels)])
PYTHON
shared="2 training rows are equal to validation rows, 1 with another label (first: training row 10 is validation row 5)"
repeated="2 training rows are equal to an earlier one but for the label (first: rows 10 and 11)"
few="1 class has fewer than 5 validation rows (fewest: 2 with 4)"
succeed clean odd-images.npy odd-labels.npy --val-labels few-labels.npy --out odd
for words in "$shared" "$repeated" "$few"; do
  grep -qF "$words" err || fail "expected '$words' on stderr, found: $(cat err)"
done
python3 - "$shared" "$repeated" "$few" <<'PYTHON' || fail "run.json does not hold what the checks found"
import json, sys
checks = json.load(open("odd/run.json"))["data_checks"]
assert [checks[name] for name in ("training_rows_equal_to_validation_rows", "of_these_with_another_label",
        "training_rows_equal_to_earlier_ones", "training_rows_equal_but_for_the_label")] == [2, 1, 3, 2], checks
assert all(warning.startswith(words) for warning, words in zip(checks["warnings"], sys.argv[1:])), checks
assert len(checks["warnings"]) == 3 and checks["least_validation_rows_of_a_class"] == 4, checks
PYTHON
succeed clean odd-images.npy odd-labels.npy --out quiet --quiet
[ ! -s err ] || fail "--quiet says something: $(cat err)"
succeed clean train-images.npy train-labels.npy --out good
grep -q "warning" err && fail "a warning of rows that are fine: $(cat err)"

# ---- the suggested list -----------------------------------------------------------------------------
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  AIT=$program succeed clean train-images.npy train-labels.npy --out "$name-list"
  grep -q "Expected of these [0-9]*: .* % (95 % interval .* to .*) are wrong" out || fail "$name: no expectation: $(cat out)"
  grep -q "Suspected by given label" out && grep -q "Most frequent: given" out || fail "$name: no counts: $(cat out)"
  AIT=$program succeed clean train-images.npy train-labels.npy --out "$name-all" --all-suspects --quiet
  python3 - "$name" <<'PYTHON' || fail "$name: not the list that was expected"
import csv, json, sys
name = sys.argv[1]
truth = [int(line) for line in open("train-truth.txt")]
rows, every = ([r for r in csv.reader(open(name + end + "/suspects.csv"))][1:] for end in ("-list", "-all"))
result = json.load(open(name + "-list/run.json"))["result"]
c = result["calibration"]
assert len(every) == 300 and rows == every[:len(rows)] and len(rows) == c["suggested_rows"], (len(rows), len(every))
wrong = [truth[int(r[0])] != int(r[1]) for r in every]
precision, recall = sum(wrong[:len(rows)]) / len(rows), sum(wrong[:len(rows)]) / sum(wrong)
for share, found in (("precision", precision), ("recall", recall)):
    assert c[share]["low"] <= found <= c[share]["high"] and abs(c[share]["expected"] - found) < 0.1, (share, found, c)
assert abs(c["noise_rate"] - sum(wrong) / 300) < 0.05 and c["true_precision"] is None, c
table = list(csv.DictReader(open(name + "-list/calibration.csv")))
lengths = [int(line["rows"]) for line in table]
assert lengths == sorted(set(lengths)) and lengths[-1] == 300 and len(rows) in lengths, lengths
assert all(float(a["recall"]) <= float(b["recall"]) + 1e-12 for a, b in zip(table, table[1:]))
assert float(table[-1]["recall"]) > 0.999 and abs(float(table[-1]["precision"]) - sum(wrong) / 300) < 0.1, table[-1]
labels = result["labels"]
given = [int(r[1]) for r in every]
assert labels["rows_by_given_label"] == [given.count(c) for c in range(3)]
assert labels["suspected_by_given_label"] == [given[:len(rows)].count(c) for c in range(3)]
pairs = [[sum(int(r[3]) == c and int(r[1]) == g for r in every) for g in range(3)] for c in range(3)]
assert labels["rows_by_suggested_and_given_label"] == pairs, labels
model = labels["estimated_noise_model"]
assert all(abs(model[c][g] - pairs[c][g] / sum(pairs[c])) < 1e-12 for c in range(3) for g in range(3)), model
PYTHON
done
# Where the truth is known all rows are listed, and the expectation stands beside it.
succeed clean train-images.npy train-labels.npy --noise 0.2 --out told
[ "$(wc -l <told/suspects.csv)" -eq 301 ] || fail "--noise: $(wc -l <told/suspects.csv) lines"
grep -q "; truly [0-9.]*) are wrong" out || fail "--noise: no truth beside the expectation: $(cat out)"

# ---- planted validation rows ----------------------------------------------------------------------------
make_data many 150 3 0 5
# weights OUT [more]: weights, learned for training rows and 30 planted ones.
weights() {
  "$AIT" clean --images train-images.npy --labels train-labels.npy --val-images many-images.npy \
    --val-labels many-labels.npy --threads 1 --baselines validation --cleaning weights --iterations 40 --ll-rate 0.3 \
    --out "$@"
}
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  AIT=$program succeed weights "$name-planted"
  grep -qF "150 clean validation rows (30 planted among the training rows, 10 of these with a wrong label)" out &&
    grep -q "Expected of these [0-9]*: .* % (95 % interval .* to .*) are wrong" out || fail "$name: $(cat out)"
  AIT=$program succeed weights "$name-planted-all" --all-suspects --quiet
  AIT=$program succeed weights "$name-unplanted" --plant 0
  grep -qF "no figure here says how sure the ranking is" out || fail "$name: an expectation from nothing: $(cat out)"
  python3 - "$name" <<'PYTHON' || fail "$name: not what planted rows should come to"
import csv, json, os, struct, sys
name = sys.argv[1]
truth = [int(line) for line in open("train-truth.txt")]
rows, every, plain = ([r for r in csv.reader(open(name + end + "/suspects.csv"))][1:]
                      for end in ("-planted", "-planted-all", "-unplanted"))
run = json.load(open(name + "-planted/run.json"))
c, settings = run["result"]["calibration"], run["settings"]
assert sorted(int(r[0]) for r in every) == sorted(int(r[0]) for r in plain) == list(range(300))
assert 0 < len(rows) < 300 and rows == every[:len(rows)] and len(rows) == c["suggested_rows"], (len(rows), c)
assert [settings[k] for k in ("train", "validation", "plant", "planted_rows", "planted_rows_with_wrong_labels")] == [
    300, 150, 0.2, 30, 10], settings
assert c["known_rows"] == "planted" and c["clean_rows"] == 30 and c["posterior_precision"] is None, c
wrong = [truth[int(r[0])] != int(r[1]) for r in every]
for share, found in (("precision", sum(wrong[:len(rows)]) / len(rows)),
                     ("recall", sum(wrong[:len(rows)]) / sum(wrong))):
    assert c[share]["low"] <= found <= c[share]["high"], (share, found, c)
table = list(csv.DictReader(open(name + "-planted/calibration.csv")))
assert int(table[-1]["rows"]) == 300 and float(table[-1]["recall"]) == 1, table[-1]
for file, columns in (("weights.npy", ""), ("scores.npy", " 3")):
    head = open(name + "-planted/" + file, "rb").read(128)
    assert b"(300," in head, head
assert not os.path.exists(name + "-unplanted/calibration.csv")
assert b"(%d, 4, 5)" % min(len(rows), 100) in open(name + "-planted/suspect_images.npy", "rb").read(128)
result = json.load(open(name + "-unplanted/run.json"))
assert "calibration" not in result["result"] and result["settings"]["planted_rows"] == 0, result
PYTHON
done
# same A B: equal bytes in all that a run repeats.
same() {
  for file in weights.npy scores.npy y.npy z.npy suspects.csv calibration.csv history.csv; do
    cmp -s "$1/$file" "$2/$file" || fail "$1/$file and $2/$file differ"
  done
}
succeed weights threads --threads 2 --quiet
same "$(basename "$AIT")-planted" threads
succeed weights one --seed 1 --quiet
cmp -s one/weights.npy threads/weights.npy && fail "another seed comes to the same weights"
succeed weights sweep --seeds 0,1 --quiet
same threads sweep/seed-0
same one sweep/seed-1
weights cut --seed 1 --quiet --time-limit 0.001 --checkpoint-every 1 2>err
[ $? -eq 124 ] && [ -e cut/checkpoint.ait ] || fail "--time-limit: $(cat err)"
succeed "$AIT" clean --resume cut --quiet
same one cut
succeed weights truth --noise 0.2 --plant 0.3
grep -q "; truly [0-9.]*) are wrong" out || fail "--plant with --noise: no truth beside the expectation: $(cat out)"
[ "$(wc -l <truth/suspects.csv)" -eq 301 ] || fail "--plant with --noise: $(wc -l <truth/suspects.csv) lines"
succeed weights known --noise 0.2
grep -q "planted" out && fail "rows are planted where the truth is known: $(cat out)"
few="a share of 0.2 of the 60 validation rows is 12, and fewer than 20 would tell next to nothing"
succeed weights few --val-images val-images.npy --val-labels val-labels.npy
grep -qF "No validation rows were planted: $few." out || fail "too few rows to plant: $(cat out)"
grep -qF "$few" few/run.json && [ "$(wc -l <few/suspects.csv)" -eq 301 ] || fail "too few rows to plant: another result"
make_data float-train 300 3 0.3 1 float
succeed weights unlike --images float-train-images.npy --labels float-train-labels.npy
grep -qF "No validation rows were planted: the training rows are f32 and the validation rows u8." out ||
  fail "rows that cannot be planted: $(cat out)"
expect 2 "--plant goes with --cleaning weights; transition cleaning leaves" clean train-images.npy train-labels.npy \
  --plant 0.2 --out refused
expect 2 "--plant clashes with --protocol paper" weights refused --protocol paper --plant 0.2
expect 2 "--plant 1: expected" weights refused --plant 1

# ---- early stopping -------------------------------------------------------------------------------------
make_data rough 60 3 0.5 5
rough="--val-images rough-images.npy --val-labels rough-labels.npy --plant 0 --ll-steps 10 --eval-every 5"
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")-early
  AIT=$program succeed weights $name $rough --iterations 200 --hold-out 0.5 --patience 2
  grep -qF "60 clean validation rows (30 held out of F)" out && grep -q "the run ended as it was no less in 2 eval" out ||
    fail "--hold-out: the summary says: $(cat out)"
  found=$(python3 - $name <<'PYTHON'
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1] + "/history.csv")))
run = json.load(open(sys.argv[1] + "/run.json"))
early, settings = run["result"]["early_stopping"], run["settings"]
losses = {int(r["t"]): float(r["held_out_loss"]) for r in rows if r["held_out_loss"]}
best = early["written_iteration"]
assert list(losses) == list(range(5, len(rows) + 1, 5)) and 5 < best < 190, (losses, early)
assert early["ended_early"] and len(rows) == run["result"]["iterations"] == best + 10, (len(rows), early)
assert min(losses.values()) == losses[best] == early["held_out_loss"], (losses, early)
assert abs(run["result"]["F_K"] - float(rows[best - 1]["F_K"])) < 1e-12, run["result"]
assert [settings[k] for k in ("hold_out", "patience", "held_out_rows")] == [0.5, 2, 30], settings
print(best)
PYTHON
  ) || fail "--hold-out: not where the loss was least"
  AIT=$program succeed weights $name-plain $rough --iterations "$found" --hold-out 0.5 --quiet
  for file in weights.npy scores.npy y.npy z.npy suspects.csv; do
    cmp -s $name/$file $name-plain/$file || fail "$name/$file is not that of a run of $found iterations"
  done
done
expect 2 "--patience goes with --hold-out" weights refused --patience 3
expect 2 "--plant 0.6 and --hold-out 0.5 leave no validation row for F" weights refused --plant 0.6 --hold-out 0.5
expect 2 "--hold-out clashes with --protocol paper" weights refused --protocol paper --hold-out 0.5
expect 2 "--seeds makes a batch of runs that iterate together, but --hold-out" weights refused --seeds 0,1 --hold-out 0.5
expect 2 "--hold-out goes with --cleaning weights" clean train-images.npy train-labels.npy --cleaning transition --hold-out 0.5
expect 2 "--hold-out 0.05 of the validation rows is 8; expected at least 10" weights refused --hold-out 0.05
expect 2 "--plant 0.05: a share of 0.05 of the 150 validation rows is 8, and fewer than 20" weights refused --plant 0.05
expect 2 "--plant 0.99: 149 of 150 validation rows cannot be set aside" weights refused --plant 0.99

# ---- validation rows with wrong labels --------------------------------------------------------------
make_data impure 200 3 0.06 7
succeed clean train-images.npy train-labels.npy --val-images impure-images.npy --val-labels impure-labels.npy --out impure
grep -q "WARNING: the validation rows do not seem to be clean: about" out ||
  fail "impure validation rows: no warning: $(cat out)"
python3 - <<'PYTHON' || fail "impure validation rows: not the rows that were expected"
import csv, json, struct
truth = [int(line) for line in open("impure-truth.txt")]
rows = list(csv.DictReader(open("impure/validation_suspects.csv")))
wrong = sum(truth[int(r["row"])] != int(r["label"]) for r in rows)
assert len(rows) >= 5 and wrong >= 0.8 * len(rows), (len(rows), wrong)
result = json.load(open("impure/run.json"))["result"]
assert result["validation_check"]["contradicted_rows"] == len(rows) and len(result["warnings"]) >= 1, result["warnings"]
assert 0.02 < result["validation_check"]["estimated_wrong_share"] < 0.12, result["validation_check"]
PYTHON
succeed clean train-images.npy train-labels.npy --out impure --force
[ ! -e impure/validation_suspects.csv ] || fail "clean validation rows are contradicted"

# ---- rows that a person has checked ------------------------------------------------------------------
python3 - <<'PYTHON'
import csv
truth = [line.strip() for line in open("train-truth.txt")]
rows = list(csv.reader(open("ait-list/suspects.csv")))
with open("by-row.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(rows[0] + ["label"])
    for place, row in enumerate(rows[1:]):
        table.writerow(row + [truth[int(row[0])] if place < 40 else ""])
with open("by-id.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["label", "id"])
    for row in rows[1:41]:
        table.writerow([truth[int(row[0])], 'photo "%s", left' % row[0]])
PYTHON
for by in "by-row.csv" "by-id.csv --ids train-ids.txt"; do
  succeed clean train-images.npy train-labels.npy --all-suspects --reviewed $by --out "${by%%.*}"
  grep -qF "100 clean validation rows (40 of them reviewed training rows)" out || fail "--reviewed $by: $(cat out)"
done
# As spreadsheets write it: with a byte order mark and CR LF; ids beside row numbers, of the same rows.
python3 - <<'PYTHON'
import csv
ids = open("train-ids.txt").read().splitlines()
rows = list(csv.DictReader(open("by-row.csv")))
with open("spreadsheet.csv", "w", newline="", encoding="utf-8-sig") as file:
    csv.writer(file).writerows([["row", "label", "id"]] + [[r["row"], r["label"], ids[int(r["row"])]] for r in rows])
PYTHON
succeed clean train-images.npy train-labels.npy --all-suspects --reviewed spreadsheet.csv --ids train-ids.txt --out sheet
cmp -s by-row/weights.npy sheet/weights.npy || fail "a byte order mark or ids beside row numbers change the rows"
cmp -s by-row/weights.npy by-id/weights.npy || fail "rows and ids do not name the same rows"
python3 - <<'PYTHON' || fail "--reviewed: not the rows that were expected"
import csv, json
reviewed = {int(r["row"]) for r in csv.DictReader(open("by-row.csv")) if r["label"]}
listed = [int(r["row"]) for r in csv.DictReader(open("by-row/suspects.csv"))]
assert len(reviewed) == 40 and sorted(listed + list(reviewed)) == list(range(300)), len(listed)
run = json.load(open("by-row/run.json"))
settings = run["settings"]
assert [settings[name] for name in ("train", "validation", "reviewed_rows")] == [260, 100, 40], settings
assert run["result"]["calibration"]["clean_rows"] == 60, run["result"]["calibration"]
PYTHON
succeed "$AIT" clean --images train-images.npy --labels train-labels.npy --val-images val-images.npy \
  --val-labels val-labels.npy --reviewed by-row.csv --iterations 3 --ll-steps 3 --baselines validation --out weights
[ "$(wc -l <weights/suspects.csv)" -eq 261 ] || fail "--reviewed with weights: $(wc -l <weights/suspects.csv) lines"

# refused STATUS WORDS LINES [options]: a file of these lines is refused.
refused() {
  local status=$1 words=$2
  printf "$3" >bad.csv
  expect "$status" "$words" clean train-images.npy train-labels.npy --reviewed bad.csv --quiet --out refused "${@:4}"
}
refused 1 "bad.csv: line 3: row 7 stands there twice" "row,label\n7,1\n7,2\n"
refused 1 "bad.csv: line 2, column row: expected a whole number" "row,label\n300,1\n"
refused 1 "bad.csv: line 2, column label: expected a whole number" "row,label\n3,3\n"
refused 1 "bad.csv: line 2: no row has the id photo" "id,label\nphoto,0\n" --ids train-ids.txt
refused 2 "--reviewed bad.csv names rows by id; that takes --ids" "id,label\nphoto,0\n"
refused 1 "bad.csv: expected a column row, or id, beside label" "name,label\nphoto,0\n"
refused 1 "bad.csv: no row has a label" "row,label\n3,\n"
refused 2 "--reviewed and --train cannot be given together" "row,label\n3,1\n" --train 200
refused 1 "bad.csv: line 2, column label: expected a whole number from 0 to 2, found \"1.0\"" "row,label\n3,1.0\n"
refused 1 "bad.csv: line 3: row 4 has the id $(sed -n 5p train-ids.txt), not photo" \
  "row,id,label\n3,,\n4,photo,1\n" --ids train-ids.txt
yes "same name" | head -n 300 >same-ids.txt
refused 1 "bad.csv: line 2: several rows have the id same name" "id,label\nsame name,0\n" --ids same-ids.txt
expect 1 "none.csv" clean train-images.npy train-labels.npy --reviewed none.csv --quiet --out refused
expect 2 "--reviewed goes with --images, not with --dataset" "$AIT" clean --dataset mnist --reviewed bad.csv
[ ! -e refused ] || fail "a refused run left a folder"
finish
