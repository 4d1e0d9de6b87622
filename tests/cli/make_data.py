"""Makes small data sets for the tests of the programs, with the standard library alone.

make_data.py PREFIX ROWS CLASSES WRONG SEED [option ...] writes PREFIX-images.npy (u8, ROWS x 4 x 5),
PREFIX-labels.npy (i64), PREFIX-truth.txt (one label a line) and PREFIX-ids.txt. A class's rows are noisy
copies of its pattern; the share WRONG of the labels is redrawn. Options spoil the result:
  nan, infinity   float images with such a value in row 7, column 3
  float           float images without any
  fourfold        the same, times 4
  hundredfold     the same, times 100
  hundredth       the same, divided by 100
  short           one label too few
  negative        a label of -1 in row 5
  missing         no row of class 1
  second          every row is of class 1
  wide            one feature more
  twofold         every second row of a class comes from the negative of its pattern: no linear classifier tells classes
                  apart
"""

import random
import struct
import sys


def write_npy(path, kind, shape, values):
    descr = {"u8": ("|u1", "B"), "i64": ("<i8", "q"), "f32": ("<f4", "f")}[kind]
    dims = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr[0], dims)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%d%s" % (len(values), descr[1]), *values))


def main():
    prefix, rows, classes, wrong, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
    options = sys.argv[6:]
    width = 21 if "wide" in options else 20
    patterns = random.Random("patterns")
    pattern = [[patterns.randrange(256) for _ in range(width)] for _ in range(classes)]
    chance = random.Random(seed)
    truth = [i % classes for i in range(rows)]
    if "second" in options:
        truth = [1] * rows
    if "missing" in options:
        truth = [0 if c == 1 else c for c in truth]
    negative = [i // classes % 2 == 1 and "twofold" in options for i in range(rows)]
    pixels = [
        max(0, min(255, (255 - p if turned else p) + chance.randrange(-60, 61)))
        for c, turned in zip(truth, negative)
        for p in pattern[c]
    ]
    given = [(c + 1 + chance.randrange(classes - 1)) % classes if chance.random() < wrong else c for c in truth]
    if "negative" in options:
        given[5] = -1
    shape = (rows, width) if width != 20 else (rows, 4, 5)
    if {"nan", "infinity", "float", "fourfold", "hundredfold", "hundredth"} & set(options):
        scale = {"fourfold": 4, "hundredfold": 100, "hundredth": 0.01}.get((options + [""])[0], 1)
        values = [scale * p / 255 for p in pixels]
        if {"nan", "infinity"} & set(options):
            values[7 * width + 3] = float("nan" if "nan" in options else "inf")
        write_npy(prefix + "-images.npy", "f32", shape, values)
    else:
        write_npy(prefix + "-images.npy", "u8", shape, pixels)
    if "short" in options:
        given = given[:-1]
    write_npy(prefix + "-labels.npy", "i64", (len(given),), given)
    with open(prefix + "-truth.txt", "w") as file:
        file.writelines("%d\n" % c for c in truth)
    with open(prefix + "-ids.txt", "w") as file:
        file.writelines('photo "%d", left\n' % i for i in range(rows))


main()
