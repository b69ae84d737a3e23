"""Makes Tests/Goldens/sacrebleu/scores.json: what sacreBLEU says of small corpora and how it cuts sentences.

    bleu.py --out FOLDER
"""
import argparse, json, pathlib, random
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

SENTENCES = [
    "Y aconteció en los días que gobernaban los jueces, que hubo hambre en la tierra.",
    "¿Por qué me has tentado? «Nada», respondió; y fuése: 1,000.50 siclos - 3-4 años...",
    "In the beginning God created the heaven and the earth.",
    "a.b,c 1.2,3 .5 5. ,, .. -- 1-2 -3 a-b don't (x) [y] {z} ~ `q` $5 &amp; &lt;b&gt; &quot;hi&quot; 50%",
    "<skipped> the rest/of it -\nbroken line\nand \t more   ",
    "", "   ", ".", "word", "Ünïcödé — naïve… 日本語。 emoji 🙂!",
]


def noisy(words, rng):
    words = list(words)
    for _ in range(rng.randint(0, 4)):
        if not words:
            break
        i = rng.randrange(len(words))
        change = rng.randrange(3)
        if change == 0:
            words.pop(i)
        elif change == 1:
            words[i] = rng.choice(["la", "de", "rey", ",", "dijo"])
        else:
            words.insert(i, words[rng.randrange(len(words))])
    return words


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    rng = random.Random(1)
    base = [s for s in SENTENCES if len(s.split()) > 5]
    corpora = [
        (["the cat sat on the mat"], [["the cat sat on the mat"]]),
        (["the the the the"], [["the cat"]]), (["a b"], [["a b"]]), ([""], [["a b c"]]),
        (["x y z w"], [["a b c d"]]), (["a b c d e"], [["a b c x e f g h"]]),
        (["a b c d e f g h i"], [["a b c d"]]), (["a b c d e"], [["a b c", "a b c d e f g"]]),
    ]
    for size in [1, 2, 5, 20]:
        references = [rng.choice(base) for _ in range(size)]
        corpora.append(([" ".join(noisy(r.split(), rng)) for r in references], [[r] for r in references]))
    corpora.append((SENTENCES, [[s, " ".join(noisy(s.split(), rng))] for s in reversed(SENTENCES)]))
    cases = []
    for translations, references in corpora:
        most = max(map(len, references))
        streams = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
        score = BLEU().corpus_score(translations, streams)
        cases.append({
            "translations": translations, "references": references, "score": score.score,
            "precisions": score.precisions, "penalty": score.bp, "length": score.sys_len,
            "reference_length": score.ref_len})
    cut = Tokenizer13a()
    words = [{"text": s, "words": cut(s.rstrip()).split()} for s in SENTENCES]
    out.mkdir(parents=True, exist_ok=True)
    (out / "scores.json").write_text(json.dumps({"corpora": cases, "sentences": words}, indent=1) + "\n")


if __name__ == "__main__":
    main()
