#!/usr/bin/env bash
# data.sh - data that are missing, broken or do not fit together: one sentence, no run folder.
. "$(dirname "$0")/support.bash"

make_data good 60 3 0.2 1
make_data val 30 3 0 2
make_data nan 60 3 0.2 3 nan
make_data infinity 60 3 0.2 3 infinity
make_data short 60 3 0.2 4 short
make_data negative 60 3 0.2 5 negative
make_data missing 30 3 0 6 missing
make_data wide 30 3 0 7 wide
make_data more 30 5 0 8
printf 'not an array' >magic.npy
head -c 500 good-images.npy >cut.npy
head -n 59 good-ids.txt >few-ids.txt

# own IMAGES LABELS VAL_IMAGES VAL_LABELS [more]
own() {
  "$AIT" clean --threads 1 --out run --images "$1" --labels "$2" --val-images "$3" --val-labels "$4" "${@:5}"
}

good=(good-images.npy good-labels.npy)
val=(val-images.npy val-labels.npy)
expect 1 "none.npy" own none.npy good-labels.npy "${val[@]}"
expect 1 "magic.npy" own magic.npy good-labels.npy "${val[@]}"
expect 1 "cut.npy" own cut.npy good-labels.npy "${val[@]}"
expect 1 "short-labels.npy" own short-images.npy short-labels.npy "${val[@]}"
expect 1 "negative-labels.npy" own negative-images.npy negative-labels.npy "${val[@]}"
expect 1 "nan-images.npy" own nan-images.npy nan-labels.npy "${val[@]}"
expect 1 "infinity-images.npy" own infinity-images.npy infinity-labels.npy "${val[@]}"
expect 1 "class 1 occurs in the training labels but not in the validation labels" \
  own "${good[@]}" missing-images.npy missing-labels.npy
make_data gap 60 3 0 6 missing
expect 1 "class 1 occurs in the training labels but not in the validation labels" \
  own gap-images.npy gap-labels.npy missing-images.npy missing-labels.npy --noise 0.5
expect 1 "wide-images.npy has 21 features" own "${good[@]}" wide-images.npy wide-labels.npy
expect 1 "more-labels.npy" own "${good[@]}" "${val[@]}" --test-images more-images.npy --test-labels more-labels.npy
python3 - <<'PYTHON'
import struct
data = open("val-labels.npy", "rb").read()
begin = 10 + struct.unpack("<H", data[8:10])[0]
size = (len(data) - begin) // 30
large = (90).to_bytes(size, "little")
open("large-labels.npy", "wb").write(data[:begin + 7 * size] + large + data[begin + 8 * size:])
PYTHON
expect 1 "large-labels.npy: the label of row 7 (counted from 0) is 90; no label of good-labels.npy is above 2" \
  own "${good[@]}" val-images.npy large-labels.npy
expect 1 "few-ids.txt has 59 lines" own "${good[@]}" "${val[@]}" --ids few-ids.txt
{ head -n 58 good-ids.txt; printf 'caf\xe9\nlast\n'; } >latin-ids.txt
expect 1 "latin-ids.txt: line 59 is not in UTF-8" own "${good[@]}" "${val[@]}" --ids latin-ids.txt
expect 1 "no-ids.txt" own "${good[@]}" "${val[@]}" --ids no-ids.txt
expect 2 "--train 61: there are 60 rows" own "${good[@]}" "${val[@]}" --train 61
expect 2 "--validation 31: there are 30 rows" own "${good[@]}" "${val[@]}" --validation 31
expect 2 "--test needs --test-images" own "${good[@]}" "${val[@]}" --test 5
expect 2 "device foo" own "${good[@]}" "${val[@]}" --device foo

mkdir empty
expect 1 "$folder/empty" "$AIT" clean --dataset mnist --data-dir "$folder/empty" --out run
expect 2 "frob" "$AIT" clean --dataset frob --out run

# A training that goes astray stops with t, k and a hint.
expect 1 "UL iteration 0 at step k = 1" own "${good[@]}" "${val[@]}" --ll-rate 1e6 --quiet
grep -qi "lower it" err || fail "the divergence gives no hint: $(cat err)"

[ ! -e run ] || fail "a run that failed left its folder"
[ -z "$(find . -name '*.partial*')" ] || fail "a run that failed left a partial folder"
finish
