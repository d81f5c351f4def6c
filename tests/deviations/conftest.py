"""The makers of queues with known truth stand among the benchmarks; the tests use the same."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
