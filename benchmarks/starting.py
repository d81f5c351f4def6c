"""How long a program waits before it can begin: ``import ccstats`` beside ``import pandas``, and the command line's first answer.

Each in a process of its own, in turn; the interpreter's own start is in all of them alike. The median of the runs is shown.

Run ``python benchmarks/starting.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

_IMPORT = ("pandas", "ccstats")
_COMMANDS = {
    "python": ["-c", ""],
    **{f"import {name}": ["-c", f"import {name}"] for name in _IMPORT},
    "ccstats --version": ["-m", "ccstats", "--version"],
}


def main(repeat: int = 15) -> list[dict[str, Any]]:
    """Median time to start, with what it is of that of pandas."""
    import ccstats as cc

    shown = subprocess.run([sys.executable, *_COMMANDS["ccstats --version"]], check=True, capture_output=True, text=True).stdout
    if cc.__version__ not in shown:
        raise AssertionError(f"ccstats --version says {shown!r}, the package is {cc.__version__}")
    times: dict[str, list[float]] = {who: [] for who in _COMMANDS}
    for _ in range(repeat):
        for who, arguments in _COMMANDS.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times[who].append(time.perf_counter() - begin)
    medians = {who: statistics.median(each) for who, each in times.items()}
    return [
        {"case": "starting", "who": who, "seconds": round(seconds, 3), "ratio": round(seconds / medians["import pandas"], 2)}
        for who, seconds in medians.items()
    ]


if __name__ == "__main__":
    for row in main():
        print(row)
