"""The registry of metrics: each formula once, as data, with unit, direction, clause of EN 15838, source and the function that makes it.

A ratio is kept as signed columns over signed columns. One divider serves them all (`ccstats.intervals.ratios.add_ratios`), so that a figure
is always sums divided last, never an average of averages. What takes more than a division is named with its inputs and its function. What
is not offered stands in `NOT_OFFERED`, each with the reason. Source codes (V06, M02, …) are resolved on the page *Sources*.
"""

from ccstats.metrics.computed import COMPUTED, NOT_OFFERED
from ccstats.metrics.logged import LOGGED
from ccstats.metrics.metric import Metric, Term

__all__ = ["METRICS", "NOT_OFFERED", "RATIOS", "SERVICE_LEVELS", "Metric", "Term"]

#: Every metric by name.
METRICS: dict[str, Metric] = {metric.name: metric for metric in (*LOGGED, *COMPUTED)}

#: The nine service levels, our default first. Different definitions are different names.
SERVICE_LEVELS: tuple[str, ...] = tuple(name for name in METRICS if name == "service_level" or name.startswith("sl_"))

#: By table, the metrics that are divided from its sums.
RATIOS: dict[str, tuple[str, ...]] = {
    table: tuple(metric.name for metric in LOGGED if metric.table == table and (metric.denominator or metric.parts))
    for table in ("intervals", "agent_intervals")
}
