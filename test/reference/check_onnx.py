"""Checks ONNX files with the onnx package: structure, types and shapes (full_check), opset and that it can be drawn.

usage: check_onnx.py FILE...    exit status 1 and one line per file that fails
"""

import sys

import onnx

failed = False
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:  # the checker raises several kinds
        failed = True
        print(f"{path}: {error}")
sys.exit(1 if failed else 0)
