"""Makes the checkpoint-format fixtures: see Tests/Goldens/formats/README.md.

    formats.py --seed S --mutations N --out DIR

Writes DIR/good, DIR/hostile, DIR/mutated and DIR/expected.json. Every expectation of a good file is what torch 2.13,
numpy and safetensors 0.8 read from it; "reference" beside a hostile file tells what they do with it.
"""
import argparse, collections, io, json, pathlib, pickle, random, struct, warnings, zipfile, zlib
import numpy as np, torch
from safetensors.torch import load_file, save

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
         torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64", torch.bool: "BOOL",
         torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.complex64: "C64", torch.complex128: "C128"}

def described(t):
    """dtype, shape and the elements in row-major order as little-endian bytes in hexadecimal."""
    if isinstance(t, np.ndarray):
        kind = {"f": "F", "i": "I", "u": "U", "b": "BOOL", "c": "C"}[t.dtype.kind]
        kind += "" if kind == "BOOL" else str(t.dtype.itemsize * 8)
        kind = {"C64": "C64", "C128": "C128"}.get(kind, kind)
        return {"dtype": kind, "shape": list(t.shape), "hex": np.ascontiguousarray(t.astype(t.dtype.newbyteorder("<"))).tobytes().hex()}
    flat = t.detach().contiguous().clone().reshape(-1)
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return {"dtype": NAMES[t.dtype], "shape": list(t.shape), "hex": raw.hex()}

def walk(value, path=""):
    """Tensors of a nested checkpoint by dotted path; other leaves as JSON."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return {path: described(value)}, {}
    if isinstance(value, dict) or isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        tensors, others = {}, {}
        for k, v in items:
            a, b = walk(v, f"{path}.{k}" if path else str(k))
            tensors.update(a); others.update(b)
        return tensors, others
    if isinstance(value, torch.Size):
        return {}, {path: list(value)}
    exact = isinstance(value, (float, str, bool, type(None))) or isinstance(value, int) and abs(value) < 2**53
    return {}, {path: value if exact else str(value)}        # larger integers, dtypes and devices as text

class Maker:
    def __init__(self, out, seed):
        self.out, self.g, self.r = pathlib.Path(out), torch.Generator().manual_seed(seed), random.Random(seed)
        self.expected = {"good": {}, "hostile": {}, "mutated": {}}

    def rand(self, *shape, dtype=torch.float32):
        t = torch.randn(shape, generator=self.g, dtype=torch.float64) * 3
        return (t.abs() if dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64) else t).to(dtype) if dtype != torch.bool else t > 0

    def write(self, name, data):
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def good(self, name, data, note, value=None, **extra):
        path = self.write("good/" + name, data)
        if value is None:
            value = read(path)
        tensors, others = walk(value)
        self.expected["good"][name] = {"note": note, "tensors": tensors, **({"values": others} if others else {}), **extra}

    def hostile(self, name, data, refuse, why, accept=None):
        """refuse: the kind of refusal; accept: what a reader may do instead, where that is safe as well."""
        path = self.write("hostile/" + name, data)
        try:
            read(path)
            reference = "reads it"
        except BaseException as error:
            reference = "refuses: " + type(error).__name__
        self.expected["hostile"][name] = {"refuse": refuse, "why": why, **({"or": accept} if accept else {}), "reference": reference}

def read(path):
    if path.suffix == ".safetensors":
        return load_file(str(path))
    if path.suffix in (".npz", ".npy"):
        value = np.load(path, allow_pickle=False)
        return {k: value[k] for k in value.files} if path.suffix == ".npz" else value
    return torch.load(path, weights_only=True, map_location="cpu")

# ---------------------------------------------------------------- safetensors

def st(header, data=b"", length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header, ensure_ascii=False).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data

SPECIAL = [0.0, -0.0, 1.0, -1.5, float("inf"), float("-inf"), float("nan"), 1e-45, 6e-8, 65504.0, 3.4e38, 1 / 3]

def saved(tensors, metadata=None):
    return save({name: t.clone() for name, t in tensors.items()}, metadata=metadata)

def safetensors_files(m):
    f8 = torch.arange(256, dtype=torch.uint8)
    all_types = {f"t.{n.lower()}": m.rand(2, 3, dtype=d) for d, n in NAMES.items() if n not in ("C128",)}
    m.good("all-dtypes.safetensors", saved(all_types), "every dtype of the format")
    m.good("special-values.safetensors", saved({n: torch.tensor(SPECIAL, dtype=torch.float64).to(d) for d, n in NAMES.items() if n in ("F64", "F32", "F16", "BF16")}),
           "signed zero, infinities, NaN, subnormals, largest values")
    m.good("nan-payloads.safetensors", st({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes.fromhex("0100c07f0100807fffffffffefbead7f")),
           "quiet and signalling NaNs with payloads: the bits survive")
    tables = {"e4m3": f8.view(torch.float8_e4m3fn), "e5m2": f8.view(torch.float8_e5m2)}
    m.good("float8-tables.safetensors", saved(tables), "all 256 values of both 8-bit floats", as_float32={k: described(v.float()) for k, v in tables.items()})
    halves = {"f16": torch.tensor(m.r.sample(range(65536), 200), dtype=torch.int32).to(torch.int16).view(torch.float16)}
    halves["bf16"] = halves["f16"].view(torch.bfloat16)
    m.good("half-samples.safetensors", saved(halves), "200 bit patterns as F16 and as BF16", as_float32={k: described(v.float()) for k, v in halves.items()})
    m.good("empty.safetensors", st({}), "no tensor at all")
    m.good("zero-size.safetensors", saved({"none": torch.zeros(0), "inner": torch.zeros(3, 0, 2, dtype=torch.int64), "scalar": m.rand(), "one": m.rand(1)}), "zero-size tensors, a scalar")
    m.good("metadata.safetensors", saved({"w": m.rand(2)}, {"format": "pt", "note": "naïve 数 \"quoted\"\n"}), "__metadata__ with non-ASCII text", metadata={"format": "pt", "note": "naïve 数 \"quoted\"\n"})
    m.good("names.safetensors", saved({"": m.rand(1), "a.b/c d": m.rand(2), "λ.重み": m.rand(3), "__metadata": m.rand(1), "x" * 300: m.rand(1)}), "unusual tensor names, the empty one included")
    h = {"b": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11]}, "a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}
    m.good("unaligned.safetensors", st(h, bytes(range(11))), "an F32 at an odd offset, header length not a multiple of 8, names not in data order")
    m.good("padded-header.safetensors", st(json.dumps(h).encode() + b" " * 37, bytes(range(11))), "header padded with spaces")
    m.good("escaped-names.safetensors", st(b'{"\\u0061\\n\\ud83d\\ude00":{"shape":[1],"data_offsets":[0,1],"dtype":"I8"}}', b"\x80"), "JSON escapes and a surrogate pair in a name, keys in another order")
    shards = [{"layer.0.weight": m.rand(2, 2), "layer.0.bias": m.rand(2)}, {"layer.1.weight": m.rand(2, 2, dtype=torch.bfloat16)}]
    files = [f"model-0000{i + 1}-of-00002.safetensors" for i in range(2)]
    for name, tensors in zip(files, shards):
        m.write("good/sharded/" + name, saved(tensors, {"format": "pt"}))
    index = {"metadata": {"total_size": 32}, "weight_map": {k: f for f, s in zip(files, shards) for k in s}}
    m.write("good/sharded/model.safetensors.index.json", json.dumps(index, indent=1).encode())
    m.expected["good"]["sharded/model.safetensors.index.json"] = {"note": "two shards and their index", "tensors": walk({k: v for s in shards for k, v in s.items()})[0]}

    one = lambda **change: {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **change}}
    eight = bytes(8)
    h = m.hostile
    h("truncated-data.safetensors", st(one(), bytes(5)), "truncated", "the data ends before the tensor does")
    h("truncated-header.safetensors", st(one(), eight)[:20], "truncated", "the file ends inside the header")
    h("seven-bytes.safetensors", b"\x02\0\0\0\0\0\0", "truncated", "no room for the header length")
    h("nothing.safetensors", b"", "truncated", "an empty file")
    h("header-past-end.safetensors", st(one(), eight, length=10_000), "header", "the header length passes the end of the file")
    h("header-huge.safetensors", st(one(), eight, length=2**63 + 5), "header", "a header length that overflows; nothing may be allocated for it")
    h("header-100MB.safetensors", st(one(), eight, length=100_000_001), "header", "over the format's limit of 100 MB")
    h("header-zero.safetensors", st(b"", eight, length=0), "header", "a header of no bytes")
    h("header-not-json.safetensors", st(b"{'a': 1}"), "header", "not JSON")
    h("header-array.safetensors", st(b"[]"), "header", "JSON, but not an object")
    h("header-utf8.safetensors", st(b'{"\xff\xfe":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"), "header", "not UTF-8")
    h("header-trailing.safetensors", st(json.dumps(one()).encode() + b"}", eight), "header", "text after the JSON value")
    h("deep-nesting.safetensors", st(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "header", "100,000 nested arrays: no stack overflow")
    h("overlap.safetensors", st({"a": one()["a"], "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, bytes(12)), "overlap", "two tensors share bytes")
    h("same-bytes.safetensors", st({"a": one()["a"], "b": one()["a"]}, eight), "overlap", "two tensors are the same bytes")
    h("hole.safetensors", st({"a": one()["a"], "b": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}}, bytes(20)), "bounds", "bytes that belong to no tensor")
    h("trailing-bytes.safetensors", st(one(), bytes(9)), "bounds", "bytes after the last tensor")
    h("end-before-begin.safetensors", st(one(data_offsets=[8, 0]), eight), "bounds", "end lies before begin")
    h("past-end.safetensors", st(one(shape=[4], data_offsets=[0, 16]), eight), "truncated", "offsets past the end")
    h("offset-overflow.safetensors", st(one(data_offsets=[2**64 - 8, 2**64]), eight), "header", "an offset above 64 bits")
    h("offset-negative.safetensors", st(one(data_offsets=[-8, 0]), eight), "header", "a negative offset")
    h("offset-float.safetensors", st(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}}', eight), "header", "an offset that is not whole")
    h("offsets-three.safetensors", st(one(data_offsets=[0, 4, 8]), eight), "header", "three offsets")
    h("shape-negative.safetensors", st(one(shape=[-2]), eight), "header", "a negative dimension")
    h("shape-mismatch.safetensors", st(one(shape=[3]), eight), "shape", "3 F32 do not fill 8 bytes")
    h("shape-overflow.safetensors", st(one(shape=[2**62, 2**62, 4]), eight), "shape", "the element count overflows 64 bits")
    h("shape-overflow-to-fit.safetensors", st(one(shape=[2**63 + 1, 2]), eight), "shape", "the count is 2 modulo 2^64: wrapping arithmetic would accept it")
    h("shape-overflow-zero.safetensors", st({"a": {"dtype": "F32", "shape": [2**40, 2**40, 0], "data_offsets": [0, 0]}}), "shape", "the product overflows before the zero", accept="reads it as zero-size")
    h("dtype-unknown.safetensors", st(one(dtype="F31"), eight), "dtype", "an unknown dtype")
    h("dtype-number.safetensors", st(one(dtype=5), eight), "header", "the dtype is not a string")
    h("field-missing.safetensors", st({"a": {"dtype": "F32", "shape": [2]}}, eight), "header", "no data_offsets")
    h("metadata-number.safetensors", st({"__metadata__": {"a": 1}, **one()}, eight), "header", "metadata values must be strings")
    h("duplicate-name.safetensors", st(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"xy"), "duplicate", "one name twice: the format forbids it")
    for name, target, kind, why in [("index-traversal", "../../escape.safetensors", "path", "the shard lies outside the folder"), ("index-absolute", "/etc/hostname", "path", "an absolute shard path"),
                                    ("index-missing", "model-00009.safetensors", "missing", "the shard does not exist")]:
        m.write(f"hostile/{name}/model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": {"a": target}}).encode())
        m.expected["hostile"][f"{name}/model.safetensors.index.json"] = {"refuse": kind, "why": why}
    m.write("hostile/index-lies/model-1.safetensors", st(one(), eight))
    m.write("hostile/index-lies/model.safetensors.index.json", json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}).encode())
    m.expected["hostile"]["index-lies/model.safetensors.index.json"] = {"refuse": "missing", "why": "the shard does not hold tensor b"}

# ---------------------------------------------------------------- torch: zip and legacy

def torch_bytes(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()

def rezip(data, change, compression=zipfile.ZIP_STORED):
    """Copies an archive entry by entry; `change(name, bytes)` gives (name, bytes) pairs."""
    buffer, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(data))
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for info in source.infolist():
            for name, content in change(info.filename, source.read(info)):
                target.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()

def torch_zip(pickle_bytes, storages=(), root="archive", compression=zipfile.ZIP_STORED, byteorder=b"little"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as z:
        for name, data in [("data.pkl", pickle_bytes), ("byteorder", byteorder), ("version", b"3\n")] + [(f"data/{k}", v) for k, v in storages]:
            z.writestr(zipfile.ZipInfo(f"{root}/{name}"), data, compression)
    return buffer.getvalue()

def tensor_pickle(numel=4, size=(4,), stride=(1,), offset=0, key="0", storage="torch FloatStorage", kind="storage"):
    """The opcodes of {'w': tensor} as torch writes them, each number free to lie."""
    number = lambda n: b"\x8a\x09" + n.to_bytes(9, "little", signed=True)
    text = lambda s: b"X" + struct.pack("<I", len(s.encode())) + s.encode()
    tup = lambda values: b"(" + b"".join(number(v) for v in values) + b"t"
    glob = lambda s: b"c" + s.replace(" ", "\n").encode() + b"\n"
    return (b"\x80\x02}" + text("w") + glob("torch._utils _rebuild_tensor_v2") + b"((" + text(kind) + glob(storage) + text(key) + text("cpu") + number(numel) + b"tQ"
            + number(offset) + tup(size) + tup(stride) + b"\x89" + glob("collections OrderedDict") + b")Rt" + b"R" + b"s.")

def torch_files(m):
    types = {n.lower(): m.rand(2, 3, dtype=d) for d, n in NAMES.items()}
    base = m.rand(4, 6)
    tied = m.rand(3, 2)
    views = {"whole": base, "transposed": base.t(), "strided": base[::2, 1::2], "row": base[2], "expanded": m.rand(1, 3).expand(4, 3), "scalar": base[1, 1], "permuted": m.rand(2, 3, 4).permute(2, 0, 1)}
    torch.manual_seed(m.r.randrange(10**6))
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 2))
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.25)
    for p in module.parameters():
        p.grad = m.rand(*p.shape)
    optimizer.step()
    checkpoint = {"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7, "best": 0.875, "name": "ünïcode", "done": True, "none": None,
                  "sizes": torch.Size([2, 3]), "dtype": torch.float16, "big": 2**70, "history": [1.5, -2, (3, "x")], "nested": {"deep": {"w": m.rand(2)}}}
    samples = {"dtypes": (types, "every dtype"), "views": (views, "non-contiguous, strided, expanded and offset views of shared storages"),
               "tied": ({"embed.weight": tied, "head.weight": tied, "part": tied[1:]}, "tied tensors: one storage, three names"),
               "special": ({n: torch.tensor(SPECIAL, dtype=torch.float64).to(d) for d, n in NAMES.items() if n in ("F64", "F32", "F16", "BF16")}, "signed zeros, infinities, NaN, subnormals"),
               "zero-size": ({"none": torch.zeros(0), "inner": torch.zeros(3, 0, 2), "scalar": m.rand()}, "zero-size tensors and a scalar"),
               "checkpoint": (checkpoint, "a training checkpoint: model and optimizer state, plain values, nesting"),
               "state-dict": (module.state_dict(), "a module's OrderedDict with _metadata"),
               "parameters": ({"p": torch.nn.Parameter(m.rand(2, 2)), "frozen": torch.nn.Parameter(m.rand(2), requires_grad=False), "buffer": torch.nn.Buffer(m.rand(1))}, "Parameters and a Buffer"),
               "tensor": (m.rand(2, 2), "a bare tensor (its path is the empty string)"), "list": ([m.rand(1), {"k": m.rand(2)}, (m.rand(1),)], "a list at the top")}
    for name, (value, note) in samples.items():
        m.good(f"{name}.pth", torch_bytes(value), note + ", zip container")
        if name != "dtypes":
            m.good(f"{name}-legacy.pth", torch_bytes(value, _use_new_zipfile_serialization=False), note + ", legacy container")
    legacy_types = {k: v for k, v in types.items() if k not in ("u16", "u32", "u64", "f8_e4m3", "f8_e5m2")}
    m.good("dtypes-legacy.pth", torch_bytes(legacy_types, _use_new_zipfile_serialization=False), "the dtypes that have a storage class, legacy container")
    for protocol in (3, 4, 5):
        value = {"w": m.rand(2), "s": "text", "n": -300, "l": [1] * 3}
        m.good(f"protocol-{protocol}.pth", torch_bytes(value, pickle_protocol=protocol), f"pickle protocol {protocol}", value=value)
    small = torch_bytes({"w": m.rand(3)})
    m.good("other-root.bin", rezip(small, lambda n, b: [("pytorch_model/" + n.split("/", 1)[1], b)]), "another root folder in the archive, as in pytorch_model.bin")
    m.good("deflated.pth", rezip(small, lambda n, b: [(n, b)], zipfile.ZIP_DEFLATED), "entries deflated by another tool")
    m.good("no-byteorder.pt", rezip(small, lambda n, b: [] if "byteorder" in n or ".format" in n or ".data/" in n else [(n, b)]), "an archive of an older torch: data.pkl, version and data only")
    shards = [{"a": m.rand(2)}, {"b": m.rand(1, 2)}]
    for i, s in enumerate(shards):
        m.write(f"good/sharded-bin/pytorch_model-0000{i + 1}-of-00002.bin", torch_bytes(s))
    m.write("good/sharded-bin/pytorch_model.bin.index.json", json.dumps({"metadata": {"total_size": 16}, "weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}).encode())
    m.expected["good"]["sharded-bin/pytorch_model.bin.index.json"] = {"note": "two .bin shards and their index", "tensors": walk({**shards[0], **shards[1]})[0]}
    scalar = torch_bytes({"w": m.rand(2), "best": np.float64(0.5)})
    with torch.serialization.safe_globals([np._core.multiarray.scalar, np.dtype, np.dtypes.Float64DType]):
        m.good("numpy-scalar.pth", scalar, "a numpy scalar among the values: common in training checkpoints; its tensor must be readable", value={"w": torch.load(io.BytesIO(scalar), weights_only=False)["w"]})
    names = torch_bytes({"model": {"w": m.rand(2)}, "args": argparse.Namespace(lr=0.1, name="run")})
    m.good("namespace.pth", names, "an argparse.Namespace beside the model: the tensors are readable, the Namespace is a plain record or is left out; it is never executed", value={"model": torch.load(io.BytesIO(names), weights_only=False)["model"]})

    h = m.hostile
    call = lambda module, name: b"\x80\x02c" + module + b"\n" + name + b"\n(X\x04\x00\x00\x00truetR."
    stack_global = lambda module, name: (b"\x80\x04\x8c" + bytes([len(module)]) + module + b"\x8c" + bytes([len(name)]) + name + b"\x93\x8c\x04true\x85R.")
    attacks = {"os-system": call(b"os", b"system"), "posix-system": call(b"posix", b"system"), "stack-global": stack_global(b"os", b"system"), "eval": call(b"builtins", b"eval"),
               "exec-py2": call(b"__builtin__", b"exec"), "getattr": call(b"builtins", b"getattr"), "popen-newobj": b"\x80\x02csubprocess\nPopen\nX\x04\x00\x00\x00true\x85\x81.",
               "inst": b"(X\x04\x00\x00\x00trueios\nsystem\n.", "obj": b"(cos\nsystem\nX\x04\x00\x00\x00trueo.", "inside-state-dict": b"\x80\x02}X\x01\x00\x00\x00wcos\nsystem\nX\x04\x00\x00\x00true\x85Rs.",
               "build-setstate": b"\x80\x02ctorch.nn.modules.container\nSequential\n)R}X\x01\x00\x00\x00acos\nsystem\nX\x04\x00\x00\x00true\x85Rsb.", "dotted-name": stack_global(b"torch.serialization", b"os.system"),
               "torch-hub": call(b"torch.hub", b"load"), "extension": b"\x80\x02\x82\x01.", "runpy": call(b"runpy", b"_run_code")}
    for name, data in attacks.items():
        h(f"pickle-{name}.pth", torch_zip(data), "unsafe", "the pickle asks for a callable that is not on the list; nothing is executed")
    legacy = lambda payload: pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2) + pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2) + payload
    h("pickle-os-system-legacy.pth", legacy(attacks["os-system"]), "unsafe", "the same in the legacy container")
    h("pickle-plain.bin", attacks["os-system"], "unsafe", "a bare pickle: no torch container at all")
    small_bytes = np.arange(4, dtype="<f4").tobytes()
    ok = lambda **k: torch_zip(tensor_pickle(**k), [("0", small_bytes)])
    m.good("handmade.pth", ok(), "the base of the hostile tensors below")
    h("storage-short.pth", ok(numel=400, size=(400,)), "truncated", "the storage file is shorter than it says")
    h("size-past-storage.pth", ok(size=(5,)), "bounds", "the view passes the end of its storage")
    h("stride-past-storage.pth", ok(size=(2, 2), stride=(3, 1)), "bounds", "the last element lies outside")
    h("offset-past-storage.pth", ok(offset=2), "bounds", "the offset pushes the view outside")
    h("offset-negative.pth", ok(offset=-1), "bounds", "a negative offset")
    h("stride-negative.pth", ok(stride=(-1,), offset=3), "bounds", "a negative stride")
    h("size-negative.pth", ok(size=(-4,)), "shape", "a negative size")
    h("size-huge.pth", ok(size=(2**62, 8), stride=(0, 0)), "shape", "the element count overflows; stride 0 keeps it inside the storage")
    h("size-terabyte-stride-0.pth", ok(size=(2**38,), stride=(0,)), "limit", "one float expanded to a terabyte: a view may be kept, a copy must not be made blindly", accept="reads it as a view without copying")
    h("stride-count.pth", ok(size=(2, 2), stride=(1,)), "shape", "sizes and strides differ in number")
    h("storage-missing.pth", ok(key="7"), "missing", "the storage is not in the archive")
    h("storage-traversal.pth", torch_zip(tensor_pickle(key="../../../escape"), [("0", small_bytes)]), "path", "the storage key leaves the archive's folder", accept="refuses as missing")
    h("storage-type.pth", ok(storage="torch WeirdStorage"), "unsafe", "an unknown storage class", accept="refuses as dtype")
    h("persistent-kind.pth", ok(kind="module"), "unsupported", "a persistent id that is no storage")
    p = tensor_pickle()
    h("pickle-truncated.pth", torch_zip(p[: len(p) // 2], [("0", small_bytes)]), "truncated", "the pickle ends in the middle")
    h("pickle-empty.pth", torch_zip(b""), "truncated", "an empty pickle")
    h("pickle-stack-underflow.pth", torch_zip(b"\x80\x02R."), "corrupt", "REDUCE on an empty stack")
    h("pickle-no-mark.pth", torch_zip(b"\x80\x02K\x01t."), "corrupt", "TUPLE without MARK")
    h("pickle-memo-missing.pth", torch_zip(b"\x80\x02h\x05."), "corrupt", "a memo entry never stored")
    h("pickle-opcode.pth", torch_zip(b"\x80\x02\xff."), "corrupt", "an unknown opcode")
    h("pickle-string-huge.pth", torch_zip(b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"abc."), "truncated", "a string that claims 2^60 bytes: nothing may be allocated for it")
    h("pickle-long-huge.pth", torch_zip(b"\x80\x02\x8b\xff\xff\xff\x7fabc."), "truncated", "an integer that claims 2 GB")
    h("pickle-long-negative.pth", torch_zip(b"\x80\x02\x8b\xff\xff\xff\xffabc."), "corrupt", "an integer of negative length")
    h("pickle-memo-huge.pth", torch_zip(b"\x80\x02Nr\xff\xff\xff\xff."), "corrupt", "memo index 2^32-1: no array of that length", accept="reads None")
    h("pickle-deep.pth", torch_zip(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."), "limit", "a list nested 200,000 deep: no stack overflow, on reading or on freeing", accept="reads it")
    h("pickle-laughs.pth", torch_zip(b"\x80\x02]q\x00" + b"".join(b"](" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(60)) + b"."), "limit", "2^60 leaves by shared references in a few hundred bytes", accept="reads it without visiting every path")
    h("pickle-cycle.pth", torch_zip(b"\x80\x02]q\x00h\x00a."), "limit", "a list that holds itself", accept="reads it without endless recursion")
    h("pickle-protocol.pth", torch_zip(b"\x80\x63N."), "unsupported", "pickle protocol 99")
    h("big-endian.pth", torch_zip(tensor_pickle(), [("0", small_bytes)], byteorder=b"big"), "unsupported", "written on a big-endian machine", accept="swaps the bytes")
    big = pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2) + pickle.dumps({"protocol_version": 1001, "little_endian": False, "type_sizes": {}}, 2)
    h("big-endian-legacy.pth", big + tensor_pickle() + pickle.dumps(["0"], 2) + struct.pack("<q", 4) + small_bytes, "unsupported", "legacy container of a big-endian machine", accept="swaps the bytes")
    whole = torch_bytes(samples["tied"][0], _use_new_zipfile_serialization=False)
    h("legacy-truncated.pth", whole[:-7], "truncated", "the last storage is cut")
    h("legacy-numel.pth", whole.replace(struct.pack("<q", 6), struct.pack("<q", 2**60)), "truncated", "a storage that claims 2^60 elements")
    h("legacy-magic.pth", pickle.dumps(12345, 2) + whole[20:], "unsupported", "another magic number")
    h("sparse.pth", torch_bytes({"s": torch.eye(3).to_sparse()}), "unsupported", "a sparse tensor", accept="reads it as dense")
    h("quantized.pth", torch_bytes({"q": torch.quantize_per_tensor(m.rand(2, 2), 0.1, 0, torch.qint8)}), "unsupported", "a quantized tensor", accept="reads it dequantized")
    h("module.pth", torch_bytes(torch.nn.Linear(2, 2)), "unsafe", "a whole pickled module instead of its state dict")
    zipped = torch_bytes({"w": m.rand(64)})
    h("zip-truncated.pth", zipped[: len(zipped) * 2 // 3], "truncated", "the central directory is missing")
    h("zip-crc.pth", zipped.replace(zipfile.ZipFile(io.BytesIO(zipped)).read("archive/data/0")[40:60], b"\0" * 20), "corrupt", "an entry does not match its CRC-32")
    h("zip-traversal.pth", rezip(zipped, lambda n, b: [("../../../../tmp/escape", b)] if n.endswith("data/0") else [(n, b)]), "missing", "an entry named to escape; the reader writes no file")
    h("zip-empty.pth", b"PK\x05\x06" + bytes(18), "missing", "an archive of no entry")
    h("zip-no-pickle.pth", rezip(zipped, lambda n, b: [] if n.endswith(".pkl") else [(n, b)]), "missing", "no data.pkl")
    h("zip-duplicate.pth", rezip(zipped, lambda n, b: [(n, b), (n, bytes(len(b)))] if n.endswith("data/0") else [(n, b)]), "duplicate", "one entry name twice", accept="takes the last, as zip readers do")
    bomb = bytearray(torch_zip(tensor_pickle(numel=2**28, size=(2**28,)), [("0", bytes(1 << 24))], compression=zipfile.ZIP_DEFLATED))
    h("zip-inflates-short.pth", bytes(bomb), "truncated", "16 MB in 16 KB where the pickle asks for 1 GB: never allocate by the claim alone")
    claim = bytearray(ok())
    at = claim.rfind(b"PK\x01\x02", 0, claim.rfind(b"archive/data/0"))
    claim[at + 20:at + 28] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
    h("zip-size-claim.pth", bytes(claim), "corrupt", "the directory claims a 4 GB entry in a file of 1 KB", accept="refuses as truncated")
    flag = bytearray(ok()); at = flag.find(b"PK\x01\x02"); flag[at + 8] |= 1
    h("zip-encrypted.pth", bytes(flag), "unsupported", "an encrypted entry")
    method = bytearray(ok()); at = method.find(b"PK\x01\x02"); method[at + 10] = 99
    h("zip-method.pth", bytes(method), "unsupported", "an unknown compression method")
    away = bytearray(ok()); at = away.find(b"PK\x01\x02"); away[at + 42:at + 46] = struct.pack("<I", 0x7FFFFFFF)
    h("zip-local-offset.pth", bytes(away), "corrupt", "an entry that starts past the end", accept="refuses as truncated")

# ---------------------------------------------------------------- numpy

def npy(descr, shape, data, fortran=False, version=(1, 0), header=None):
    text = (header or "{'descr': %r, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)).encode("utf-8" if version[0] == 3 else "latin1")
    size = 10 if version[0] == 1 else 12
    text += b" " * (-(size + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + data

def numpy_files(m):
    array = lambda *shape, dtype="<f4": m.rand(*shape).numpy().astype(dtype)
    def saved_npy(a, **k):
        b = io.BytesIO(); np.save(b, a, **k); return b.getvalue()
    def saved_npz(compressed=False, **arrays):
        b = io.BytesIO(); (np.savez_compressed if compressed else np.savez)(b, **arrays); return b.getvalue()
    kinds = {d: (np.abs(array(2, 3) * 9) if d.startswith(("u", "<u")) else array(2, 3)).astype(d) for d in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8")}
    m.good("dtypes.npz", saved_npz(**kinds), "every dtype, stored")
    m.good("dtypes-deflated.npz", saved_npz(True, **kinds), "every dtype, deflated")
    m.good("fortran.npy", saved_npy(np.asfortranarray(array(3, 4))), "column-major order: the values are those of numpy's own indexing")
    m.good("fortran-3d.npz", saved_npz(a=np.asfortranarray(array(2, 3, 4)), b=array(4)), "column-major in three dimensions")
    m.good("scalar.npy", saved_npy(np.float32(m.rand().item())), "zero dimensions")
    m.good("zero-size.npy", saved_npy(np.zeros((3, 0, 2), "<f4")), "no element")
    m.good("one-dimension.npy", saved_npy(array(5)), "one dimension: the shape is written (5,)")
    m.good("big-endian.npy", saved_npy(array(3, dtype=">f4")), "big-endian elements: converted")
    m.good("version-2.npy", npy("<f4", "(2,)", array(2).tobytes(), version=(2, 0)), "format version 2.0")
    m.good("version-3.npy", npy("<f4", "(2,)", array(2).tobytes(), version=(3, 0)), "format version 3.0")
    m.good("python2-header.npy", npy("<f4", "(2L, 1L)", array(2).tobytes()), "a header of Python 2 with long integers")
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        with z.open("w.npy", "w", force_zip64=True) as f:
            f.write(saved_npy(array(2, 2)))
    m.good("zip64.npz", b.getvalue(), "zip64 extra fields")
    m.good("names.npz", saved_npz(**{"enc/w": array(1), "λ": array(2), "a.b": array(1)}), "names with a slash, a dot, a Greek letter")

    h, data = m.hostile, bytes(8)
    h("object.npy", saved_npy(np.array([1, "a"], dtype=object), allow_pickle=True), "unsafe", "an object array is a pickle")
    h("text.npy", saved_npy(np.array(["ab", "c"])), "dtype", "text elements", accept="reads it as text")
    h("structured.npy", saved_npy(np.zeros(2, [("a", "<f4"), ("b", "<i4")])), "dtype", "structured elements")
    h("datetime.npy", saved_npy(np.zeros(2, "<M8[s]")), "dtype", "dates")
    h("magic.npy", b"\x93NUMPX" + npy("<f4", "(2,)", data)[6:], "header", "wrong magic")
    h("version-9.npy", b"\x93NUMPY\x09\x00" + npy("<f4", "(2,)", data)[8:], "unsupported", "format version 9")
    h("header-past-end.npy", npy("<f4", "(2,)", data)[:8] + b"\xff\xff" + b"{", "truncated", "the header passes the end")
    h("header-4GB.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "truncated", "the header claims 4 GB")
    h("header-code.npy", npy("", "", data, header="__import__('os').system('true')"), "header", "code instead of a dictionary; nothing is executed")
    h("header-call.npy", npy("", "", data, header="{'descr': '<f4', 'fortran_order': False, 'shape': (int('2'),), }"), "header", "a call inside the dictionary")
    h("header-missing-key.npy", npy("", "", data, header="{'descr': '<f4', 'shape': (2,), }"), "header", "no fortran_order")
    h("header-extra-key.npy", npy("", "", data, header="{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1, }"), "header", "an unknown key")
    h("header-deep.npy", npy("", "", data, header="{'descr': " + "(" * 20000 + ")" * 20000 + ", 'fortran_order': False, 'shape': (2,), }"), "header", "20,000 nested tuples")
    h("shape-negative.npy", npy("<f4", "(-2,)", data), "shape", "a negative dimension")
    h("shape-overflow.npy", npy("<f4", "(4611686018427387904, 4)", data), "shape", "the count overflows", accept="refuses as truncated")
    h("shape-huge.npy", npy("<f4", "(1099511627776,)", data), "truncated", "4 TB in 8 bytes: never allocate by the claim alone")
    h("shape-bool.npy", npy("<f4", "(True, 2)", data), "header", "a dimension that is no number", accept="reads True as 1, as numpy does")
    h("truncated.npy", npy("<f4", "(3,)", data), "truncated", "the data ends early")
    h("trailing.npy", npy("<f4", "(1,)", data), "bounds", "bytes after the array", accept="ignores them, as numpy does")
    h("traversal.npz", archive([("../../escape.npy", npy("<f4", "(2,)", data))]), "path", "an entry named to escape", accept="reads it under that name; the reader writes no file")
    h("not-npy.npz", archive([("readme.txt", b"hello")]), "header", "an entry that is no .npy", accept="leaves it out")
    h("bomb.npz", archive([("a.npy", npy("<f4", "(2,)", data + bytes(1 << 25)))]), "bounds", "32 MB of zeros behind an array of two elements: stop inflating at the array's end", accept="reads the two elements")
    h("bomb-shape.npz", archive([("a.npy", npy("<f4", "(1099511627776,)", data))]), "truncated", "an entry that claims 4 TB")
    broken = bytearray(archive([("a.npy", npy("<f4", "(200,)", np.arange(200, dtype="<f4").tobytes()))]))
    broken[150] ^= 0xFF; broken[151] ^= 0xFF
    h("deflate-corrupt.npz", bytes(broken), "corrupt", "a damaged deflate stream")
    h("object.npz", archive([("a.npy", saved_npy(np.array([None], dtype=object), allow_pickle=True))]), "unsafe", "an object array inside an archive")
    h("duplicate.npz", archive([("a.npy", npy("<f4", "(1,)", b"\0\0\x80?")), ("a.npy", npy("<f4", "(1,)", b"\0\0\0@"))]), "duplicate", "one name twice", accept="takes the last")

def archive(entries):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        for name, data in entries:
            z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return b.getvalue()

# ---------------------------------------------------------------- tokenizer.json and config.json

def json_files(m):
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}
    model = lambda **k: {**base, "model": {**base["model"], **k}}
    from tokenizers import Tokenizer
    def h(name, value, refuse, why, accept=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        m.write(f"hostile/tokenizer-{name}.json", data)
        try:
            Tokenizer.from_str(data.decode("utf-8")); reference = "reads it"
        except BaseException as error:
            reference = "refuses: " + str(error)[:100]
        m.expected["hostile"][f"tokenizer-{name}.json"] = {"refuse": refuse, "why": why, **({"or": accept} if accept else {}), "reference": reference}
    h("not-json", b"{", "header", "not JSON")
    h("utf8", b'{"model": "\xff"}', "header", "not UTF-8")
    h("deep", b"[" * 100_000, "header", "100,000 open brackets: no stack overflow")
    h("no-model", {k: v for k, v in base.items() if k != "model"}, "header", "no model")
    h("model-type", model(type="Quantum"), "unsupported", "an unknown model type: the message names it")
    h("normalizer-type", {**base, "normalizer": {"type": "Sing"}}, "unsupported", "an unknown normalizer")
    h("merge-unknown", model(merges=[["a", "z"]]), "corrupt", "a merge of a token outside the vocabulary")
    h("merge-result", model(vocab={"a": 0, "b": 1}), "corrupt", "the merged token is outside the vocabulary")
    h("merge-three", model(merges=["a b c"]), "corrupt", "a merge of three parts")
    h("id-negative", model(vocab={"a": -1}, merges=[]), "header", "a negative id")
    h("id-huge", model(vocab={"a": 2**40}, merges=[]), "header", "an id over 32 bits: no array of that length")
    h("id-duplicate", model(vocab={"a": 0, "b": 0}, merges=[]), "duplicate", "two tokens of one id", accept="reads it, as the reference does")
    h("id-sparse", model(vocab={"a": 0, "b": 4_000_000_000}, merges=[]), "limit", "an id of four thousand million", accept="reads it without an array of that length")
    h("regex", {**base, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(["}, "behavior": "Isolated", "invert": False}}, "corrupt", "a broken regular expression")
    h("regex-backtrack", {**base, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}}, "limit", "catastrophic backtracking on 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab': bounded time or refusal, no hang", accept="reads it; encoding that text ends in bounded time")
    h("charsmap", {**base, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}}, "corrupt", "a table whose length passes its end")
    h("template", {**base, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}}], "pair": [], "special_tokens": {}}}, "corrupt", "a template names a special token that it does not define")
    h("unigram-unk", {**base, "model": {"type": "Unigram", "unk_id": 5, "vocab": [["a", -1.0]]}}, "corrupt", "unk_id outside the vocabulary")
    h("unigram-nan", b'{"version":"1.0","model":{"type":"Unigram","unk_id":0,"vocab":[["a",NaN]]}}', "header", "NaN is not JSON")

# ---------------------------------------------------------------- mutations

def mutations(m, count):
    """Damaged copies of small good files. Whatever a reader does, it ends in bounded time and memory without a crash;
    it refuses, or gives tensors whose element counts fit their shapes."""
    sources = sorted(p for p in (m.out / "good").rglob("*") if p.is_file() and p.stat().st_size < 3000 and p.suffix in (".safetensors", ".pth", ".npz", ".npy", ".bin", ".pt"))
    for i in range(count):
        source = m.r.choice(sources)
        data = bytearray(source.read_bytes())
        how = m.r.choice(["flip", "flip", "set", "cut", "insert", "delete", "swap"])
        for _ in range(m.r.choice([1, 1, 2, 8])):
            at = m.r.randrange(max(1, min(len(data), 400 if m.r.random() < .5 else len(data))))
            if how == "flip": data[at % max(1, len(data))] ^= 1 << m.r.randrange(8)
            elif how == "set": data[at % max(1, len(data))] = m.r.choice([0, 0x7F, 0x80, 0xFF])
            elif how == "cut": data = data[:max(1, len(data) - m.r.randrange(1, 64))]
            elif how == "insert": data[at:at] = bytes(m.r.randrange(256) for _ in range(m.r.choice([1, 4, 8])))
            elif how == "delete" and len(data) > 20: del data[at:at + m.r.choice([1, 4, 8])]
            else: data[at:at + 8], data[8:16] = data[8:16], data[at:at + 8]
        name = f"{i:03d}-{how}{source.suffix}"
        path = m.write("mutated/" + name, bytes(data))
        try:
            tensors, _ = walk(read(path))
            reference = "reads it"
        except BaseException as error:
            reference = "refuses: " + type(error).__name__
        m.expected["mutated"][name] = {"from": source.relative_to(m.out / "good").as_posix(), "reference": reference}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mutations", type=int, default=40)
    parser.add_argument("--out", required=True)
    a = parser.parse_args()
    m = Maker(a.out, a.seed)
    for part in (safetensors_files, torch_files, numpy_files, json_files):
        part(m)
    mutations(m, a.mutations)
    text = lambda d: "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in d.items()) + "\n}"
    (m.out / "expected.json").write_text("{" + ",\n".join(f'"{k}": {text(v)}' for k, v in m.expected.items()) + "}\n", encoding="utf-8")
    print({k: len(v) for k, v in m.expected.items()})

if __name__ == "__main__":
    main()
