"""The benchmark of the readers knows every format, and what it tells over and over is read without a bad row."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ccstats.readers import READERS

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import readers as benchmark  # noqa: E402


@pytest.mark.parametrize("name", list(READERS))
def test_each_format_is_measured(name: str) -> None:
    for row in benchmark.main(200, most=1e6, repeat=1, formats=[name], apart=False):
        assert row["rows"] > 50
        assert row["ratio"] > 0


def test_a_format_without_a_way_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(benchmark.WAYS, "vicidial")
    with pytest.raises(AssertionError, match="vicidial"):
        benchmark.main(apart=False)
