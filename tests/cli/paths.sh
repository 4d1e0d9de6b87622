#!/usr/bin/env bash
# paths.sh - links, pipes, devices, folders and archives in the place of files: nothing is written or removed outside of
# the run folder, and what is no file is refused with one sentence.
. "$(dirname "$0")/support.bash"

make_data train 60 3 0.3 1
make_data val 30 3 0 2
train=(--images train-images.npy --labels train-labels.npy)
val=(--val-images val-images.npy --val-labels val-labels.npy)

# clean [option ...]: two UL iterations.
clean() {
  timeout 60 "$AIT" clean --threads 1 --quiet "${train[@]}" "${val[@]}" --iterations 2 --ll-steps 2 \
    --baselines validation "$@"
}

# untouched: everything in `outside` is what it was.
mkdir outside
untouched() {
  diff -r outside kept >differences || fail "$1: outside of the run folder: $(cat differences)"
  rm -rf kept
}
keep() { rm -rf kept && cp -a outside kept; }

# ---- what is no file -------------------------------------------------------------------------------
mkfifo pipe
mkdir folder
ln -s /dev/zero device
for name in pipe folder device; do
  kind="no regular file"
  [ $name = folder ] && kind="a folder"
  for option in images labels val-images val-labels test-images; do
    expect 1 "$name: is $kind" clean --out run --test-images val-images.npy --test-labels val-labels.npy --$option $name
  done
  for option in ids reviewed; do
    expect 1 "$name: is $kind" clean --out run --$option $name
  done
  expect 1 "$name: is $kind" clean --out run --method ait --prior $name
  rm -rf idx && mkdir idx && ln -s "$folder/$name" idx/train-images-idx3-ubyte && touch idx/train-labels-idx1-ubyte
  expect 1 "train-images-idx3-ubyte: is $kind" timeout 60 "$AIT" clean --dataset mnist --data-dir idx --out run
  rm -rf idx && mkdir idx && ln -s "$folder/$name" idx/data_batch_1.bin && touch idx/data_batch_{2,3,4,5}.bin
  expect 1 "data_batch_1.bin: is $kind" timeout 60 "$AIT" clean --dataset cifar10 --data-dir idx --out run
  rm -rf odd && mkdir odd && ln -s "$folder/$name" odd/run.json && ln -s "$folder/$name" odd/case.json
  expect 1 "odd/run.json: is $kind" timeout 60 "$AIT" report odd
  expect 1 "odd/case.json: is $kind" timeout 60 "$AIT" check --case odd
  rm odd/run.json && ln -s "$folder/$name" odd/checkpoint.ait
  expect 1 "odd/checkpoint.ait: is no regular file" timeout 60 "$AIT" clean --resume odd
done
[ ! -e run ] || fail "an input that is no file made a run folder"

# ---- archives --------------------------------------------------------------------------------------
# They are never unpacked: one in the data folder is as good as nothing, and one in a file's place is not its format.
mkdir archives
python3 - <<'PYTHON'
import io, tarfile
with tarfile.open("archives/cifar-10-binary.tar.gz", "w:gz") as archive:
    for name in ("../../outside/escaped", "/ait-test-escaped", "data_batch_1.bin"):
        info = tarfile.TarInfo(name)
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
    link = tarfile.TarInfo("run")
    link.type, link.linkname = tarfile.SYMTYPE, "../outside"
    archive.addfile(link)
PYTHON
keep
cifar=(timeout 60 "$AIT" clean --dataset cifar10 --train 10 --validation 5 --out run)
expect 1 "unpack the binary version of CIFAR-10" "${cifar[@]}" --data-dir archives
expect 1 "cifar-10-binary.tar.gz" "${cifar[@]}" --data-dir archives/cifar-10-binary.tar.gz
for batch in 1 2 3 4 5; do cp archives/cifar-10-binary.tar.gz archives/data_batch_$batch.bin; done
expect 1 "data_batch_1.bin" "${cifar[@]}" --data-dir archives
[ "$(ls archives | wc -l)" -eq 6 ] && [ ! -e run ] && [ ! -e /ait-test-escaped ] || fail "an archive was unpacked"
untouched "archives"

# ---- links in the place of what is written ---------------------------------------------------------
echo precious >outside/precious
keep
mkdir target
ln -s target link
succeed clean --out link
[ -L link ] && [ -s target/weights.npy ] || fail "--out link: expected the run in the folder that the link names"
# Of an older run a link has taken the place of a file: that is no file of a run.
mv target/weights.npy elsewhere.npy
ln -s ../outside/precious target/weights.npy
expect 1 "holds weights.npy, which no run has written" clean --out link --force
rm target/weights.npy
succeed clean --out link --force
[ -f target/weights.npy ] && [ ! -L target/weights.npy ] || fail "--force did not write weights.npy"
ln -s nowhere dangling
expect 1 "dangling" clean --out dangling
[ ! -e nowhere ] || fail "a run went where a dangling link points"
mkdir locked
ln -s ../outside/lock locked/ait.lock
expect 1 "locked" clean --out locked
mkdir leftover
ln -s ../outside/precious leftover/checkpoint.ait.1-0.tmp
succeed clean --out leftover
untouched "a run"

# A checkpoint that is a link is none of the folder's.
clean --iterations 100000 --checkpoint-every 1 --out stopped --time-limit 0.3 2>err
[ -e stopped/checkpoint.ait ] || fail "no checkpoint: $(cat err)"
mv stopped/checkpoint.ait outside/
ln -s ../outside/checkpoint.ait stopped/checkpoint.ait
keep
expect 1 "holds checkpoint.ait, which no run has written" timeout 60 "$AIT" clean --resume stopped --quiet
untouched "--resume"

# ---- folders that a sweep lists --------------------------------------------------------------------
succeed clean --cleaning weights --out outside/run
succeed clean --cleaning weights --seeds 0..1 --out sweep
keep
sed -i 's/"folder":\t"seed-0"/"folder":\t"..\/outside\/run"/' sweep/sweep.json
expect 1 "holds seed-0, which no run has written" clean --out sweep --seeds 0..1 --cleaning weights --force
sed -i 's/"folder":\t"[^"]*run"/"folder":\t"seed-0"/' sweep/sweep.json
mv sweep/seed-0 aside
ln -s ../outside/run sweep/seed-0
expect 1 "holds seed-0, which no run has written" clean --out sweep --seeds 0..1 --cleaning weights --force
untouched "--force over a sweep"
rm sweep/seed-0 && mv aside sweep/seed-0
succeed clean --out sweep --seeds 0..1 --cleaning weights --force

# ---- a data file that is shortened while it is read ------------------------------------------------
make_data long 3000 3 0.3 1 float
timeout 60 "$AIT" clean --threads 1 --images long-images.npy --labels long-labels.npy "${val[@]}" --cleaning weights \
  --iterations 100000000 --checkpoint-every 1 --baselines validation --out shortened >out 2>err &
for _ in $(seq 200); do
  [ -e shortened/checkpoint.ait ] && break
  sleep 0.05
done
truncate -s 4096 long-images.npy
wait $!
[ $? -eq 1 ] && grep -q "a data file that is mapped into memory can no longer be read" err ||
  fail "a data file that was shortened: $(tail -n 2 err)"

# ---- the page of a report --------------------------------------------------------------------------
keep
for name in pipe device folder; do
  expect 1 "$name: is " timeout 60 "$AIT" report target --out $name
done
ln -s ../outside/precious target/report.html
expect 1 "exists and is no report" "$AIT" report target --quiet
ln -sfn ../outside/new.html target/report.html
succeed "$AIT" report target --quiet
[ -f target/report.html ] && [ ! -L target/report.html ] || fail "the page was written through a link"
untouched "a report"
finish
