"""torchvision's own export in onnxruntime for Python. See peer.py."""

import numpy as np
import onnxruntime
from peer import folder, photos, serve, threads

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(folder() / "detector.onnx", options, providers=["CPUExecutionProvider"])


def detect(photo) -> int:
    image = photo.transpose(2, 0, 1).astype(np.float32) / 255
    _, _, scores = session.run(["boxes", "labels", "scores"], {"image": image})
    return len(scores)


serve("its export, onnxruntime (Python)", f"onnxruntime {onnxruntime.__version__}", photos(), detect)
