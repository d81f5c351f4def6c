"""The page of charts: its cells run without a warning, every chart is on it, and each figure is drawn from tables as they come out."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from chart_cases import CHARTS

PAGE = Path(__file__).parents[2] / "docs" / "plots.md"


@pytest.fixture(autouse=True)
def _figures():
    yield
    plt.close("all")


def test_the_cells_of_the_page_run_and_draw_every_chart() -> None:
    text = PAGE.read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    for cell in cells:
        before = set(plt.get_fignums())
        exec(compile(cell, str(PAGE), "exec"), names)  # noqa: S102 - our own page
        for number in set(plt.get_fignums()) - before:
            figure = plt.figure(number)
            figure.draw_without_rendering()
            for ax in figure.axes:
                assert ax.lines or ax.collections or ax.patches, cell
                assert "no data" not in [drawn.get_text() for drawn in ax.texts], cell
        assert ("cc.plots." in cell) == bool(set(plt.get_fignums()) - before), cell
    drawn = set(re.findall(r"cc\.plots\.(\w+)\(", "\n".join(cells)))
    assert set(CHARTS) <= drawn
