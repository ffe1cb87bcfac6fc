"""torchvision in eager mode, as most people run it. See peer.py."""

import torch
import torchvision
from make_model import load_detector
from peer import folder, photos, serve, threads

torch.set_num_threads(threads())
model = load_detector(folder())


def detect(photo) -> int:
    with torch.inference_mode():
        image = torch.from_numpy(photo).permute(2, 0, 1).float() / 255
        [found] = model([image])
    return len(found["scores"])


serve("torchvision eager", f"torch {torch.__version__}, torchvision {torchvision.__version__}", photos(), detect)
