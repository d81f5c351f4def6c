"""The most memory that this process ever took."""

from __future__ import annotations

import sys
from pathlib import Path


def resident_mb() -> float:
    """All that was resident, the code of libraries included."""
    return _peak_mb("VmHWM:")


def peak_mb() -> float:
    """What the process took for itself, without the code of libraries, of which the kernel maps more or less as it likes."""
    return _peak_mb("VmHWM:", "RssFile:")


def _peak_mb(all_in_all: str, *without: str) -> float:
    """What getrusage tells counts the process that this one was forked from too; it serves where the kernel tells no more."""
    try:
        told = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
    most, *rest = (int(told.split(name)[1].split()[0]) / 1024 for name in (all_in_all, *without))
    return most - sum(rest)
