"""Makes Tests/Goldens/torch-seq2seq: recurrent encoder-decoders, classifiers, taggers and writers, written here with
PyTorch's packed sequences and single cells.

    seq2seq.py --seed S --out FOLDER
"""
import argparse, json, pathlib
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
BATCH, SOURCE, TARGET, VOCABULARY, EMBEDDING, WIDTH = 3, 6, 5, 11, 4, 6
KINDS = {"RNN": (nn.RNN, nn.RNNCell), "LSTM": (nn.LSTM, nn.LSTMCell), "GRU": (nn.GRU, nn.GRUCell)}


def packed(network, x, lengths):
    y, state = network(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0], state


class Seq2Seq(nn.Module):
    def __init__(self, cell, layers=1, bidirectional=False, backwards=False, style=None, score=None,
                 feeds=False, inner=5):
        super().__init__()
        network, single = KINDS[cell]
        fed = WIDTH if style == "bahdanau" or feeds else 0
        self.backwards, self.style, self.score, self.feeds = backwards, style, score, feeds
        self.tokens = nn.Embedding(VOCABULARY, EMBEDDING)
        self.encoder = network(EMBEDDING, WIDTH // (2 if bidirectional else 1), layers,
                               bidirectional=bidirectional, batch_first=True)
        # Holds the decoder's weights under PyTorch's names; the steps are taken by single cells.
        self.decoder = network(EMBEDDING + fed, WIDTH, layers)
        self.single = [single(EMBEDDING + fed if i == 0 else WIDTH, WIDTH) for i in range(layers)]
        for i, one in enumerate(self.single):
            for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]:
                delattr(one, name)
                setattr(one, name, getattr(self.decoder, f"{name}_l{i}"))
        if style:
            self.alignment = nn.Module()
            self.alignment.mix = nn.Linear(2 * WIDTH, WIDTH, bias=False)
            rows = SOURCE + 3 if score == "location" else inner
            if score in ("concat", "location"):
                self.alignment.query = nn.Linear(WIDTH, rows, bias=False)
            if score in ("concat", "general"):
                out = inner if score == "concat" else WIDTH
                self.alignment.memory = nn.Linear(WIDTH, out, bias=False)
            if score == "concat":
                self.alignment.vector = nn.Parameter(torch.randn(inner))
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def turned(self, x, lengths):
        return torch.stack([torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(x, lengths)])

    def encode(self, source, lengths):
        x = self.tokens(source)
        if self.backwards:
            x = self.turned(x, lengths)
        y, state = packed(self.encoder, x, lengths)
        if self.backwards:
            y = self.turned(y, lengths)
        parts = state if isinstance(state, tuple) else (state,)
        directions = 2 if self.encoder.bidirectional else 1
        parts = [part.reshape(-1, directions, BATCH, WIDTH // directions).transpose(1, 2)
                 .reshape(-1, BATCH, WIDTH) for part in parts]
        return y, [tuple(part[i] for part in parts) for i in range(self.encoder.num_layers)]

    def look(self, h, memory, mask):
        if self.score == "dot":
            scores = torch.einsum("bh,bsh->bs", h, memory)
        elif self.score == "general":
            scores = torch.einsum("bh,bsh->bs", h, self.alignment.memory(memory))
        elif self.score == "concat":
            both = torch.cat([h[:, None].expand(-1, memory.shape[1], -1), memory], -1)
            block = torch.cat([self.alignment.query.weight, self.alignment.memory.weight], 1)
            scores = torch.tanh(both @ block.T) @ self.alignment.vector
        else:
            scores = self.alignment.query(h)[:, :memory.shape[1]]
        weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        return torch.einsum("bs,bsh->bh", weights, memory), weights

    def forward(self, source, target, lengths):
        memory, states = self.encode(source, lengths)
        mask = torch.arange(source.shape[1]) < lengths[:, None]
        fed = torch.zeros(BATCH, WIDTH)
        logits, alignments = [], []
        for t in range(target.shape[1]):
            x = self.tokens(target[:, t])
            if self.style == "bahdanau":
                context, weights = self.look(states[-1][0], memory, mask)
                x = torch.cat([x, context], -1)
            elif self.feeds:
                x = torch.cat([x, fed], -1)
            for i, one in enumerate(self.single):
                new = one(x, states[i] if len(states[i]) > 1 else states[i][0])
                states[i] = new if isinstance(new, tuple) else (new,)
                x = states[i][0]
            if self.style == "luong":
                context, weights = self.look(x, memory, mask)
            if self.style:
                x = fed = torch.tanh(self.alignment.mix(torch.cat([context, x], -1)))
                alignments.append(weights)
            logits.append(self.head(x))
        result = {"logits": torch.stack(logits, 1)}
        if alignments:
            result["weights"] = torch.stack(alignments, 1)
        return result


class Sequence(nn.Module):
    """A classifier or a tagger."""

    def __init__(self, summary):
        super().__init__()
        self.summary = summary
        self.tokens = nn.Embedding(VOCABULARY, EMBEDDING)
        self.recurrent = nn.GRU(EMBEDDING, WIDTH, 2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * WIDTH, 3)

    def forward(self, source, target, lengths):
        y, state = packed(self.recurrent, self.tokens(source), lengths)
        if self.summary == "last":
            y = torch.cat([state[-2], state[-1]], -1)
        if self.summary == "mean":
            y = y.sum(1) / lengths[:, None]
        return {"logits": self.head(y)}


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.condition = nn.Linear(2, 2 * WIDTH)
        self.tokens = nn.Embedding(VOCABULARY, EMBEDDING)
        self.recurrent = nn.LSTM(EMBEDDING, WIDTH, 2, batch_first=True)
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, source, target, lengths):
        vector = source[:, :2].float() / VOCABULARY
        h = torch.tanh(self.condition(vector)).reshape(BATCH, 2, WIDTH).transpose(0, 1).contiguous()
        y, _ = self.recurrent(self.tokens(target), (h, torch.zeros_like(h)))
        return {"logits": self.head(y)}


CASES = {
    "sutskever": ("Seq2Seq", dict(cell="LSTM", layers=2, backwards=True)),
    "cho": ("Seq2Seq", dict(cell="GRU", layers=2, bidirectional=True)),
    "bahdanau": ("Seq2Seq", dict(cell="GRU", bidirectional=True, style="bahdanau", score="concat")),
    "bahdanau_deep": ("Seq2Seq", dict(cell="LSTM", layers=2, style="bahdanau", score="concat")),
    "luong_dot": ("Seq2Seq", dict(cell="LSTM", style="luong", score="dot")),
    "luong_general": ("Seq2Seq", dict(cell="GRU", layers=2, style="luong", score="general")),
    "luong_concat": ("Seq2Seq", dict(cell="RNN", style="luong", score="concat")),
    "luong_location": ("Seq2Seq", dict(cell="GRU", style="luong", score="location")),
    "luong_dot_fed": ("Seq2Seq", dict(cell="LSTM", layers=2, backwards=True, style="luong",
                                      score="dot", feeds=True)),
    "luong_concat_fed": ("Seq2Seq", dict(cell="GRU", style="luong", score="concat", feeds=True)),
    "last": ("Classifier", dict(summary="last")),
    "mean": ("Classifier", dict(summary="mean")),
    "tags": ("Tagger", dict(summary="none")),
    "writer": ("Writer", {}),
}
MAKERS = {"Seq2Seq": Seq2Seq, "Classifier": Sequence, "Tagger": Sequence, "Writer": Writer}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    weights, reference, config = {}, {}, {}
    for name, (operation, arguments) in CASES.items():
        model = MAKERS[operation](**arguments)
        source = torch.randint(0, VOCABULARY, (BATCH, SOURCE))
        target = torch.randint(0, VOCABULARY, (BATCH, TARGET))
        lengths = torch.tensor([4, SOURCE, 2])
        outputs = model(source, target, lengths)
        probe = torch.randn_like(outputs["logits"])
        if operation == "Tagger":
            # Beyond a row's end there is nothing to compare.
            probe *= (torch.arange(SOURCE) < lengths[:, None])[..., None]
        (outputs["logits"] * probe).sum().backward()
        config[name] = {"operation": operation, "arguments": arguments}
        for key, value in model.named_parameters():
            if key.startswith("single"):
                continue
            weights[f"{name}.{key}"] = value.detach().contiguous()
            reference[f"train.{name}.grad.{key}"] = value.grad.contiguous()
        for key, value in [("source", source), ("target", target), ("lengths", lengths)]:
            reference[f"input.{name}.{key}"] = value.to(torch.int32)
        reference[f"input.{name}.probe.logits"] = probe
        for key, value in outputs.items():
            reference[f"output.{name}.{key}"] = value.detach().contiguous()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "config.json").write_text(json.dumps({"cases": config}, indent=1) + "\n")
    save_file(weights, given.out / "model.safetensors")
    save_file(reference, given.out / "reference.safetensors")


if __name__ == "__main__":
    main()
