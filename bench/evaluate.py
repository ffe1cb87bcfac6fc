"""pycocotools' share of evaluate.mjs: python evaluate.py instances.json results.json prints seconds and figures as JSON."""

import contextlib
import io
import json
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with contextlib.redirect_stdout(io.StringIO()):
    start = time.perf_counter()
    truth = COCO(sys.argv[1])
    evaluation = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
    loaded = time.perf_counter()
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    end = time.perf_counter()
print(json.dumps({"load": loaded - start, "evaluate": end - loaded, "stats": list(map(float, evaluation.stats))}))
