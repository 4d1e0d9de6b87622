#!/usr/bin/env bash
# pandas.sh - what a run writes loads in pandas and NumPy as it is.
. "$(dirname "$0")/support.bash"
python_with numpy pandas

make_data train 120 3 0.3 1
make_data val 60 3 0 2
files="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --ids train-ids.txt --all-suspects --baselines validation --threads 1 --quiet"
for program in "$AIT" "$AIT64"; do
  name=$(basename "$program")
  succeed "$program" clean $files --method iaptt-gm --iterations 8 --ll-steps 4 --ll-rate 0.3 --out "$name-weights"
  succeed "$program" clean $files --noise 0.2 --out "$name-noise-model"
done

"$python" - "$(basename "$AIT")" "$(basename "$AIT64")" <<'PYTHON' || fail "a file does not load as it is"
import sys
import numpy
import pandas

images = numpy.load("train-images.npy")
labels = numpy.load("train-labels.npy")
ids = open("train-ids.txt").read().splitlines()
for name, real in zip(sys.argv[1:], (numpy.float32, numpy.float64)):
    for kind, columns, parameters in (("weights", 3, (63,)), ("noise-model", 5, (5, 63))):
        folder = name + "-" + kind + "/"
        suspects = pandas.read_csv(folder + "suspects.csv")
        expected = ["row", "id", "given_label", "given_probability", "suggested_label", "suggested_probability"]
        expected += ["weight", "score"] if kind == "weights" else ["score", "true_label"]
        assert list(suspects.columns) == expected, suspects.columns
        assert len(suspects) == 120 and not suspects.isna().any().any()
        for column in expected:
            wanted = "O" if column == "id" else "i" if column == "row" or column.endswith("label") else "f"
            assert suspects[column].dtype.kind == wanted, (column, suspects[column].dtype)
        assert sorted(suspects.row) == list(range(120)) and suspects.score.is_monotonic_decreasing
        assert [ids[row] for row in suspects.row] == list(suspects.id)
        if kind == "weights":
            assert (labels[suspects.row] == suspects.given_label).all()
        weights, scores = numpy.load(folder + "weights.npy"), numpy.load(folder + "scores.npy")
        assert weights.shape == (120,) and weights.dtype == real
        assert scores.shape == (120, columns) and scores.dtype == numpy.float64
        assert numpy.load(folder + "y.npy").shape == parameters and numpy.load(folder + "y.npy").dtype == real
        used = scores[suspects.row, 0]
        assert numpy.allclose(used, suspects.score, rtol=1e-8, atol=0), abs(used - suspects.score).max()
        if kind == "weights":
            assert numpy.allclose(weights[suspects.row], suspects.weight, rtol=1e-6, atol=0)
        pictures = numpy.load(folder + "suspect_images.npy")
        assert pictures.shape == (100, 4, 5) and pictures.dtype == numpy.uint8
        assert (pictures == images[suspects.row[:100]]).all()
    history = pandas.read_csv(name + "-weights/history.csv").merge(pandas.read_csv(name + "-weights/seconds.csv"), on="t")
    assert len(history) == 8 and history.kbar.dtype.kind == "i" and history.seconds.is_monotonic_increasing
    assert history.auroc.isna().all()
PYTHON
finish
