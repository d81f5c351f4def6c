"""Groups and periods that records are counted in, and the limits of shares and scores whose units come in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import ColumnError, OptionError, ZoneError
from ccstats.periods import PERIODS, check_timezone, period_start
from ccstats.spc.proportions import wilson_interval

__all__ = [
    "Cells",
    "Clusters",
    "columns_of",
    "divide",
    "keys_of",
    "micros_of",
    "score_limits",
    "share_limits",
    "share_of",
    "span_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_EPOCH = pd.Timestamp(0, tz="UTC")


def columns_of(by: str | Sequence[str], frame: pd.DataFrame, *, what: str) -> list[str]:
    """The group columns, each once and all of them in the frame."""
    names = list(dict.fromkeys([by] if isinstance(by, str) else by))
    lacking = [name for name in names if name not in frame]
    if lacking:
        raise ColumnError(f"by={names}: {what} has no column {', '.join(map(repr, lacking))}; it has: {', '.join(map(str, frame.columns))}")
    return names


def keys_of(
    frame: pd.DataFrame, by: str | Sequence[str], *, instants: pd.Series, period: str | None, timezone: str | None, what: str
) -> pd.DataFrame:
    """One row a record: its group columns, categories in alphabetical order, and ``period_start`` where a period is asked for."""
    keys = frame[columns_of(by, frame, what=what)].reset_index(drop=True)
    for name in keys.columns:
        dtype = keys[name].dtype
        if isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered:
            keys[name] = keys[name].cat.reorder_categories(dtype.categories.sort_values())
    if period is not None:
        if period not in PERIODS:
            raise OptionError(f"period={period!r}: expected {', '.join(PERIODS)} or None")
        if timezone is None:
            raise ZoneError(f"period={period!r} needs timezone=, such as 'Europe/Istanbul': where days begin is not in the table")
        keys["period_start"] = period_start(instants.reset_index(drop=True), period=period, timezone=check_timezone(timezone))
    return keys


class Cells:
    """The groups that occur among keys, in order; a record whose code is -1 belongs to none."""

    def __init__(self, keys: pd.DataFrame) -> None:
        if keys.columns.empty:  # no grouping: one group, even of nothing
            self.codes, self.keys = np.zeros(len(keys), dtype="int64"), pd.DataFrame(index=pd.RangeIndex(1))
        else:
            self.codes = keys.groupby(list(keys.columns), observed=True, dropna=False).ngroup().to_numpy().astype("int64")
            first = np.unique(self.codes, return_index=True)[1]
            self.keys = keys.iloc[first].reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.keys)

    def count(self, chosen: ArrayLike | None = None) -> Ints:
        """Records chosen (all) in each cell."""
        codes = self.codes if chosen is None else self.codes[np.asarray(chosen)]
        return np.bincount(codes, minlength=len(self)).astype("int64")

    def total(self, values: ArrayLike) -> Floats:
        """Sum of the values in each cell."""
        return np.bincount(self.codes, weights=np.asarray(values, dtype="float64"), minlength=len(self)).astype("float64")

    def table(self, columns: dict[str, Any]) -> pd.DataFrame:
        """The cells with figures beside them."""
        return self.keys.assign(**columns)


def divide(above: ArrayLike, below: ArrayLike) -> Floats:
    """The quotient; missing where the denominator is not above 0."""
    a, b = np.broadcast_arrays(np.asarray(above, dtype="float64"), np.asarray(below, dtype="float64"))
    return np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0)


def micros_of(instant: pd.Timestamp) -> int:
    """Microseconds since 1970; 0 where there is no instant."""
    return 0 if pd.isna(instant) else int((instant - _EPOCH) // pd.Timedelta("1us"))


def span_of(observed: Any, instants: pd.Series, *, name: str = "observed") -> tuple[pd.Timestamp, pd.Timestamp]:
    """The two instants that the data reach from and to: those given, else the first and the last there is."""
    if observed is None:
        return instants.min(), instants.max()
    try:
        low, high = (pd.Timestamp(each) for each in observed)
    except (TypeError, ValueError):
        raise OptionError(f"{name}={observed!r}: give the first and the last instant that the data reach, such as (start, end)") from None
    if low.tz is None or high.tz is None:
        raise ZoneError(f"{name}={observed!r}: an instant has no time zone; give it with one, such as '2025-03-01T00:00Z'")
    if not low <= high:
        raise OptionError(f"{name}={observed!r}: the end is before the start")
    return low.tz_convert("UTC"), high.tz_convert("UTC")


class Clusters:
    """Units of each cell that go together, such as contacts of one customer: found once, used for every figure."""

    def __init__(self, cell: Ints, cluster: Ints, size: int) -> None:
        pair = cluster * size + cell  # units in the order of their clusters find their sums close together in memory
        pairs = (int(cluster.max(initial=0)) + 1) * size
        self.cell, self.size = cell, size
        if pairs <= 2 * len(pair) + 1_000_000:
            self.of, unique = pair, np.arange(pairs)
        else:
            self.of, unique = pd.factorize(pair)
        self.owner = unique % size if size else unique

    def moments(self, above: Floats, below: Floats) -> list[Floats]:
        """Of each cell the two sums, and over its clusters the sums of their squares and of their product."""
        a, b = (np.bincount(self.of, weights=each, minlength=len(self.owner)) for each in (above, below))
        parts = (a, b, a * a, a * b, b * b)
        return [np.bincount(self.owner, weights=each, minlength=self.size).astype("float64") for each in parts]

    def strays(self, above: Floats, below: Floats) -> tuple[Floats, Floats, Floats, Ints]:
        """Sums of each cell, the variance of their ratio by the clusters' deviations from it, and how many clusters have anything."""
        a, b = (np.bincount(self.cell, weights=each, minlength=self.size).astype("float64") for each in (above, below))
        ratio = divide(a, b)
        above_of, below_of = (np.bincount(self.of, weights=each, minlength=len(self.owner)) for each in (above, below))
        some = below_of > 0
        owner = self.owner[some]
        squares = (above_of[some] - below_of[some] * ratio[owner]) ** 2
        clusters = np.bincount(owner, minlength=self.size).astype("int64")
        return a, b, divide(np.bincount(owner, weights=squares, minlength=self.size), b**2), clusters


def share_limits(met: ArrayLike, counted: ArrayLike, clusters: Clusters, *, confidence: float) -> tuple[Floats, Floats, Floats]:
    """The share of each cell with Wilson's limits, for as many independent units as its clusters are worth.

    ``met`` and ``counted`` are flags of units (``met`` only where counted). Units of one cluster, such as contacts of one customer, go
    together; the design effect is the variance of the linearised ratio over that of independent units, at least 1.
    """
    return share_of(clusters.moments(np.asarray(met, dtype="float64"), np.asarray(counted, dtype="float64")), confidence=confidence)


def share_of(moments: Sequence[Floats], *, confidence: float) -> tuple[Floats, Floats, Floats]:
    """As `share_limits`, from what `Clusters.moments` gives; those of tables that share no cluster may be added before."""
    a, b, aa, ab, bb = moments
    ratio = divide(a, b)
    variance = divide(aa - 2 * ratio * ab + ratio**2 * bb, b**2)
    share = np.clip(ratio, 0.0, 1.0)
    effect = np.maximum(np.nan_to_num(divide(variance, divide(share * (1 - share), b)), nan=1.0), 1.0)
    effective = b / effect
    low, high = wilson_interval(np.minimum(np.nan_to_num(share) * effective, effective), effective, confidence=confidence)
    return share, low, high


def score_limits(points: ArrayLike, possible: ArrayLike, clusters: Clusters, *, confidence: float) -> tuple[Floats, Floats, Floats]:
    """The score of each cell (points / possible points), with limits from the spread of its clusters.

    Wilson's limits for as many units as give the variance of the linearised ratio, with Student's t for the few clusters there are: they
    stay between 0 and 1. Where all scores are alike there is no spread to go by, and each cluster counts as one pass or fail, which is the
    widest that a score can vary. One cluster alone has no limits.
    """
    a, b, variance, found = clusters.strays(np.asarray(points, dtype="float64"), np.asarray(possible, dtype="float64"))
    score = np.clip(divide(a, b), 0.0, 1.0)
    few = found < 2
    variance = variance * divide(found, np.where(few, 0, found - 1))
    t = special.stdtrit(np.maximum(found - 1, 1), 0.5 + confidence / 2)
    spread = np.nan_to_num(variance) > 1e-15
    units = np.where(spread, divide(score * (1 - score), np.where(spread, variance, 0.0)), found)
    effective = np.where(few, 0.0, np.nan_to_num(units) * (special.ndtri(0.5 + confidence / 2) / t) ** 2)
    low, high = wilson_interval(np.minimum(np.nan_to_num(score) * effective, effective), effective, confidence=confidence)
    return score, low, high
