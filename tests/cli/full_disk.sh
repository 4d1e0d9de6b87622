#!/usr/bin/env bash
# full_disk.sh - a run that does not fit on the disk says so and leaves nothing.
. "$(dirname "$0")/support.bash"

make_data large 3000 3 0.3 1
make_data val 30 3 0 2

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
