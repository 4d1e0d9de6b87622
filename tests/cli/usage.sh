#!/usr/bin/env bash
# usage.sh - exit statuses and sentences for wrong usage; help that a newcomer can work from.
. "$(dirname "$0")/support.bash"

for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  succeed "$program" --help
  grep -q "clean" out || fail "$name --help does not list the commands"
  succeed "$program" --version
  grep -q "^$name [0-9]" out || fail "$name --version says $(cat out)"
  for command in clean baseline compare report solve check methods info; do
    succeed "$program" $command --help
    grep -q "Usage: $name $command" out || fail "$name $command --help does not begin with its name"
  done
  succeed "$program" methods
  for words in "iaptt-gm .*auxiliary *pessimistic" "iaptt-gm *K + kbar *K + 1 *K + 1 *K + 9" "ls *K + I + 1 *2 *3 *13"; do
    grep -q "^  $words" out || fail "$name methods lacks '$words': $(cat out)"
  done
  "$program" clean --help >help
  for option in $(grep -oE -- "--[a-z][a-z0-9-]+" out | grep -vx -- --method | sort -u); do
    grep -q -- "$option\>" help || fail "$name methods names $option, which clean does not take"
  done
  for option in $(grep -oE -- "--(cg|neumann|fd|prior|lbfgs|mapping|ll)[a-z-]*" help | sort -u); do
    grep -q -- "$option\>" out || fail "$name methods does not name $option"
  done
  succeed "$program" info
  grep -q "OpenBLAS" out || fail "$name info names no libraries"
  grep -q "^  cpu  " out || fail "$name info does not list the CPU: $(cat out)"
  grep -Eq "^  cuda:0 |^  cuda  *none: .*CUDA" out || fail "$name info says nothing about CUDA devices: $(cat out)"
  if grep -q "^  cuda  *none" out; then
    expect 1 "CUDA" "$program" solve toy --device cuda
  fi
  expect 2 "there is no command frob" "$program" frob
  "$program" >out 2>err
  [ $? -eq 2 ] || fail "$name alone: expected exit status 2"
  "$program" clean --frob >out 2>err
  [ $? -eq 2 ] || fail "$name clean --frob: expected exit status 2"
  grep -q "$name clean: unrecognized option" err || fail "$name clean --frob: $(cat err)"
done

clean=("$AIT" clean --dataset fashion-mnist --out run)
expect 2 "--ll-steps 0: expected a whole number, 1 or more" "${clean[@]}" --ll-steps 0
expect 2 "--ll-steps 1.5: expected a whole number" "${clean[@]}" --ll-steps 1.5
expect 2 "--ll-steps 10x: expected a whole number" "${clean[@]}" --ll-steps 10x
expect 2 "--ll-steps 2147483647: expected at most 2147483646" "$AIT" check toy --ll-steps 2147483647
expect 2 "--iterations -3: expected a whole number, 1 or more" "${clean[@]}" --iterations -3
expect 2 "--iterations 99999999999999999999: expected" "${clean[@]}" --iterations 99999999999999999999
expect 2 "--ll-rate -0.1: expected a number above 0" "${clean[@]}" --ll-rate -0.1
expect 2 "--ll-rate 0: expected a number above 0" "${clean[@]}" --ll-rate 0
expect 2 "--ul-rate nan: expected a number above 0" "${clean[@]}" --ul-rate nan
expect 2 "--init-rate inf: expected a number above 0" "${clean[@]}" --init-rate inf
expect 2 "--noise 1.5: expected a number from 0 to 1" "${clean[@]}" --noise 1.5
expect 2 "--noise-model foo: expected symmetric, paper, pair, asymmetric or feature" "${clean[@]}" --noise-model foo
for command in clean baseline; do
  expect 2 "--noise-model asymmetric goes with --dataset, whose classes have known partners, not with --images" \
    "$AIT" $command --images a.npy --labels b.npy --val-images c.npy --val-labels d.npy --noise-model asymmetric
done
expect 2 "--method foo: expected iaptt-gm" "${clean[@]}" --method foo
expect 2 "--cg-iterations 0: expected a whole number, 1 or more" "${clean[@]}" --method ls --cg-iterations 0
expect 2 "--cg-tolerance 1: expected a number from 0 up and below 1" "${clean[@]}" --method ls --cg-tolerance 1
expect 2 "--cg-damping -1: expected a number from 0 up" "${clean[@]}" --method ls --cg-damping -1
expect 2 "--cg-negative-curvature foo: expected continue, stop or error" "${clean[@]}" --cg-negative-curvature foo
expect 2 "--cg-preconditioner foo: expected none or diagonal" "${clean[@]}" --method ls --cg-preconditioner foo
expect 2 "--cg-preconditioner goes with --method ls, not with --method ns" \
  "${clean[@]}" --method ns --cg-preconditioner diagonal
expect 2 "--mapping foo: expected gradient, aggregate, l-bfgs or proximal" "${clean[@]}" --method ls --mapping foo
expect 2 "--mapping l-bfgs goes with --method ls or ns, not with --method iaptt-gm" "${clean[@]}" --mapping l-bfgs
expect 2 "--ll-tolerance goes with --mapping l-bfgs, not with --mapping gradient" \
  "${clean[@]}" --method ls --ll-tolerance 0.1
expect 2 "--lbfgs-history goes with --mapping l-bfgs" "$AIT" solve toy --method ns --lbfgs-history 3
expect 2 "--ll-tolerance 1: expected a number from 0 up and below 1" \
  "${clean[@]}" --method ls --mapping l-bfgs --ll-tolerance 1
expect 2 "--neumann-terms 0: expected a whole number, 1 or more" "${clean[@]}" --method ns --neumann-terms 0
expect 2 "--cg-damping goes with --method ls, not with --method ns" "${clean[@]}" --method ns --cg-damping 1
expect 2 "--cg-iterations goes with --method ls, not with --method iaptt-gm" "$AIT" solve toy --cg-iterations 3
expect 2 "--neumann-terms goes with --method ns, not with --method ls" "$AIT" solve toy --neumann-terms 3 --method ls
expect 2 "--fd-epsilon 0: expected a number above 0" "${clean[@]}" --method one-stage --fd-epsilon 0
expect 2 "--fd-epsilon goes with --method one-stage, not with --method rhg" "$AIT" solve toy --method rhg --fd-epsilon 1
expect 2 "--fd-epsilon 1e-30: expected 1.2e-07 or more" "${clean[@]}" --method one-stage --fd-epsilon 1e-30
expect 2 "--fd-epsilon 1e-30: expected 2.2e-16 or more" "$AIT64" solve toy --method one-stage --fd-epsilon 1e-30
expect 2 "--step 1e-30: expected 1.2e-07 or more" "$AIT" check toy --step 1e-30
expect 2 "--method one-stage takes one LL step, which clashes with --ll-steps 10" \
  "${clean[@]}" --method one-stage --ll-steps 10
expect 2 "--method one-stage takes one LL step, which clashes with --ll-steps 2" "$AIT" solve toy --method one-stage --ll-steps 2
expect 2 "--prior-weight -1: expected a number from 0 up" "${clean[@]}" --prior-weight -1
expect 2 "--prior goes with --prior-weight or --method ait, not with --method iaptt-gm" "${clean[@]}" --prior zero
expect 2 "--prior-weight goes with a method that learns where the LL iteration starts" \
  "${clean[@]}" --method rhg --prior-weight 0.1
expect 2 "(--initialisation auxiliary), not with --method one-stage with a warm start" "$AIT" solve toy --method one-stage --prior zero
for command in "solve toy" "clean --dataset fashion-mnist --out run" "clean --dataset mnist --protocol paper --out run"; do
  expect 2 "--init-rate goes with a method that learns where the LL iteration starts" "$AIT" $command --method rhg --init-rate 1
  expect 2 "(--initialisation auxiliary), not with --method one-stage with a warm start" \
    "$AIT" $command --method one-stage --init-optimizer sgd
  expect 2 "--init-rate goes with --initialisation auxiliary, not with --initialisation warm" \
    "$AIT" $command --initialisation warm --init-rate 1
done
expect 2 "--init-rate: none of the --methods learns" "$AIT" compare --dataset fashion-mnist --methods rhg,margin --init-rate 1
succeed "$AIT" solve toy --method rhg --initialisation auxiliary --init-rate 0.1 --iterations 1
expect 1 "none.npy" "$AIT" solve toy --method ait --prior none.npy --device cpu
expect 2 "--lq-weight 0: expected a number above 0" "${clean[@]}" --lq-weight 0
for size in 0 -1 2T 1e9 0x10 1.5.2M M "" 9999999999G; do
  expect 2 "--memory $size: expected a number of bytes such as" "${clean[@]}" --memory "$size"
done
expect 2 "--lq-q 1: expected a number above 0 and below 1" "${clean[@]}" --lq-weight 1 --lq-q 1
expect 2 "--lq-epsilon goes with --lq-weight" "${clean[@]}" --lq-epsilon 1
expect 2 "--nesterov foo: expected no or yes" "$AIT" solve toy --nesterov foo
expect 2 "--truncation foo: expected none, pessimistic or last" "$AIT" check toy --truncation foo
expect 2 "--last-steps goes with --truncation last, not with --truncation pessimistic" "${clean[@]}" --last-steps 3
expect 2 "--bda-mu goes with --mapping aggregate, not with --mapping gradient" "${clean[@]}" --bda-mu 0.3
expect 2 "--bda-mu 3: expected a number above 0 and at most 1" "$AIT" solve toy --method bda --bda-mu 3
expect 2 "--bda-decay 1.1: expected a number above 0 and at most 1" "${clean[@]}" --method bda --bda-decay 1.1
expect 2 "--prox goes with --mapping proximal or aggregate, not with --mapping gradient" "$AIT" solve toy --prox l1
expect 2 "--mapping proximal needs --prox l1" "$AIT" check toy --mapping proximal
expect 2 "--prox-weight needs --prox" "$AIT" solve toy --method bda --prox-weight 1
expect 2 "--prox l2 needs --prox-weight" "$AIT" solve toy --method bda --prox l2
expect 2 "--prox elastic-net needs --prox-l2-weight" "$AIT" solve toy --method bda --prox elastic-net --prox-weight 1
expect 2 "--prox-weight goes with --prox l1, l2 or elastic-net, not with --prox box" \
  "$AIT" solve toy --method bda --prox box --prox-weight 1 --prox-lower 0
expect 2 "--prox-upper goes with --prox box, not with --prox l1" \
  "$AIT" solve toy --method bda --prox l1 --prox-weight 1 --prox-upper 1
expect 2 "--prox box needs --prox-lower, --prox-upper or both" "$AIT" solve toy --method bda --prox box
expect 2 "--prox-lower 1 is above --prox-upper 0" "$AIT" solve toy --method bda --prox box --prox-lower 1 --prox-upper 0
expect 2 "--cg-damping goes with --hypergradient cg, not with --hypergradient neumann" \
  "$AIT" solve toy --method rhg --hypergradient neumann --cg-damping 1
for command in "solve toy" "check toy" "clean --dataset fashion-mnist --out run"; do
  expect 2 "choose no truncation or reverse accumulation (such as --initialisation fixed --truncation none)" \
    "$AIT" $command --hypergradient cg
done
expect 2 "choose another truncation or a fixed start (such as --initialisation fixed)" "${clean[@]}" --truncation last
expect 2 "choose another mapping or reverse accumulation (such as --mapping gradient)" \
  "$AIT" solve toy --method bda --hypergradient neumann
expect 2 "(such as --hypergradient reverse)" "${clean[@]}" --method ls --truncation pessimistic --hypergradient cg
expect 2 "--last-steps 5 clashes with --ll-steps 4" "${clean[@]}" --method t-rhg --ll-steps 4 --last-steps 5
expect 2 "--mapping l-bfgs clashes with --ll-steps 1" "$AIT" solve toy --method ls --mapping l-bfgs --ll-steps 1
expect 2 "--nesterov goes with a problem, not with --case" "$AIT" check --case "$folder" --nesterov yes
expect 2 "--model goes with a problem, not with --case" "$AIT" check --case "$folder" --model linear
expect 2 "--ll-steps goes with a problem, not with --case" "$AIT" check --case "$folder" --ll-steps 3
expect 2 "--activation none clashes with --model mlp:4" "$AIT" check clean --model mlp:4 --activation none
expect 2 "--model goes with the problem clean, not with toy" "$AIT" check toy --model linear
expect 2 "--activation goes with the problem clean, not with convex" "$AIT" check convex --activation tanh
expect 2 "--model cnn: expected linear" "${clean[@]}" --model cnn
expect 2 "--model mlp:0: expected linear" "${clean[@]}" --model mlp:0
expect 2 "--activation" "${clean[@]}" --activation relu
expect 2 "--score foo: expected classifier, weight or gradient" "${clean[@]}" --score foo
expect 2 "--protocol foo: expected paper" "${clean[@]}" --protocol foo
expect 2 "--ul-optimizer foo: expected sgd or adam" "${clean[@]}" --ul-optimizer foo
expect 2 "--seed -1: expected a whole number from 0" "${clean[@]}" --seed -1
expect 2 "--threads 0: expected a whole number, 1 or more" "${clean[@]}" --threads 0
expect 2 "--threads 4294967297: expected at most 2147483647" "${clean[@]}" --threads 4294967297
expect 2 "--math foo: expected float32 or tf32" "${clean[@]}" --math foo
expect 2 "--math foo: expected float32 or tf32" "$AIT" solve toy --math foo
expect 2 "--math foo: expected float32 or tf32" "$AIT" check toy --math foo
expect 2 "only a CUDA device has it, and the device is cpu" "$AIT" solve toy --device cpu --math tf32
expect 2 "in double precision" "$AIT64" solve toy --device cpu --math tf32
for device in gpu cuda: cuda:x cuda:-1; do
  expect 2 "device $device: expected auto, cpu, cuda or cuda:N" "$AIT" solve toy --device "$device"
  expect 2 "device $device: expected auto, cpu, cuda or cuda:N" "$AIT" check toy --device "$device"
done
expect 2 "stray is no option" "${clean[@]}" stray
expect 2 "give --dataset NAME, or all of --images" "$AIT" clean
expect 2 "give --dataset NAME, or all of --images" "$AIT" clean --images a.npy --labels b.npy
expect 2 "cannot be given together" "${clean[@]}" --images a.npy
expect 2 "--ids goes with --images" "${clean[@]}" --ids names.txt
for command in clean baseline compare; do
  expect 2 "--noise-model goes with --noise where the files are your own" "$AIT" $command --images a.npy --labels b.npy \
    --val-images c.npy --val-labels d.npy --noise-model pair
done

transition=("${clean[@]}" --cleaning transition)
expect 2 "--cleaning foo: expected weights or transition" "${clean[@]}" --cleaning foo
for clash in "--method rhg" "--iterations 5" "--ll-steps 5" "--ll-rate auto" "--ul-rate 1" "--init-rate 1" \
  "--ul-optimizer sgd" "--score weight" "--eval-every 2" "--protocol paper" "--cg-damping 1" "--mapping l-bfgs" \
  "--prior zero" "--lq-weight 1"; do
  expect 2 "${clash%% *} goes with --cleaning weights, not with --cleaning transition" "${transition[@]}" $clash
done

expect 2 "name an example" "$AIT" solve
expect 2 "example foo: expected toy, convex or sinusoid" "$AIT" solve foo
expect 2 "--x0 a: expected a finite number" "$AIT" solve toy --x0 a
expect 2 "--ll-rate 0: expected a number above 0, or auto" "$AIT" solve toy --ll-rate 0
expect 2 "--ll-rate fast: expected a number above 0, or auto" "${clean[@]}" --ll-rate fast
expect 2 "--n 3: the toy example has one variable" "$AIT" solve toy --n 3
expect 2 "--threads 4294967297: expected at most 2147483647" "$AIT" solve toy --threads 4294967297
expect 2 "--threads 4294967297: expected at most 2147483647" "$AIT" check toy --threads 4294967297
expect 2 "--directions 4294967296: expected at most 2147483647" "$AIT" check toy --directions 4294967296
expect 2 "--directions 0: expected a whole number, 1 or more" "$AIT" check toy --directions 0
expect 2 "name a problem" "$AIT" check
for command in "solve toy" "check toy" methods info; do
  expect 2 "${command%% *}: stray is one argument too many" "$AIT" $command stray
done
expect 2 "problem foo: expected toy" "$AIT" check foo
expect 2 "name a problem" "$AIT" check toy --case .
expect 1 "case.json" "$AIT" check --case "$folder"
mkdir case
echo '{"ll_steps": 0, "ll_step_size": 1, "methods": {}, "problem": "convex13", "n": 4}' >case/case.json
expect 1 'case/case.json: "ll_steps" is 0; expected a whole number from 1' "$AIT" check --case case
expect 1 "use ait64" "$AIT" check clean --model mlp:5 --activation relu

if [ -c /dev/full ]; then
  "$AIT" info >/dev/full 2>err
  [ $? -eq 1 ] || fail "a full disk under stdout: expected exit status 1"
  grep -q "could not be written" err || fail "a full disk under stdout: $(cat err)"
fi
[ ! -e run ] || fail "wrong usage made a run folder"
finish
