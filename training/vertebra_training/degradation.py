"""Trains plain and residual networks of 20 and 56 layers on 32 x 32 crops of objects and writes their training errors.

    OMP_NUM_THREADS=1 nice python -m vertebra_training.degradation --data voc20-train --output degradation.json

The schedule is that of the paper's section 4.2, shorter: SGD with momentum 0.9 and weight decay 0.0001, the rate
divided by ten after half and after three quarters of the epochs. The crops are neither flipped nor moved: what counts
is how well a network fits what it sees. A run that ended early goes on after its last whole epoch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from .checkpoint import read_state, save_checkpoint, write_whole
from .cifar import cifar_network
from .crops import Crops, cut_crops
from .dataset import open_dataset
from .errors import TrainingError
from .main import run
from .precision import PRECISIONS, default_precision

NETWORKS = {"plain-20": (20, False), "ResNet-20": (20, True), "plain-56": (56, False), "ResNet-56": (56, True)}


def train(depth: int, residual: bool, crops: Crops, recipe: dict, state: Path) -> Iterator[tuple[int, dict]]:
    """Yields number, loss and error of each epoch, both of the batches as they are learnt.

    `state` keeps the last epoch that the caller has taken note of: after it the next run goes on.
    """
    torch.manual_seed(recipe["seed"])
    net = cifar_network(depth, len(crops.names), residual).train()
    optimizer = torch.optim.SGD(net.parameters(), recipe["rate"], momentum=0.9, weight_decay=1e-4)
    epochs = recipe["epochs"]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [epochs // 2, epochs * 3 // 4])
    random = torch.Generator().manual_seed(recipe["seed"])
    parts = {"net": net, "optimizer": optimizer, "schedule": schedule}
    if state.exists():
        stored = read_state(state)
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        random.set_state(stored["random"])
    for number in range(schedule.last_epoch, epochs):
        loss_sum = wrong = 0.0
        for chosen in torch.randperm(len(crops.labels), generator=random).split(recipe["batch"]):
            x, wanted = crops.images[chosen].contiguous(memory_format=torch.channels_last), crops.labels[chosen]
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe["precision"] == "bf16"):
                logits = net(x).float()
            loss = F.cross_entropy(logits, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(wanted)
            wrong += (logits.argmax(1) != wanted).sum().item()
        schedule.step()
        yield number, {"loss": round(loss_sum / len(crops.labels), 4), "error": round(wrong / len(crops.labels), 4)}
        stored = {name: part.state_dict() for name, part in parts.items()}
        save_checkpoint({**stored, "random": random.get_state()}, state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="a data set in COCO's format")
    parser.add_argument("--output", required=True, type=Path, help="the curves, .json")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="where tar files are unpacked")
    parser.add_argument("--classes", type=int, default=10, help="the most frequent ones")
    parser.add_argument("--crops", type=int, default=20, help="of each class")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS, help="default: the quicker one here")
    options = parser.parse_args()
    options.precision = options.precision or default_precision("cpu")
    recipe = {key: value for key, value in vars(options).items() if key not in ("data", "output", "cache")}
    content = {"recipe": recipe, "curves": {}}
    if options.output.exists():
        content = json.loads(options.output.read_text())
        if content["recipe"] != recipe:
            raise TrainingError(f"Expected the recipe {content['recipe']} of {options.output} but received {recipe}.")

    crops = cut_crops(open_dataset(options.data, options.cache), options.classes, options.crops, options.seed)
    content["classes"] = crops.names
    for name, (depth, residual) in NETWORKS.items():
        curve = content["curves"].setdefault(name, [])
        state = options.output.with_name(f"{options.output.stem}-{name}.pt")
        if not curve:
            state.unlink(missing_ok=True)
        for number, epoch in train(depth, residual, crops, recipe, state) if len(curve) < options.epochs else ():
            curve[number:] = [epoch]
            print(name, f"{len(curve)}/{options.epochs}", epoch, flush=True)
            write_whole(options.output, json.dumps(content) + "\n")
        state.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
