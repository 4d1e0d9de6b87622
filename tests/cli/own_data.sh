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
finish
