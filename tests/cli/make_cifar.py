"""Makes a small data set in CIFAR-10's binary format, with the standard library alone.

make_cifar.py FOLDER ROWS SEED writes data_batch_1.bin to data_batch_5.bin and test_batch.bin, one of them gzipped, of
ROWS records each: a label, then 32 x 32 pixels of red, of green and of blue. A class's rows are noisy copies of its
picture, which is smooth in 4 x 4 blocks.
"""

import gzip
import os
import random
import sys

SIDE, CLASSES = 32, 10


def picture(chance):
    blocks = [[[chance.randrange(40, 216) for _ in range(SIDE // 4)] for _ in range(SIDE // 4)] for _ in range(3)]
    return [plane[row // 4][column // 4] for plane in blocks for row in range(SIDE) for column in range(SIDE)]


def main():
    folder, rows, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.makedirs(folder)
    pictures = [picture(random.Random("picture %d" % c)) for c in range(CLASSES)]
    chance = random.Random(seed)
    for name in ["data_batch_%d.bin" % batch for batch in range(1, 6)] + ["test_batch.bin"]:
        records = bytearray()
        for i in range(rows):
            label = (i * 7 + rows) % CLASSES
            noise = chance.randbytes(3 * SIDE * SIDE)
            records.append(label)
            records += bytes(p + n % 80 - 40 for p, n in zip(pictures[label], noise))
        if name == "data_batch_3.bin":
            with gzip.open(os.path.join(folder, name + ".gz"), "wb") as file:
                file.write(records)
        else:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(records)


main()
