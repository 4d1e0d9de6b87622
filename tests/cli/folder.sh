#!/usr/bin/env bash
# folder.sh - a run folder is never overwritten unasked, and never half there.
. "$(dirname "$0")/support.bash"

make_data train 60 3 0.3 1
make_data val 30 3 0 2

run() {
  "$AIT" clean --threads 1 --quiet --images train-images.npy --labels train-labels.npy --val-images val-images.npy \
    --val-labels val-labels.npy --iterations 2 --ll-steps 2 --baselines validation "$@"
}

succeed run --out first
cp -r first kept
expect 1 "exists and is not empty" run --out first --seed 5
diff -r first kept >differences || fail "an existing run was touched: $(cat differences)"
succeed run --out first --seed 5 --force
cmp -s first/y.npy kept/y.npy && fail "--force left the older run"
touch first/notes.txt
expect 1 "notes.txt" run --out first --force
[ -e first/notes.txt ] || fail "--force removed a file that no run has written"
mkdir mine
cp train-labels.npy mine/y.npy
expect 1 "no run.json of an older run" run --out mine --force
cmp -s train-labels.npy mine/y.npy || fail "--force replaced a file that only has a run file's name"

# A run does not replace what it reads, by whatever name that goes by.
succeed run --out older
cp -r older kept-older
ln -s older/suspects.csv reviewed.csv
expect 2 "--labels older/y.npy lies in --out older, whose files the run replaces" run --labels older/y.npy \
  --out older --force
expect 2 "--reviewed reviewed.csv lies in --out ./older" run --reviewed reviewed.csv --out ./older --force
for command in baseline compare; do
  expect 2 "--val-labels $PWD/older/y.npy lies in --out older" "$AIT" "$command" --images train-images.npy \
    --labels train-labels.npy --val-images val-images.npy --val-labels "$PWD/older/y.npy" --out older --force
done
diff -r older kept-older >differences || fail "a folder that holds an input was touched: $(cat differences)"

touch file
expect 1 "file" run --out file
expect 1 "does not exist" run --out none/run
[ -z "$(find . -name '*.partial*' -o -name '*.old*')" ] || fail "left behind: $(find . -name '*.partial*' -o -name '*.old*')"
finish
