#!/usr/bin/env bash
# torch.sh - y.npy in a PyTorch module gives the run's own probabilities.
. "$(dirname "$0")/support.bash"
python_with numpy torch

make_data train 120 3 0.3 1
make_data val 60 3 0 2
files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --all-suspects --baselines validation --threads 1 --quiet"
for program in "$AIT" "$AIT64"; do
  for model in linear deep:6 mlp:8,5; do
    succeed "$program" clean $files --method iaptt-gm --iterations 8 --ll-steps 6 --ll-rate 0.3 --model $model \
      --out "$(basename "$program")-$model"
  done
done

"$python" - "$(basename "$AIT")" "$(basename "$AIT64")" <<'PYTHON' || fail "y.npy gives other probabilities in PyTorch"
import csv
import sys
import numpy
import torch

images = numpy.load("train-images.npy").reshape(120, -1)
for name, real in zip(sys.argv[1:], (torch.float32, torch.float64)):
    for model, sizes, activation in (("linear", [20, 3], []), ("deep:6", [20, 6, 3], []),
                                     ("mlp:8,5", [20, 8, 5, 3], [torch.nn.ReLU])):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [make() for make in activation if layers] + [torch.nn.Linear(inputs, outputs, dtype=real)]
        network = torch.nn.Sequential(*layers)
        y = torch.from_numpy(numpy.load(f"{name}-{model}/y.npy"))
        assert y.dtype == real and y.numel() == sum(p.numel() for p in network.parameters())
        torch.nn.utils.vector_to_parameters(y, network.parameters())
        with torch.no_grad():
            probabilities = network(torch.from_numpy(images).to(real) / 255).softmax(1)
        suspects = list(csv.DictReader(open(f"{name}-{model}/suspects.csv")))
        rows = [int(s["row"]) for s in suspects]
        # The file has nine digits; a float has seven, of which these short sums lose one.
        tolerance = 2e-6 if real == torch.float32 else 1e-8
        for which in ("given", "suggested"):
            ours = torch.tensor([float(s[which + "_probability"]) for s in suspects], dtype=torch.float64)
            theirs = probabilities[rows, [int(s[which + "_label"]) for s in suspects]].to(torch.float64)
            assert (ours - theirs).abs().max() <= tolerance, (name, model, (ours - theirs).abs().max())
        assert probabilities[rows].argmax(1).tolist() == [int(s["suggested_label"]) for s in suspects], (name, model)
PYTHON
finish
