"""Our backbone graph in OpenCV's DNN module. See peer.py."""

import cv2
from peer import folder, network_input, serve, threads

cv2.setNumThreads(threads())
net = cv2.dnn.readNetFromONNX(str(folder() / "vertebra-fp32" / "backbone.onnx"))
outputs = net.getUnconnectedOutLayersNames()


def extract(image) -> int:
    net.setInput(image)
    return len(net.forward(outputs))


serve("our backbone graph, OpenCV DNN", f"opencv {cv2.__version__}", [network_input()], extract)
