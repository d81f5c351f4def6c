"""The most memory that this process ever took."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_mb() -> float:
    """Of this process alone: what getrusage tells counts the process that it was forked from too."""
    try:
        told = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
    return int(told.split("VmHWM:")[1].split()[0]) / 1024
