#!/usr/bin/env bash
# resume.sh - a run that is killed, stopped or limited goes on to the bytes of one that never stopped.
# AIT_KILLS: how often each of the first runs is killed (4 times where it is not set).
# AIT_LONG: UL iterations that no signal comes too late for (2500 where it is not set).
. "$(dirname "$0")/support.bash"

make_data train 300 3 0.3 1
make_data val 60 3 0 2
make_data rough 60 3 0.5 5
files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy"
kills=${AIT_KILLS:-4}
long=${AIT_LONG:-2500}
made=0

# weights PROGRAM OUT [more]: a run of weights; in the background with `begin=exec` before it, so that $! is the program.
weights() {
  local program=$1 out=$2
  shift 2
  ${begin:-} "$program" clean $files --cleaning weights --baselines validation --ll-rate 0.3 --ll-steps 12 --threads 1 --out "$out" \
    --quiet "$@"
}

# noise_models PROGRAM OUT [more]: the same of transition cleaning.
noise_models() {
  local program=$1 out=$2
  shift 2
  ${begin:-} "$program" clean $files --cleaning transition --baselines validation --threads 1 --out "$out" --quiet "$@"
}

# same A B: equal bytes in all that a run repeats.
same() {
  local file
  for file in $(cd "$1" && find . -name '*.npy' -o -name suspects.csv -o -name history.csv -o -name calibration.csv); do
    cmp -s "$1/$file" "$2/$file" || fail "$1/$file and $2/$file differ"
  done
  [ -e "$2/checkpoint.ait" ] && fail "$2 is complete and still holds a checkpoint"
  [ "$(ls "$1")" = "$(ls "$2")" ] || fail "$1 and $2 hold other files: $(ls "$2")"
}

# cut_off WHOLE OUT PROGRAM COMMAND...: begins a run with the command, kills it at random moments, and lets it go on, until
# that was done $kills times with a checkpoint saved since the last; then it comes to what the run in WHOLE came to, as do
# those that end on the way.
cut_off() {
  local whole=$1 out=$2 program=$3 count=0 round=0 span=300 before moment
  shift 3
  while [ $count -lt "$kills" ] && [ $round -lt $((50 * kills)) ]; do
    round=$((round + 1))
    before=$(stat -c %i:%Y "$out/checkpoint.ait" 2>/dev/null)
    if [ -e "$out/checkpoint.ait" ]; then
      "$program" clean --resume "$out" --quiet 2>>err &
    else
      [ -n "$(find "$out" -name run.json 2>/dev/null)" ] && same "$whole" "$out"
      rm -rf "$out"
      begin=exec "$@" 2>>err &
    fi
    moment=$((RANDOM % span))
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    if [ $? -ne 137 ]; then # it was through before
      span=$((span > 45 ? span * 2 / 3 : 30))
    elif [ "$(stat -c %i:%Y "$out/checkpoint.ait" 2>/dev/null)" = "$before" ]; then
      span=$((span < 1500 ? span + 50 : span))
    else
      count=$((count + 1))
    fi
  done
  [ $count -eq "$kills" ] || fail "$out: killed $count times of $kills"
  made=$((made + count))
  [ -e "$out/checkpoint.ait" ] && succeed "$program" clean --resume "$out" --checkpoint-every 0 --quiet
  same "$whole" "$out"
}

# until_saved OUT: waits for the first checkpoint of the run in the background.
until_saved() {
  for _ in $(seq 500); do
    [ -e "$1/checkpoint.ait" ] && return
    sleep 0.02
  done
  fail "$1: no checkpoint in ten seconds"
}

# ---- killed at random moments ----------------------------------------------------------------------
# A checkpoint an iteration, so that many kills meet one that is half-written. Early stopping keeps an older state as well;
# where labels of validation rows are wrong, the loss of those held out soon grows.
early="--val-images rough-images.npy --val-labels rough-labels.npy --hold-out 0.5 --eval-every 5 --patience 40"
for case in "$AIT 700 $early" "$AIT 800 --method iaptt-gm" "$AIT64 600 --method ia-gm-a --init-optimizer adam" "$AIT 200 --seeds 0..2 --train 200"; do
  read -r program iterations options <<<"$case"
  name=$(basename "$program")-$iterations
  succeed weights "$program" "$name-whole" --iterations $iterations $options
  cut_off "$name-whole" "$name-cut" "$program" weights "$program" "$name-cut" --iterations $iterations --checkpoint-every 1 \
    $options
done
python3 -c "
import json
early = json.load(open('ait-700-cut/run.json'))['result']['early_stopping']
assert early['ended_early'] and early['written_iteration'] < 150, early" || fail "the loss of held-out rows ends no run"
# One after every step as well, with noise models.
for case in "$AIT" "$AIT64 --seeds 0..1 --train 100"; do
  read -r program options <<<"$case"
  name=$(basename "$program")-noise-models
  succeed noise_models "$program" "$name-whole" $options
  cut_off "$name-whole" "$name-cut" "$program" noise_models "$program" "$name-cut" --checkpoint-every 0.000001s $options
done
echo "killed $made times, each with a new checkpoint since the last"

# ---- stopped by a signal, or by a limit of time -----------------------------------------------------
whole=long
succeed weights "$AIT" $whole --iterations $long
# stopped STATUS REASON OUT: the run in the background ended with this status, saved and wrote what there was.
stopped() {
  local status=$1 reason=$2 out=$3
  wait $!
  local found=$?
  [ $found -eq "$status" ] || fail "$out: exit status $found, expected $status: $(cat err)"
  grep -qF "$reason; what there was is in $out; go on with: ait clean --resume $out" err || fail "$out: said $(cat err)"
  [ -e "$out/checkpoint.ait" ] && grep -q "stopped after" "$out/run.json" || fail "$out: not saved, or not written"
}
for signal in TERM:143 INT:130; do
  out=by-${signal%:*}
  begin="exec ${heeding[*]}" weights "$AIT" $out --iterations $long --checkpoint-every 20 2>err &
  until_saved $out
  kill -${signal%:*} $!
  stopped ${signal#*:} "stopped by SIG${signal%:*}" $out
  succeed "$AIT" clean --resume $out --quiet
  same "$whole" $out
done
# What is ignored from the start, as nohup and trap have it, stays ignored.
for signal in HUP INT; do
  out=without-$signal
  (trap '' $signal; begin=exec weights "$AIT" $out --iterations $long --checkpoint-every 20) 2>err &
  until_saved $out
  kill -$signal $!
  wait $! || fail "SIG$signal, though ignored: exit status $?: $(cat err)"
  same "$whole" $out
done
begin=exec weights "$AIT" limited --iterations $long --time-limit 0.01 2>err &
stopped 124 "stopped at the end of its time limit" limited
expect 1 "holds a run that was stopped: go on with it by --resume limited, or --force" weights "$AIT" limited --iterations $long
# A list that somebody has worked on is not replaced.
cp limited/suspects.csv suspects-kept.csv
sed -i '1s/$/,label/; 2s/$/,1/' limited/suspects.csv
cp limited/suspects.csv suspects-edited.csv
expect 1 "limited/suspects.csv: has other columns than the run gave it" "$AIT" clean --resume limited --quiet
cmp -s limited/suspects.csv suspects-edited.csv && [ -e limited/checkpoint.ait ] || fail "an edited list was touched"
mv suspects-kept.csv limited/suspects.csv
touch limited/notes.txt
expect 1 "limited: holds notes.txt, which no run has written, so it is not replaced" "$AIT" clean --resume limited --quiet
grep -q -- "--out\|--force" err && fail "--resume speaks of options that were not given: $(cat err)"
rm limited/notes.txt
mv limited moved
succeed "$AIT" clean --resume moved/ --threads 2 --quiet
same "$whole" moved

# Noise models have nothing to show until the rows are ranked, but go on as well.
whole=ait-noise-models-whole
expect 124 "stopped at the end of its time limit; no rows are ranked yet; go on with: ait clean --resume unranked" \
  noise_models "$AIT" unranked --time-limit 0.0001
[ "$(ls unranked)" = "checkpoint.ait" ] || fail "noise models that were stopped left $(ls unranked)"
begin=exec noise_models "$AIT" ended --checkpoint-every 1 2>err &
until_saved ended
kill -TERM $!
wait $!
[ $? -eq 143 ] && grep -q "stopped by SIGTERM; .*; go on with: ait clean --resume ended" err || fail "noise models: $(cat err)"
for out in unranked ended; do
  succeed "$AIT" clean --resume $out --threads 2
  grep -q "^going on after step [1-9][0-9]* of 11, UL iteration [0-9]*$" err || fail "$out: said $(cat err)"
  same "$whole" $out
done

# A stop while the classifiers beside the runs are trained; no other checkpoint is due before.
for cleaning in "transition" "weights --iterations 30"; do
  whole=beside-${cleaning%% *}
  out=$whole-cut
  beside="$files --cleaning $cleaning --threads 1 --seeds 0..1 --test-images rough-images.npy --test-labels rough-labels.npy"
  succeed "$AIT" clean $beside --quiet --out $whole
  "$AIT" clean $beside --out $out >other 2>err &
  while kill -0 $! 2>/dev/null && ! grep -qs "training the classifiers beside every run" err; do :; done
  kill -TERM $!
  wait $!
  [ $? -eq 143 ] && grep -q "what there was is in $out; go on with: ait clean --resume $out" err || fail "$out: $(cat err)"
  grep -q "skipped, as a signal asked to stop" $out/seed-1/run.json || fail "$out: nothing was skipped"
  succeed "$AIT" clean --resume $out --quiet
  same $whole $out
  grep -q "skipped" $out/seed-*/run.json && fail "$out: its classifiers were not made up for"
done

# A second signal ends a long iteration at once; nothing is left of the run, and its folder can be used.
begin=exec weights "$AIT" twice --iterations 10 --method ls --ll-steps 5000000 2>err &
for _ in $(seq 100); do
  sleep 0.05
  grep -q "^SigCgt:.*[2367abef]$" "/proc/$!/status" && break
done
sleep 0.2
kill -TERM $!
sleep 0.2
kill -TERM $!
wait $!
[ $? -eq 143 ] || fail "a second signal: exit status $?"
[ "$(ls twice)" = "ait.lock" ] || fail "a second signal left $(ls twice)"
succeed weights "$AIT" twice --iterations 2

# ---- one run at a time -----------------------------------------------------------------------------
begin=exec weights "$AIT" busy --iterations 100000000 2>other &
for _ in $(seq 100); do
  [ -e busy/ait.lock ] && break
  sleep 0.05
done
expect 1 "busy: another run is at work there" weights "$AIT" busy --iterations 2
expect 1 "another run is at work there" "$AIT" baseline $files --out busy
kill -KILL $!
wait $! 2>/dev/null

# ---- what cannot go on -----------------------------------------------------------------------------
begin=exec weights "$AIT" kept --iterations 100000000 --checkpoint-every 5 --ids train-ids.txt 2>err &
until_saved kept
kill -KILL $!
wait $! 2>/dev/null
resume() { "$AIT" clean --resume kept --quiet "$@"; }
expect 2 "--seed cannot be given with --resume" resume --seed 3
expect 2 "--iterations cannot be given with --resume" resume --threads 1 --iterations=3
expect 1 "--resume none: there is no such folder" "$AIT" clean --resume none
expect 1 "holds no checkpoint: no run was saved there, or it is complete" "$AIT" clean --resume "$whole"
expect 2 "--checkpoint-every 5x: expected" weights "$AIT" none --checkpoint-every 5x
expect 1 "was written by ait 0" "$AIT64" clean --resume kept --quiet
kernel=$(sed -n 's/.*data pass \([a-z0-9-]*\)$/\1/p' <("$AIT" info) | head -n 1)
other=baseline
[ "$kernel" = baseline ] && other=v2
expect 1 "was written on [cpu: data pass $kernel, " env AIT_CPU_KERNEL=$other "$AIT" clean --resume kept --quiet
cp train-labels.npy labels-kept.npy
python3 - <<'PYTHON'
data = bytearray(open("train-labels.npy", "rb").read())
data[-8:] = bytes(8) if any(data[-8:]) else bytes([1]) + bytes(7)
open("train-labels.npy", "wb").write(data)
PYTHON
cmp -s train-labels.npy labels-kept.npy && fail "the label is what it was"
expect 1 "rows, labels or ids are not those that the run began with" resume
mv labels-kept.npy train-labels.npy
cp train-ids.txt ids-kept.txt
sed -i '3s/^/another /' train-ids.txt
expect 1 "rows, labels or ids are not those that the run began with" resume
mv ids-kept.txt train-ids.txt
cp kept/checkpoint.ait whole.ait
head -c 1000 whole.ait >kept/checkpoint.ait
expect 1 "it was cut or added to" resume
{ head -c 1000 whole.ait; printf 'x'; tail -c +1002 whole.ait; } >kept/checkpoint.ait
cmp -s whole.ait kept/checkpoint.ait && { head -c 1000 whole.ait; printf 'y'; tail -c +1002 whole.ait; } >kept/checkpoint.ait
expect 1 "is damaged, as its checksum tells" resume
echo "nothing" >kept/checkpoint.ait
expect 1 "is no checkpoint: it has 8 bytes; begin anew with --force" resume
for damage in ": >" "head -c 4096 /dev/zero >"; do
  mkdir damaged
  eval "$damage damaged/checkpoint.ait"
  expect 1 "is no checkpoint" "$AIT" clean --resume damaged
  grep -q "begin anew with --force" err || fail "$damage: $(cat err)"
  cp train-labels.npy damaged/y.npy
  expect 1 "no run.json of an older run" weights "$AIT" damaged --iterations 2 --force
  rm damaged/y.npy
  succeed weights "$AIT" damaged --iterations 2 --force
  [ -e damaged/checkpoint.ait ] && fail "$damage: the damaged checkpoint is there still"
  rm -r damaged
done
cp whole.ait kept/checkpoint.ait

# ---- a disk on which nothing fits ------------------------------------------------------------------
(ulimit -f 8; resume --time-limit 0.4 --checkpoint-every 5 2>err)
[ $? -eq 1 ] || fail "no room: exit status $?"
grep -q "warning: no checkpoint from iteration .*File too large; nothing was put in its place" err || fail "no room: $(cat err)"
grep -q "its last checkpoint is there, to go on from with --resume" err || fail "no room: $(cat err)"
cmp whole.ait kept/checkpoint.ait || fail "no room: the older checkpoint is not what it was"
[ "$(ls kept)" = "checkpoint.ait" ] || fail "no room: left $(ls kept)"
succeed weights "$AIT" kept --force --iterations 2
[ ! -e kept/checkpoint.ait ] || fail "--force left the older checkpoint"
finish
