"""Writes what fuzzing starts from, FOLDER/TARGET/NAME, with the standard library alone: small good inputs of every
target of tests/fuzz/targets, and near them a few that are wrong in one place.

Usage: seeds.py FOLDER
"""

import gzip
import json
import os
import struct
import sys


def part(data=b""):
    return struct.pack("<H", len(data)) + data


def parts(*data):
    return b"".join(map(part, data))


def npy(descr, shape, values, version=1, order="False"):
    kinds = {"u1": "B", "i4": "i", "i8": "q", "f2": "e", "f4": "f", "f8": "d"}
    dims = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }" % (descr, order, dims)
    fixed = 10 if version == 1 else 12
    header += " " * (-(len(header) + fixed + 1) % 16) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    body = struct.pack("<%d%s" % (len(values), kinds[descr[-2:]]), *values)
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + body


def idx(shape, values):
    return struct.pack(">I%dI" % len(shape), 0x800 + len(shape), *shape) + bytes(values)


def table(*lines):
    return "".join(line + "\n" for line in lines).encode()


def document(**values):
    return json.dumps({"program": "ait", "version": "0.1.0", **values}).encode()


SUSPECTS = table(
    "row,id,given_label,given_probability,suggested_label,suggested_probability,weight,score,true_label",
    '2,"photo ""2"", left",0,0.25,1,0.75,0.125,0.75,1',
    "0,b,1,0.5,1,0.5,0.5,0.5,1",
    "1,c,0,0.9,0,0.9,0.9,0.1,0",
)
SCORES = table(
    "row,given_label,given_probability,suggested_label,suggested_probability,score",
    "3,4,0.25,1,0.75,-1e300",
    "0,1,,1,0.5,nan",
    "7,30,0.9,30,0.9,1e300",
)
HISTORY = table(
    "t,F_kbar,F_K,kbar,test_accuracy_y,test_accuracy_z,f1,auroc,held_out_loss",
    "1,0.88,0.87,1,0.5,,,,",
    "2,0.86,0.85,2,0.75,0.5,0.1,0.9,0.6",
)
SECONDS = table("t,seconds,figure_seconds", "1,0.5,0", "2,1.5,0.25")
CALIBRATION = table(
    "rows,threshold,precision,precision_low,precision_high,recall,recall_low,recall_high",
    "1,5.5,1,0,1,0.1,0,0.58",
    "3,4.5,0.9,0.2,1,0.3,0.1,0.8",
)
RUN = document(
    settings={"cleaning": "weights", "model": "linear", "noise": 0.5, "seed": 3, "dataset": None},
    data={"features": 4, "classes": 2, "type": "u8", "class_names": ["cat", "dog"]},
    result={
        "iterations": 2,
        "mislabelled_rows": 1,
        "ranking": {"classifier": {"auroc": 0.9, "average_precision": 0.8, "f1": 0.7}},
        "labels": {"rows_by_suggested_and_given_label": [[1, 0], [1, 1]]},
        "test_accuracy": {"y": 0.5, "validation_only": 0.4},
        "baselines": {"rankings": {"margin": {"held_out_auroc": 0.5, "auroc": 0.6, "disagreeing_rows": 1}}},
    },
    seconds={"iterations": 1.5},
)
TRANSITION = document(
    settings={"cleaning": "transition", "model": "linear"},
    data={"classes": 2, "class_names": None},
    result={
        "ranking": {"transition": {"auroc": 0.9}},
        "arms": {"symmetric": {"noise_rate": 0.5, "noise_model": [[0.5, 0.5], [0.5, 0.5]]}},
        "warnings": ["odd <rows>"],
        "calibration": {"suggested_rows": 2, "precision": {"expected": 1, "low": 0.2, "high": 1}},
    },
)
BASELINE = document(
    settings={"seed": 0},
    result={"rankings": {"validation": {"held_out_auroc": 1, "seconds": 0.1}}, "failures": {"pruned": "no"}},
)
SWEEP = document(
    runs=[{"run": "run", "folder": "run", "seed": 0}, {"run": "other", "folder": None, "failure": "it diverged"}],
    summary=[{"noise": 0.5, "runs": 2, "mean": {"auroc": 0.9}, "spread": {"auroc": 0.01}}],
)
COMPARE = document(
    differences_to="rhg",
    contestants=[{"name": "rhg", "means": {"auroc": {"mean": 0.9, "low": 0.8, "high": 1}}, "differences": {}}],
)
WEIGHTS = npy("<f4", (4,), [0.1, 0.5, 0.9, 0.5])
PICTURES = npy("|u1", (3, 2, 2), range(12))
ROW = bytes(range(256)) * 12
IMAGES = npy("|u1", (6, 2, 2), range(24))
FLOATS = npy("<f4", (5, 4), [i / 8 for i in range(20)])
LABELS = npy("<i8", (6,), [0, 1, 0, 1, 0, 1])
VALIDATION = npy("|u1", (5,), [0, 1, 0, 1, 1])
IDS = b"a.png\nb.png\nc.png\r\nd\ne\nf"
CASE = dict(ll_steps=3, ll_step_size=0.5, methods={"rhg": {"kbar": 3}}, box=[-1, 1])


def case(problem, *arrays):
    return parts(json.dumps({**CASE, **problem}).encode(), *arrays)


def checkpoint(*numbers):
    """What follows program and version: folder, arguments, device, rows; failures; and the numbers of a batch."""
    text = lambda words: struct.pack("<q", len(words)) + words
    origin = text(b"/") + struct.pack("<q", 2) + text(b"--dataset") + text(b"mnist") + text(b"cpu: x") + bytes(8)
    return origin + struct.pack("<q", 1) + text(b"") + struct.pack("<%dq" % len(numbers), *numbers)


CHECKPOINTS = {
    "short": b"\0\x89AIT",
    "sealed": b"\1" + struct.pack("<q", 3) + b"ait" + struct.pack("<q", 5) + b"0.0.1",
    "saved": b"\3",
    "changed": b"\3\x60\0\1\x90\0\2\xa0\0\3",
}

SEEDS = {
    "case_file": {
        "convex": case({"problem": "convex13", "n": 2}, npy("<f8", (2,), [1, 2]), npy("<f8", (4,), [0] * 4)),
        "sinusoid": case(
            {"problem": "sin_high", "a": 1.5, "box": None}, npy("<f8", (1,), [1]), npy("<f8", (2,), [0, 1]),
            b"", b"", b"", b"", npy("<f8", (2,), [1, 2])),
        "clean": case(
            {"problem": "clean", "layers": [2, 3], "activation": "none", "pixel_scale": "1/255"},
            npy("<f8", (3,), [0, 0, 0]), npy("<f8", (9,), [0] * 9), npy("|u1", (3, 2), range(6)),
            npy("|u1", (1, 2), [3, 4]), npy("<i8", (3,), [0, 1, 2]), npy("<i8", (1,), [2])),
        "batch": case(
            {"problem": "clean", "layers": [2, 2, 2], "activation": "tanh", "batch": 2},
            npy("<f4", (2,), [0, 0]), npy("<f4", (24,), [0] * 24), npy("<f4", (2, 2), range(4)),
            npy("<f4", (2, 2), range(4)), npy("<i8", (2,), [0, 1]), npy("<i8", (2,), [1, 0])),
    },
    "checkpoint": {**CHECKPOINTS, "batch": b"\2" + checkpoint(3, 0, 0, 1, 0, 0, 0, 0, 1, *[0] * 11, 0, 0, 0, 0, 0, 8),
                   "kbar": b"\3\xdf\0\xf8\xe0\0\x7f"},  # of a row of the history: no number
    "noise_models": {**CHECKPOINTS, "series": b"\2" + checkpoint(4, *[0] * 400),
                     "points": b"\3\x72\1\x7f"},
    "cifar": {"one": part(b"\3" + ROW), "two": part(b"\1" + ROW) + b"\x09" + ROW + b"\0" + ROW,
              "packed": part(gzip.compress(b"\3" + ROW, mtime=0)), "label": part(b"\x0b" + ROW), "cut": part(ROW)},
    "gzip": {"plain": b"\0some bytes", "packed": b"\0" + gzip.compress(b"some bytes" * 9, mtime=0),
             "whole": b"\1\0\0\0" + b"some bytes" * 30, "damaged": b"\1\x0c\0\1" + b"some bytes" * 30,
             "cut": b"\2\x20\0\0" + bytes(range(200))},
    "idx": {"images": idx((3, 2, 2), range(12)), "labels": idx((4,), [0, 9, 3, 1]), "class": idx((2,), [1, 10]),
            "packed": gzip.compress(idx((2, 2, 2), range(8)), mtime=0), "long": idx((2,), [1, 2, 3]),
            "claim": struct.pack(">4I", 0x803, 60000, 28, 28), "wide": struct.pack(">4I", 0x803, 2**31 - 1, 2**31 - 1, 9)},
    "npy": {"u1": npy("|u1", (3, 2), range(6)), "i4": npy("<i4", (2,), [-1, 7]), "i8": npy("=i8", (1, 1), [2**40]),
            "f2": npy("<f2", (2, 2), [0.5, -1, 6e4, 0]), "f4": npy("<f4", (2, 3), range(6), 2),
            "f8": npy("<f8", (2,), [1e308, float("nan")], 3), "picture": npy("|u1", (1, 3, 4, 4), range(48)),
            "scalar": npy("<f4", (), [1.5]), "empty": npy("<f4", (0, 3), []), "fortran": npy("<f4", (2, 2), range(4), 1, "True"),
            "large": npy("<f8", (2**40, 2**40), [])},
    "options": {"whole": b"\x00100", "seeds": b"\x000..4,10", "all": b"\x000..18446744073709551615", "bytes": b"\x001.5G",
                "model": b"\0mlp:300,100", "number": b"\x001e-3", "word": b"\0iaptt-gm",
                "line": b"\1--dataset=mnist\n--method\nbda\n--bda-mu=0.5\n--seeds\n0..3\n--noise-rates=0.1,0.5\n--memory=2G",
                "own": b"\1--images=a\n--labels=b\n--val-images=c\n--val-labels=d\n--model=mlp:3\n--activation=tanh",
                "aside": b"\1--images=a\n--labels=b\n--val-images=c\n--val-labels=d\n--method=rhg\n--plant=0.5\n"
                         b"--hold-out=0.4\n--patience=2",
                "resume": b"\1--resume\nrun\n--checkpoint-every=60s\n--time-limit=5"},
    "own_data": {"all": parts(IMAGES, LABELS, IMAGES, LABELS), "ids": parts(IMAGES, LABELS, IMAGES, LABELS, IDS),
                 "mixed": parts(IMAGES, LABELS, FLOATS, VALIDATION),
                 "reviewed": parts(IMAGES, LABELS, FLOATS, VALIDATION, IDS, table("id,label", "d,0", "f,1", "a.png,")),
                 "rows": parts(IMAGES, LABELS, IMAGES, LABELS, b"", table("row,label", "5,0", "0,")),
                 "class": parts(IMAGES, npy("<i4", (6,), [0, 1, 2**31 - 2, 1, 0, 0]), IMAGES,
                                npy("<i4", (6,), [0, 1, 2**31 - 2, 1, 0, 0]))},
    "report": {"run": b"\0" + parts(RUN, b"", SUSPECTS, HISTORY, SECONDS, b"", WEIGHTS, b"", PICTURES),
               "transition": b"\0" + parts(TRANSITION, b"", SCORES, b"", b"", CALIBRATION, b"", WEIGHTS),
               "baseline": b"\1" + parts(BASELINE, b"", SCORES),
               "sweep": b"\2" + parts(SWEEP, RUN, SUSPECTS, HISTORY, SECONDS, b"", WEIGHTS),
               "compare": b"\3" + parts(COMPARE)},
    "table": {"suspects": b"\0" + SUSPECTS, "scores": b"\1" + SCORES, "history": b"\0" + HISTORY,
              "crlf": b"\0a,b\r\n1,\r\n\"x\r\ny\",3", "quote": b'\0a\n"open'},
}


def main():
    for target, inputs in SEEDS.items():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, data in inputs.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


main()
