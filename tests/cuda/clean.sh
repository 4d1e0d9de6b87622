#!/usr/bin/env bash
# clean.sh - the programs with the emulated CUDA device: whole runs beside the CPU's, and what a user
# reads where a device is missing or fails. AIT and AIT64 are the programs that hold the emulation.
. "$(dirname "$0")/../cli/support.bash"

make_data train 300 3 0.3 1
make_data val 60 3 0 2
make_data test 90 3 0 3
own_files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
           --test-images test-images.npy --test-labels test-labels.npy"

# own PROGRAM OUT [more]
own() {
  local program=$1 out=$2
  shift 2
  "$program" clean $own_files --out "$out" --iterations 50 --ll-steps 6 --ll-rate 0.3 \
    --baselines validation "$@"
}

# close A B TOLERANCE: kbar is the same, or F tells its two candidates apart by less than rounding does;
# F within the tolerance, and weights and y within it times the 50 iterations.
close() {
  python3 - "$@" <<'PYTHON' || fail "$1 and $2 are too far apart"
import csv, math, struct, sys

one, other, tolerance = sys.argv[1], sys.argv[2], float(sys.argv[3])

def numbers(path):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    size, code = (8, "d") if b"<f8" in data[:start] else (4, "f")
    return struct.unpack("<%d%s" % ((len(data) - start) // size, code), data[start:])

rows = [list(csv.DictReader(open(folder + "/history.csv"))) for folder in (one, other)]
assert len(rows[0]) == len(rows[1]) == 50
for a, b in zip(*rows):
    gap = abs(float(a["F_kbar"]) - float(b["F_kbar"]))
    assert gap <= tolerance * abs(float(b["F_kbar"])), (a, b)
    assert a["kbar"] == b["kbar"] or gap <= tolerance * abs(float(b["F_kbar"])), (a, b)
for name in ("weights.npy", "y.npy"):
    a, b = numbers(one + "/" + name), numbers(other + "/" + name)
    error = math.sqrt(sum((p - q) ** 2 for p, q in zip(a, b)) / sum(q * q for q in b))
    assert len(a) == len(b) and error <= 50 * tolerance, (name, error)
PYTHON
}

# ---- whole runs ------------------------------------------------------------------------------------
for model in linear deep:7 mlp:6; do
  succeed own "$AIT" "cuda-$model" --device cuda --model "$model"
  grep -q "on cuda:0" out || fail "$model: the summary does not name the device: $(cat out)"
  grep -q '"device":.*"cuda:0"' "cuda-$model/run.json" || fail "$model: run.json does not name the device"
  succeed own "$AIT" "cpu-$model" --device cpu --model "$model" --quiet
  close "cuda-$model" "cpu-$model" 2e-5
done
succeed own "$AIT64" cuda64 --device cuda --quiet
succeed own "$AIT64" cpu64 --device cpu --quiet
close cuda64 cpu64 1e-9
succeed own "$AIT" again --device cuda --model linear --quiet
for file in weights.npy y.npy z.npy scores.npy suspects.csv; do
  cmp -s "cuda-linear/$file" "again/$file" || fail "$file of a run and of its repetition differ"
done
succeed own "$AIT" tf32 --device cuda --math tf32 --model mlp:6 --quiet

# ---- the examples of the paper, whose oracles want host pointers --------------------------------------
for device in cpu cuda; do
  succeed "$AIT64" solve toy --device $device --iterations 20 --quiet --history $device.csv
done
cmp -s cpu.csv cuda.csv || fail "the toy example differs between the devices"

# ---- what is missing ------------------------------------------------------------------------------------
toy="solve toy --iterations 2"
AIT_SIMT_FAULT=no-driver expect 1 "need an NVIDIA driver" "$AIT" $toy --device cuda
AIT_SIMT_FAULT=old-driver expect 1 "made for CUDA 12.0" "$AIT" $toy --device cuda
AIT_SIMT_FAULT=no-device expect 1 "shows no CUDA device" "$AIT" $toy --device cuda:0
AIT_SIMT_FAULT=old-device expect 1 "this build needs 8.0 or newer" "$AIT" $toy --device cuda
AIT_SIMT_FAULT=memory:1000000 expect 1 "could not be allocated" "$AIT" $toy --device cuda
AIT_SIMT_FAULT=sticky expect 1 "this process can no longer use the device" "$AIT" $toy --device cuda
expect 2 "there is 1 CUDA device" "$AIT" $toy --device cuda:1
expect 2 "expected auto, cpu, cuda or cuda:N" "$AIT" $toy --device cuda:one
expect 2 "only a CUDA device has it" "$AIT" $toy --device cpu --math tf32
for fault in no-driver old-driver no-device old-device; do
  AIT_SIMT_FAULT=$fault succeed "$AIT" $toy
  grep -q "^device cpu: .*(no CUDA device: " err || fail "$fault: auto does not say why it took the CPU: $(cat err)"
done
succeed "$AIT" $toy
grep -q "^device cuda:0: " err || fail "auto does not say which device it took: $(cat err)"

# Too little memory for the trajectory: nothing is left behind.
AIT_SIMT_FAULT=memory:37000000 expect 1 "lower the number of LL steps" own "$AIT" none --device cuda --ll-steps 20000 --quiet
AIT_SIMT_FAULT=memory:37000000 expect 1 "2 runs at once do not fit into memory, fewer seeds or noise rates would: " \
  own "$AIT" none --device cuda --ll-steps 20000 --seeds 0..1 --quiet
[ ! -e none ] || fail "a run without memory has left a folder"
finish
