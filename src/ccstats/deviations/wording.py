"""Causes in words that a manager reads: "18 points below plan, 312 calls late: volume −11, handle time −2, agents −5"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError
from ccstats.schema import as_frame

__all__ = ["AS_STATED", "describe_causes"]

#: A modelled service level of a plan no further from the one that the plan states is as stated.
AS_STATED = 0.01

#: What a driver is called; those of one name are told together.
_CALLED = {
    "mix": "mix",
    "volume": "volume",
    "handle_time": "handle time",
    "scheduled_agents": "agents",
    "shrinkage": "agents",
    "adherence": "agents",
    "agents": "agents",
    "patience": "patience",
    "arrival_pattern": "arrival pattern",
    "residual": "chance",
}
_NEEDED = ("driver", "contribution", "noise", "service_level", "late")
_STARTS = {"planned_service_level": "plan", "service_level_before": "before"}


def describe_causes(causes: Any) -> pd.DataFrame:
    """The causes of each group and period in words, whole points that add up.

    Parameters
    ----------
    causes : table
        As `explain_service_level` or `explain_change` makes it.

    Returns
    -------
    pandas.DataFrame
        The groups and periods; ``points``, percentage points above what was planned (negative: below; missing where no contacts came);
        ``late`` [contacts]; ``words``. Scheduled agents, shrinkage and adherence are told together as agents. The residual is called chance
        where simulated outcomes stray as far, ``not explained`` where they do not, or were not simulated. Points are rounded so that they
        add up to the whole; what rounds to 0 is not told. Where the plan states another service level than the model gives it, by more than
        a point, points are told against ``the plan as modelled``.

    Raises
    ------
    ColumnError
        If the table is of another kind.

    Examples
    --------
    >>> import pandas as pd
    >>> causes = pd.DataFrame({
    ...     "queue": "sales", "driver": ["mix", "volume", "handle_time", "scheduled_agents", "adherence", "residual"],
    ...     "contribution": [0.0, -0.1122, -0.0206, -0.031, -0.0191, 0.003], "noise": pd.array([None] * 5 + [True], dtype="boolean"),
    ...     "planned_service_level": 0.89, "service_level": 0.71, "late": 312,
    ... })
    >>> describe_causes(causes)["words"][0]
    '18 points below plan, 312 calls late: volume −11, handle time −2, agents −5'
    """
    frame = as_frame(causes, what="causes")
    start = next((name for name in _STARTS if name in frame), None)
    lacking = [name for name in _NEEDED if name not in frame]
    if lacking or start is None:
        raise ColumnError(
            f"causes lack the column {(lacking or ['planned_service_level'])[0]!r}; give the table that explain_service_level or "
            "explain_change made"
        )
    keys = list(frame.columns[: list(frame.columns).index("driver")])
    again = frame["driver"].astype("str") == str(frame["driver"].iloc[0]) if len(frame) else pd.Series(dtype="bool")
    cell = again.cumsum().to_numpy() - 1
    firsts = frame[again.to_numpy()]
    points = 100 * (firsts["service_level"] - firsts[start]).to_numpy(dtype="float64")
    against = np.full(len(firsts), _STARTS[start], dtype="object")
    if start == "planned_service_level" and "stated_service_level" in frame:
        apart = (firsts["stated_service_level"] - firsts[start]).to_numpy(dtype="float64")
        against[np.abs(apart) > AS_STATED] = "the plan as modelled"
    told = zip(points, against, frame.groupby(cell, sort=True), strict=True)
    words = [_words(rows, whole, str(each)) for whole, each, (_, rows) in told]
    made = {name: firsts[name].array for name in keys}
    return pd.DataFrame({**made, "points": points, "late": firsts["late"].array, "words": pd.array(words, dtype="str")})


def _words(rows: pd.DataFrame, whole: float, against: str) -> str:
    if np.isnan(whole):
        return f"no contacts, or nothing to compare with: no service level now or {'before' if against == 'before' else 'in the plan'}"
    parts: dict[str, float] = {}
    for driver, value, noise in zip(rows["driver"].astype("str"), rows["contribution"], rows["noise"], strict=True):
        called = "not explained" if driver == "residual" and (pd.isna(noise) or not noise) else _CALLED.get(driver, driver)
        parts[called] = parts.get(called, 0.0) + 100 * float(value)
    total = round(whole)
    told = {name: int(value) for name, value in zip(parts, _add_up(np.array([*parts.values()]), total), strict=True) if value}
    late = f"{rows['late'].iloc[0]:,.0f} calls late"
    where = (
        f"{abs(total)} point{'s' if abs(total) != 1 else ''} {'below' if total < 0 else 'above'} {against}" if total else f"as {against}"
    )
    reasons = ", ".join(f"{name} {'−' if value < 0 else '+'}{abs(value)}" for name, value in told.items())
    return f"{where}, {late}" + (f": {reasons}" if reasons else "")


def _add_up(values: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    """Rounded, those with the largest remainders up, so that the sum is right."""
    down = np.floor(values)
    missing = int(total - down.sum())
    up = np.argsort(down - values, kind="stable")[: max(missing, 0)]
    down[up] += 1
    return down
