"""Charts of the tables, in one look: each takes a table and ``ax=`` and returns the axes.

Titles say what is shown; the line below says how it is defined and what it rests on. Colours are those of Okabe and Ito, and nothing is
told by colour alone. Missing values leave gaps; an empty table gives a chart that says *no data*. Matplotlib is loaded when the first one
is drawn.

=================  ==================================================================================
`control`          `control_chart` of points with limits and signals; `funnel` of agents side by side
`service`          `service_by_interval`, `heatmap`
`waits`            `wait_distribution`, `patience_curve`
`staffing`         `staffing_curve`, `schedule_grid`
`plans`            `plan_against_actual`, `forecast_fan`
`causes`           `service_level_waterfall`, `driver_chart`
`cards`            `kpi_cards`
`style`            colours, `plot_style`; `words`: titles and names; `flags`: names of points of a crowded chart
`scales`           units on axes; `strip`: contacts below a chart; `tables`: what a chart reads
=================  ==================================================================================
"""

from ccstats.plots.cards import kpi_cards
from ccstats.plots.causes import driver_chart, service_level_waterfall
from ccstats.plots.control import control_chart, funnel
from ccstats.plots.plans import forecast_fan, plan_against_actual
from ccstats.plots.service import heatmap, service_by_interval
from ccstats.plots.staffing import schedule_grid, staffing_curve
from ccstats.plots.style import plot_style
from ccstats.plots.waits import patience_curve, wait_distribution

__all__ = [
    "control_chart",
    "driver_chart",
    "forecast_fan",
    "funnel",
    "heatmap",
    "kpi_cards",
    "patience_curve",
    "plan_against_actual",
    "plot_style",
    "schedule_grid",
    "service_by_interval",
    "service_level_waterfall",
    "staffing_curve",
    "wait_distribution",
]
