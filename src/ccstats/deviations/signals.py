"""From figures to signals: run rules, false discoveries, direction, severity, and when it could be told."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ccstats import spc
from ccstats.deviations.residuals import group_bounds
from ccstats.deviations.tails import false_shares
from ccstats.metrics import METRICS
from ccstats.schema import POINTS

__all__ = ["add_runs", "add_signals"]

_SENSES = {"higher_is_better": ("worse", "better"), "lower_is_better": ("better", "worse"), "neutral": ("lower", "higher")}


def add_runs(part: pd.DataFrame, *, by: Sequence[str], rules: Sequence[spc.Rule]) -> pd.DataFrame:
    """Run rules on the standardised figures, group by group: their names, and when each pattern was complete."""
    chosen = [rule for rule in rules if rule.kind != "beyond"]
    words = np.full(len(part), "", dtype=object)
    ends = part["signalled"].copy()
    if chosen:
        score = part["score"].to_numpy(dtype="float64")
        limits = SimpleNamespace(lower=-np.inf, upper=np.inf, center=0.0, sigma=1.0)
        for begin, end in group_bounds(part, by):
            rows = slice(begin, end)
            marked = spc.apply_rules(score[rows], limits, rules=chosen, mark="pattern")
            complete = spc.apply_rules(score[rows], limits, rules=chosen, mark="end")
            for rule, flags in marked.items():
                at = np.flatnonzero(flags) + begin
                words[at] = [f"{each}+{rule}" if each else rule for each in words[at]]
                done = np.flatnonzero(complete[rule]) + begin
                if len(done):
                    when = part["period_end"].iloc[done[np.minimum(np.searchsorted(done, at), len(done) - 1)]].to_numpy()
                    ends.iloc[at] = ends.iloc[at].fillna(pd.Series(when, index=ends.index[at]))
    return part.assign(runs=words, signalled=ends)


def add_signals(points: pd.DataFrame, *, share: float | None) -> pd.DataFrame:
    """Signal, rule, direction, severity and when it was told."""
    out = points.copy()
    known = ~out["excluded"].to_numpy()
    p_value = np.where(known, out["p_value"], np.nan)
    single = out["single"].to_numpy(dtype=bool) & known
    if share is not None:
        single &= false_shares(p_value, out["period_start"].astype("int64").to_numpy()) <= share
    side = out["side"].to_numpy()
    lasting = (side != 0) & known
    runs = (out["runs"] != "").to_numpy() & known
    words = [np.where(single, "beyond_limits", ""), np.where(lasting, "sustained", ""), np.where(runs, out["runs"], "")]
    out["rule"] = pd.array(["+".join(each for each in row if each) for row in zip(*words, strict=True)], dtype="str")
    out["signal"] = single | lasting | runs
    away = np.where(lasting & ~single, side, np.sign(out["value"] - out["baseline"]))
    senses = np.array([_SENSES[METRICS[name].direction] for name in out["metric"]], dtype=object)
    direction = np.where(away < 0, senses[:, 0], senses[:, 1])
    out["direction"] = pd.Categorical(
        pd.Series(direction).where(out["signal"] & (away != 0)), categories=list(POINTS["direction"].vocabulary)
    )
    clearest = np.fmin(p_value, np.where(known, out["chance"], np.nan))
    out["severity"] = 1 - false_shares(clearest)
    told = out["period_end"].where(single, out["signalled"])
    out["signalled_at"] = told.fillna(out["period_end"]).where(out["signal"])
    return out
