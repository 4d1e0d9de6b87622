#!/usr/bin/env bash
# read_only.sh - a folder that cannot be written: rows are read from it, what would be written there is refused with one
# sentence, and what lies there stays as it was.
. "$(dirname "$0")/support.bash"

# read_only COMMAND...: runs it where the folder `place` is read-only.
read_only() {
  unshare -m bash -c 'mount --bind place place && mount -o remount,bind,ro place && exec "$@"' - "$@"
}

mkdir place
read_only true 2>/dev/null || skip "no right to mount a folder read-only"
make_data rows 60 3 0.3 1
make_data val 30 3 0 2
mv rows-* val-* place
files="--images place/rows-images.npy --labels place/rows-labels.npy --val-images place/val-images.npy
       --val-labels place/val-labels.npy --threads 1 --quiet"
weights="--method rhg --iterations 2 --ll-steps 2 --baselines validation"

succeed "$AIT" clean $files $weights --out place/old
"$AIT" clean $files $weights --iterations 100000000 --checkpoint-every 1 --time-limit 0.3 --out place/stopped 2>err
[ -e place/stopped/checkpoint.ait ] || fail "no checkpoint: $(cat err)"
cp -a place kept

succeed read_only "$AIT" clean $files $weights --out weights
succeed read_only "$AIT" clean $files --out noise-model
succeed read_only "$AIT" report place/old --quiet --out page.html
for command in "clean $files $weights" "clean $files" "clean $files $weights --seeds 0..1" "baseline $files" \
  "compare $files --methods rhg --noise 0.2 --seeds 0,1 --iterations 2 --ll-steps 2"; do
  expect 1 "place/new" read_only "$AIT" $command --out place/new
  grep -q "Read-only file system" err || fail "$command: no reason: $(cat err)"
done
expect 1 "place/old" read_only "$AIT" clean $files $weights --out place/old --force
expect 1 "place/old/report.html" read_only "$AIT" report place/old --quiet
expect 1 "place/stopped" read_only "$AIT" clean --resume place/stopped --quiet
diff -r place kept || fail "what lay in the folder is no longer what it was"
finish
