"""Makes test/fixtures/weights/{mmengine,torchvision-training}.pth: the tensors of weight_files.py in the checkpoints of two
trainers, with all that those keep beside the weights.

    python test/reference/training_checkpoints.py

Needs mmengine (0.10.7 was used) beside PyTorch, NumPy, onnx and safetensors. MMDetection 3 trains with mmengine's Runner, which writes
the first file itself, after two epochs of a tiny model whose weights are then replaced. The second is the dict of torchvision's
references/detection/train.py.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from weight_files import FOLDER, tensors


class TinyModel(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, *inputs: torch.Tensor, mode: str = "loss") -> dict[str, torch.Tensor]:
        return {"loss": self.layer(torch.stack(inputs)).sum()}


class Ones(torch.utils.data.Dataset):
    metainfo = {"classes": ("cat", "dog"), "palette": [(220, 20, 60), (119, 11, 32)]}

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.ones(2)


def mmengine_checkpoint() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(
            model=TinyModel(),
            work_dir=folder,
            train_dataloader={
                "batch_size": 2,
                "num_workers": 0,
                "sampler": {"type": "DefaultSampler", "shuffle": True},
                "dataset": Ones(),
            },
            train_cfg={"by_epoch": True, "max_epochs": 2},
            optim_wrapper={"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.02, "momentum": 0.9}},
            param_scheduler=[
                {"type": "LinearLR", "start_factor": 0.001, "by_epoch": False, "begin": 0, "end": 500},
                {"type": "MultiStepLR", "by_epoch": True, "begin": 0, "end": 12, "milestones": [8, 11], "gamma": 0.1},
            ],
            default_hooks={"logger": {"type": "LoggerHook", "interval": 1}},
            randomness={"seed": 3},
        )
        runner.train()
        return torch.load(Path(folder) / "epoch_2.pth", weights_only=False)


def torchvision_checkpoint() -> dict:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[16, 22], gamma=0.1)
    model(torch.ones(2)).sum().backward()
    optimizer.step()
    scheduler.step()
    args = argparse.Namespace(
        data_path="coco", model="fasterrcnn_resnet50_fpn", device="cuda", lr_steps=[16, 22], norm_weight_decay=None
    )
    # Neither is torchvision's own, but what people add to their arguments.
    args.output_dir = Path("out")
    args.metrics = defaultdict(list, loss=[0.5])
    args.frozen = {"layer1"}
    return {"optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict(), "args": args, "epoch": 0}


def main() -> None:
    state = OrderedDict(tensors())
    torch.save({**mmengine_checkpoint(), "state_dict": state}, FOLDER / "mmengine.pth")
    torch.save({"model": state, **torchvision_checkpoint()}, FOLDER / "torchvision-training.pth")


if __name__ == "__main__":
    main()
