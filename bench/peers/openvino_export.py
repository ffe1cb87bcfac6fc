"""torchvision's own export in OpenVINO. See peer.py."""

import numpy as np
import openvino
from peer import folder, photos, serve, threads

core = openvino.Core()
# OpenVINO would take bfloat16 where the CPU has it; all others compute in float32.
settings = {"INFERENCE_NUM_THREADS": threads(), "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
compiled = core.compile_model(folder() / "detector.onnx", "CPU", settings)


def detect(photo) -> int:
    image = photo.transpose(2, 0, 1).astype(np.float32) / 255
    return len(compiled([image])["scores"])


serve("its export, OpenVINO", f"openvino {openvino.__version__.split('-')[0]}", photos(), detect)
