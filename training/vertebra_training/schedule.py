"""The learning rate's factor over a run: warm-up, constant, then a cosine down to one hundredth.

A long constant part means that a run may be lengthened at any time before its end without a break in the curve.
"""

from __future__ import annotations

import math

FLOOR = 0.01


def rate_factor(step: int, progress: float, warmup_steps: int, decay: float) -> float:
    """`progress` runs from 0 to 1 over the whole run; the last share `decay` of it is the way down."""
    warm = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    through = (progress - (1 - decay)) / decay if decay else 0.0
    through = min(max(through, 0.0), 1.0)
    return warm * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * through)) / 2)
