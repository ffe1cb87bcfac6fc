"""How every command of the recipe ends: errors a person can put right are one sentence on stderr and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .errors import TrainingError


def run(command: Callable[[], None]) -> None:
    try:
        command()
    except TrainingError as error:
        sys.exit(f"error: {error}")
