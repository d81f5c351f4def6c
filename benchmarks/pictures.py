"""What people would rather look at than read of the results: growth, readers beside a bare parse, statistics beside the peers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

_OURS, _THEIRS, _INK = "#0072B2", "#999999", "#444444"
Rows = dict[str, list[dict[str, Any]]]


def draw(rows: Rows, path: Path) -> None:
    """A picture of what each section found, by the section's name."""
    with plt.rc_context({"svg.hashsalt": "ccstats", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(2, 2, figsize=(12, 11), layout="constrained", height_ratios=(1, 1.8))
        _growth(axes[0, 0], rows["scaling"], "seconds", "time [s]")
        _growth(axes[0, 1], rows["scaling"], "peak_mb", "resident peak [MB]")
        _bars(axes[1, 0], *_readers(rows["readers"]))
        _bars(axes[1, 1], *_statistics(rows))
        made = io.BytesIO()
        figure.savefig(made, format="svg", metadata={"Date": None})
        plt.close(figure)
    path.write_bytes(made.getvalue())


def _growth(axes: Any, rows: list[dict[str, Any]], name: str, label: str) -> None:
    mine = [row for row in rows if row["case"].startswith("contacts")]
    sizes = [int(row["size"].split()[0].replace(",", "")) for row in mine]
    found = [row[name] for row in mine]
    axes.loglog(sizes, found, "o-", color=_OURS)
    if name == "seconds":
        axes.loglog(sizes, [found[-1] * size / sizes[-1] for size in sizes], "--", color=_THEIRS, label="proportional to the contacts")
        axes.legend(frameon=False)
    else:
        axes.axhline(2000, color=_THEIRS, linestyle="--", label="2 GB")
        axes.set_ylim(100, 5000)
        axes.legend(frameon=False)
    axes.set(xlabel="contacts in Parquet", ylabel=label, title="Parquet files to a monthly service table by queue")


def _readers(rows: list[dict[str, Any]]) -> tuple[list[str], list[float], list[str], str, str]:
    rows = sorted(rows, key=lambda row: row["ratio_one_core"], reverse=True)
    names = [f"{row['format']} ({row['against']})" for row in rows]
    colors = [_OURS if row["against"] not in ("orjson", "lxml") else "#56B4E9" for row in rows]
    title = "Readers: time ÷ bare parse of the same bytes, one core"
    return names, [row["ratio_one_core"] for row in rows], colors, title, "times the bare parse"


def _statistics(rows: Rows) -> tuple[list[str], list[float], list[str], str, str]:
    found = [row for section in ("intervals", "queue_log") for row in rows[section]]
    names = [f"{row['who'].split(' (')[0]}\n{row['case'].split(', a frame')[0]}" for row in found][::-1]
    colors = [_OURS if row["who"].startswith("ccstats") else _THEIRS for row in found][::-1]
    return names, [row["seconds"] for row in found][::-1], colors, "Contacts to intervals, and queue_log to tables", "seconds"


def _bars(axes: Any, names: list[str], values: list[float], colors: list[str], title: str, label: str) -> None:
    axes.barh(names, values, color=colors)
    for at, value in enumerate(values):
        axes.annotate(f" {value:.3g}", (value, at), va="center", color=_INK)
    axes.set(title=title, xlabel=label)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
