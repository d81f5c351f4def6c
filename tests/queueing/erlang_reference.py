"""The reference numbers of ``tests/reference/erlang.csv``, read once; which test file answers for which models."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

CSV = Path(__file__).parents[1] / "reference" / "erlang.csv"

#: Who tests which models. The three sets partition the file (see ``test_erlang_reference_is_whole`` in ``test_erlang.py``).
MODELS: dict[str, tuple[str, ...]] = {
    "erlang": ("B", "C", "A", "CK", "AK"),
    "variants": ("A+retry", "A-mix3", "MtMinf", "chat", "HW", "GMR"),
    "transient": ("A-transient",),
}


@dataclass(frozen=True)
class Row:
    """One number of somebody else's, with what it depends on; an empty cell is NaN.

    Attributes
    ----------
    line : line in the file. asked : the parameters in brackets, {"sl": 0.80, "occ": 0.85}. digits : reliable digits, None where exact.
    """

    line: int
    model: str
    arrivals_per_hour: float
    aht_s: float
    patience_s: float
    agents: float
    lines: float
    threshold_s: float
    metric: str
    value: float
    digits: int | None
    source: str
    asked: dict[str, float] = field(default_factory=dict)

    @property
    def load(self) -> float:
        """Offered load. [Erlang]."""
        return self.arrivals_per_hour * self.aht_s / 3600

    @property
    def tolerance(self) -> float:
        """Relative error allowed: half a unit of the last stated digit, at least 1e-9; nothing for whole numbers."""
        if self.digits is None:
            return 0.0
        if self.value == 0:
            return 1e-9
        exponent = math.floor(math.log10(abs(self.value)))
        # The last factor forgives the decimal-to-binary rounding of a value that stands exactly on half a unit.
        return max(0.5 * 10.0 ** (exponent + 1 - self.digits) / abs(self.value) * (1 + 1e-9), 1e-9)

    def error(self, answer: float) -> float:
        """Relative error of ``answer`` (absolute where the value is 0)."""
        return abs(answer - self.value) / (abs(self.value) or 1.0)

    def __str__(self) -> str:
        return f"line {self.line}: {self.model} {self.metric}{self.asked or ''}"


def _number(text: str) -> float:
    if not text:
        return math.nan
    above, _, below = text.partition("/")
    return float(above) / float(below) if below else float(above)


def _row(line: int, cells: dict[str, str]) -> Row:
    metric, _, asked = cells["metric"].rstrip("]").partition("[")
    pairs = (re.split(r"[<>]?=", each) for each in asked.split(",") if each)
    inputs = {name: _number(cells[name]) for name in ("arrivals_per_hour", "aht_s", "patience_s", "agents", "lines", "threshold_s")}
    digits = None if cells["digits"] == "exact" else int(cells["digits"])
    return Row(
        line=line,
        model=cells["model"],
        metric=metric,
        value=float(cells["value"]),
        digits=digits,
        source=cells["source"],
        asked={name: float(value) for name, value in pairs},
        **inputs,
    )


def rows(models: str | tuple[str, ...]) -> list[Row]:
    """The rows of the given models, or of an owner named in `MODELS`, in file order."""
    wanted = MODELS[models] if isinstance(models, str) else models
    return [row for row in all_rows() if row.model in wanted]


def all_rows() -> list[Row]:
    """Every row of the file."""
    with CSV.open(encoding="utf-8", newline="") as file:
        return [_row(line, cells) for line, cells in enumerate(csv.DictReader(file), start=2)]
