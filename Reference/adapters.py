"""Makes Tests/Goldens/peft-plain and peft-stabilized: low-rank adapters of PEFT, with what they make of a small network.

    adapters.py --seed S --out FOLDER

`adapter/` is what PEFT saves; `reference.safetensors` has the base weights, an input, the output with adapters, the
merged weights and the gradients of the output's product with a probe.
"""
import argparse, json, pathlib
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import nn

torch.set_num_threads(1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.point = nn.Conv2d(3, 4, 1)
        self.hidden = nn.Linear(4, 6)
        self.out = nn.Linear(6, 5)

    def forward(self, x):
        h = self.point(torch.tanh(self.conv(x))).mean((2, 3))
        return self.out(torch.tanh(self.hidden(h)))


def case(folder, stabilized, seed):
    torch.manual_seed(seed)
    base = Network()
    tensors = {f"base.{k}": v.clone() for k, v in base.state_dict().items()}
    config = LoraConfig(r=2, lora_alpha=6, lora_dropout=0.0, target_modules=["conv", "point", "hidden", "out"],
                        use_rslora=stabilized, rank_pattern={"hidden": 3}, alpha_pattern={"out": 5})
    model = get_peft_model(base, config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.copy_(torch.randn_like(p) * 0.5)
    model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    x, probe = torch.randn(2, 2, 4, 4), torch.randn(2, 5)
    y = model(x)
    (y * probe).sum().backward()
    for name, p in model.named_parameters():
        if "lora_" in name:
            tensors["grad." + name.replace(".default", "")] = p.grad.clone()
    tensors.update(x=x, probe=probe, y=y.detach().clone())
    merged = model.merge_and_unload()
    tensors.update({f"merged.{k}": v.clone() for k, v in merged.state_dict().items()})
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "reference.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", default="Tests/Goldens")
    arguments = parser.parse_args()
    for index, name in enumerate(["plain", "stabilized"]):
        folder = pathlib.Path(arguments.out) / f"peft-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        case(folder, name == "stabilized", arguments.seed + index)
