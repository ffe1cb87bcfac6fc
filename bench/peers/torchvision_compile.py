"""torchvision with torch.compile: the network (backbone and pyramid, RPN head, box head), between which Python selects boxes.

Compiled as a whole, the detector breaks into many graphs with sizes that change from photo to photo. See peer.py.
"""

import torch
import torchvision
from make_model import load_detector
from peer import folder, photos, serve, threads

torch.set_num_threads(threads())
model = load_detector(folder())
model.backbone.compile()
model.rpn.head.compile()
model.roi_heads.box_head.compile()


def detect(photo) -> int:
    with torch.inference_mode():
        image = torch.from_numpy(photo).permute(2, 0, 1).float() / 255
        [found] = model([image])
    return len(found["scores"])


serve("torch.compile", f"torch {torch.__version__}, torchvision {torchvision.__version__}", photos(), detect)
