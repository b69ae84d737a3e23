"""Makes Tests/Goldens/tokenizers: what the `tokenizers` library (0.23.3) learns and encodes.

    pip install tokenizers==0.23.3
    python3 Reference/byte_pairs.py CORPUS TEXTS OUT

CORPUS is English text in lines, of which the first 150 kB are kept; TEXTS holds one JSON string a
line. Lines end with U+000A alone.
"""
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers


def rows(path, items):
    text = "".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n" for item in items)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def main(corpus, texts, out):
    out = pathlib.Path(out)
    lines = pathlib.Path(corpus).read_bytes()[:150_000].decode(errors="ignore").split("\n")[:-1]
    out.mkdir(parents=True, exist_ok=True)
    (out / "corpus.txt").write_bytes(("\n".join(lines) + "\n").encode())

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1200, min_frequency=2, special_tokens=["<|endoftext|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    (out / "models").mkdir(exist_ok=True)
    tokenizer.save(str(out / "models" / "bytes-english.json"))

    written = [json.loads(line) for line in pathlib.Path(texts).read_bytes().decode().split("\n") if line]
    written += ["<|endoftext|>", "a<|end|>b<|endoftext|> c", "<|end<|end|>", "it's we'll I'LL '' 's"]
    cases = []
    for text in written:
        ids = tokenizer.encode(text).ids
        cases.append({
            "text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True)})
    rows(out / "cases" / "bytes-english.jsonl", cases)

    choose = random.Random(1)
    lists = [[choose.randrange(1200) for _ in range(choose.randrange(1, 12))] for _ in range(100)]
    rows(out / "decode" / "bytes-english.jsonl", [
        {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
         "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True)} for ids in lists])

    model = json.loads(tokenizer.to_str())["model"]
    (out / "training").mkdir(exist_ok=True)
    golden = {
        "corpus": "corpus.txt", "exact": True,
        "trainer": {"type": "BpeTrainer", "vocab_size": 1200, "min_frequency": 2,
                    "special_tokens": ["<|endoftext|>", "<|end|>"]},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "vocab": sorted(model["vocab"], key=model["vocab"].get), "merges": model["merges"]}
    (out / "training" / "bpe-bytelevel.json").write_text(json.dumps(golden, ensure_ascii=False))


main(*sys.argv[1:])
