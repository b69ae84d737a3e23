#!/usr/bin/env python3
"""Makes Sources/CEmbedded/data: the small parts of two data sets that travel inside the binary.

Fashion-MNIST: the first 1,000 training and the first 100 test pictures of each class, in the order of
the originals, as IDX files in gzip. WordNet: every 30th gloss of noun, verb, adj, adv, one a line.

    Reference/embedded.py [/usr/share]      # needs dataset-fashion-mnist and wordnet-base
"""
import gzip
import pathlib
import struct
import sys

share = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share")
target = pathlib.Path(__file__).resolve().parent.parent / "Sources/CEmbedded/data"


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path.relative_to(target), path.stat().st_size)


def fashion(part, per_class):
    folder = share / "datasets/fashion-mnist"
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    taken = [0] * 10
    kept = []
    for index, label in enumerate(labels):
        if taken[label] < per_class:
            taken[label] += 1
            kept.append(index)
    assert taken == [per_class] * 10
    pictures = b"".join(images[784 * i : 784 * (i + 1)] for i in kept)
    out = target / "fashion-mnist"
    write(out / f"{part}-images-idx3-ubyte.gz", struct.pack(">4I", 0x803, len(kept), 28, 28) + pictures)
    write(out / f"{part}-labels-idx1-ubyte.gz", struct.pack(">2I", 0x801, len(kept)) + bytes(labels[i] for i in kept))


def glosses():
    lines = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (share / f"wordnet/data.{part}").read_text("ascii").splitlines():
            if not line.startswith("  "):
                lines.append(line.split("| ", 1)[1].rstrip())
    write(target / "wordnet/glosses.txt.gz", "".join(line + "\n" for line in lines[::30]).encode())


fashion("train", 1000)
fashion("t10k", 100)
glosses()
