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

# What somebody puts there during a run is not lost, nor without a word.
"$AIT" clean --threads 1 --quiet --images train-images.npy --labels train-labels.npy --val-images val-images.npy \
  --val-labels val-labels.npy --iterations 100000000 --ll-steps 2 --baselines validation --out busy \
  --checkpoint-every 5 2>err &
for _ in $(seq 200); do
  [ -e busy/checkpoint.ait ] && break
  sleep 0.05
done
echo "mine" >busy/notes.txt
kill -TERM $!
wait $!
[ -e busy/run.json ] || fail "a run that was stopped wrote nothing: $(cat err)"
[ "$(cat busy.partial-*/notes.txt)" = "mine" ] || fail "a file that was put into a run's folder is lost"
grep -q "put into .*busy during the run; they are in .*busy.partial-[0-9]* now" err || fail "no word of it: $(cat err)"
rm -r busy.partial-*

touch file
expect 1 "file" run --out file
expect 1 "does not exist" run --out none/run

# ---- a folder that somebody removes, moves or replaces while the run is under way -------------------
# while_running OUT COMMAND...: the command acts on the folder of a run that is stopped meanwhile; exit status in $status.
while_running() {
  local out=$1
  shift
  "$AIT" clean --threads 1 --quiet --images train-images.npy --labels train-labels.npy --val-images val-images.npy \
    --val-labels val-labels.npy --iterations 100000000 --ll-steps 2 --baselines validation --checkpoint-every 1 \
    --out "$out" 2>err &
  for _ in $(seq 500); do
    [ -e "$out/checkpoint.ait" ] && break
    sleep 0.02
  done
  eval "$*"
  sleep 0.1
  kill -TERM $!
  wait $!
  status=$?
}

for way in "rm -rf gone" "mv gone elsewhere"; do
  while_running gone "until $way 2>>left; do :; done"
  [ $status -eq 143 ] && grep -q "stopped after" gone/run.json || fail "$way: exit status $status: $(cat err)"
  grep -q -- "--resume" err && [ ! -e gone/checkpoint.ait ] && fail "$way: speaks of a checkpoint: $(cat err)"
  rm -rf gone
done
while_running other "until rm -rf other 2>>left && mkdir other; do :; done; cp train-labels.npy other/y.npy"
[ $status -eq 1 ] && grep -q "the finished run cannot be put there and stays in .*other.partial-[0-9]*: File exists" err ||
  fail "a folder of somebody else: exit status $status: $(cat err)"
cmp -s train-labels.npy other/y.npy && [ -e other.partial-*/run.json ] || fail "a folder of somebody else: $(ls other*)"
rm -rf other*
[ -z "$(find . -name '*.partial*' -o -name '*.old*')" ] || fail "left behind: $(find . -name '*.partial*' -o -name '*.old*')"
finish
