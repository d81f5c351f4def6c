"""Statistical process control, arrays in and arrays out: limits of charts, rules on them, and what both are worth (run lengths).

======================  ==============================================================================================
`charts`                `limits`, for every chart; `options` is the table of what each may be told
`individuals`           beneath it: XmR, I', t, X-bar with S; `attributes`: p, np, u, c, g and Laney's p', u';
                        `memory`: EWMA, CUSUM, moving averages; `funnel`: units side by side
`series`, `drawn`       what goes into these files, and what comes out of them
`baselines`             limits that are frozen and kept as JSON
`constants`             c4, d2, d3 and the factors of the textbooks, computed
`rules`, `runs`         run rules as data, and Anhøj's test of a whole series
`runlength`             how often a chart cries wolf and how fast it sees a shift; beneath it `schemes` (which engine knows
                        a chart), `automaton`, `zone_chain` (any rules), `accumulating` (EWMA, CUSUM), `same_points`
                        (limits from the points judged) and `signal_time` (the law that comes out)
`proportions`           Wilson's interval of a share
======================  ==============================================================================================
"""

from __future__ import annotations

import importlib
from typing import Any

#: Where each public name lives; loaded on first use, as the run lengths and the compiled loops take a moment.
_HOME = {
    "Baseline": "baselines",
    "CHARTS": "options",
    "ChartConstants": "constants",
    "Companion": "drawn",
    "Limits": "charts",
    "RULES": "rules",
    "RULE_SETS": "rules",
    "Rule": "rules",
    "RunLength": "runlength",
    "RunsTest": "runs",
    "SignalProbability": "runlength",
    "apply_rules": "rules",
    "c4": "constants",
    "chart_constants": "constants",
    "d2": "constants",
    "d3": "constants",
    "detectable_shift": "runlength",
    "funnel_limits": "funnel",
    "limits": "charts",
    "rules_of": "rules",
    "run_length": "runlength",
    "runs_limits": "runs",
    "runs_test": "runs",
    "signal_probability": "runlength",
    "wilson_interval": "proportions",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ccstats.spc' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ccstats.spc.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
