#!/usr/bin/env bash
# full_disk.sh - a run that does not fit on the disk says so and leaves nothing.
. "$(dirname "$0")/support.bash"

make_data large 3000 3 0.3 1
make_data val 30 3 0 2

# ---- a write that fails, at every size of file -------------------------------------------------------
make_data rows 60 3 0.3 1
files="--images rows-images.npy --labels rows-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --threads 1 --quiet"

# grows OUT COMMAND...: with files of at most 0, 1, 2, 4 ... KiB the command says which file could not be written and
# leaves nothing, until all fit.
grows() {
  local out=$1 size=0 failed=0
  shift
  while
    { (trap '' XFSZ; ulimit -f $size; exec "$@" 2>&1 >/dev/null); echo "exit status $?"; } | cat >err
    ! grep -q "^exit status 0$" err
  do
    failed=$((failed + 1))
    [ "$(grep -c "" err)" -eq 2 ] && grep -qE "($out.* in full|script for gnuplot .*): File too large" err &&
      grep -q "^exit status 1$" err || fail "$*: files of $size KiB: $(cat err)"
    [ -z "$(ls -d "$out"* 2>/dev/null)" ] || fail "$*: files of $size KiB: left $(ls -d "$out"*)"
    rm -rf "$out"*
    size=$((size > 0 ? 2 * size : 1))
    [ $size -le 4096 ] || break
  done
  [ $failed -ge 2 ] || fail "$*: files of $size KiB are enough already"
  [ -e "$out" ] || fail "$*: nothing there at last: $(cat err)"
}

grows noise-model "$AIT" clean $files --baselines validation --out noise-model
grows weights "$AIT" clean $files --method rhg --iterations 2 --ll-steps 2 --baselines validation --checkpoint-every 0 \
  --out weights
grows sweep "$AIT" clean $files --method rhg --iterations 2 --ll-steps 2 --seeds 0,1 --baselines validation \
  --checkpoint-every 0 --out sweep
grows ranked "$AIT" baseline $files --out ranked
grows compared "$AIT" compare $files --methods rhg,margin --noise 0.2 --seeds 0,1 --iterations 2 --ll-steps 2 --out compared
grows page.html "$AIT" report noise-model weights sweep compared --quiet --out page.html

# ---- a disk that is full ----------------------------------------------------------------------------
# 64 KiB, which the files of a run do not fit on.
mkdir small
mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip "no right to mount a small disk"
trap 'umount "$folder/small"; rm -rf "$folder"' EXIT
expect 1 "No space left on device" "$AIT" clean --threads 1 --quiet --images large-images.npy --labels large-labels.npy \
  --val-images val-images.npy --val-labels val-labels.npy --iterations 2 --ll-steps 2 --baselines validation --out small/run
[ -z "$(ls -A small)" ] || fail "a full disk left $(ls -A small)"
# Of three runs the first fits.
expect 1 "the run could not be written and nothing is left of it: " "$AIT" clean --threads 1 --quiet --train 300 \
  --images large-images.npy --labels large-labels.npy --val-images val-images.npy --val-labels val-labels.npy \
  --iterations 2 --ll-steps 2 --baselines validation --out small/sweep --seeds 0..2
grep -q "No space left on device" err || fail "a full disk: $(cat err)"
[ -z "$(ls -A small)" ] || fail "a full disk left $(ls -A small)"
finish
