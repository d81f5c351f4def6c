"""Metrics that take more than a division of logged columns, each with the function that computes it; and what is not offered, and why."""

from __future__ import annotations

import csv
from importlib import resources

from ccstats.metrics.metric import Metric

__all__ = ["COMPUTED", "NOT_OFFERED"]


def _row(row: dict[str, str]) -> Metric:
    return Metric(
        name=row["name"],
        title=row["title"],
        kind="computed",
        table=row["table"],
        numerator=(),
        denominator=(),
        formula=row["formula"],
        unit=row["unit"],
        direction=row["direction"],
        clause=row["clause"],
        source=row["source"],
        function=row["function"],
        shown_as=row["column"],
        inputs=tuple(row["inputs"].split()),
    )


#: In the order of the dictionary; the list itself is the file beside this one.
COMPUTED: tuple[Metric, ...] = tuple(
    _row(row) for row in csv.DictReader(resources.files("ccstats.metrics").joinpath("computed.csv").read_text("utf-8").splitlines())
)

#: Metrics of the dictionary that are not offered, and what each would take or is told by.
NOT_OFFERED: dict[str, str] = {
    "staffing_variance": (
        "a net figure, in which hours short and hours to spare hide each other; `compare_with_plan` has `agent_hours`, `required_hours`, "
        "`missing_hours` and `spare_hours`"
    ),
    "workload_erlang": (
        "nothing but its parts, and nothing is decided on it alone; `cc.erlang` and `plan_staffing` take `expected_offered` and "
        "`expected_aht_s`"
    ),
}
