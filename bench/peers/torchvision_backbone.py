"""torchvision's ResNet-101 alone, in eager mode. See peer.py."""

import torch
from make_model import load_detector
from peer import folder, network_input, serve, threads

torch.set_num_threads(threads())
body = load_detector(folder()).backbone.body


def extract(image) -> int:
    with torch.inference_mode():
        return len(body(torch.from_numpy(image)))


serve("torchvision eager", f"torch {torch.__version__}", [network_input()], extract)
