"""Waits of tables that do not fit into memory: counts that are added and sketches of quantiles that are merged, one a group and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import MissingExtraError
from ccstats.periods import weekday_of
from ccstats.schema import CONTACTS, worded
from ccstats.service.waits import count_waits

__all__ = ["scanned_waits"]

_SIZE = 2000  # a sketch's parameter k: ranks are off by 0.14 %, in 45 KB [waits]
_BINARY = pd.ArrowDtype(pa.binary())
_OF = ("wait", "abandon_wait")
_NEEDED = ("queued_at", "outcome", "wait_s", "arrived_at")


def scanned_waits(
    contacts: Any, shares: Sequence[float], limits: Sequence[float], asked: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Keys of the cells, counts, and for those answered and those who gave up the quantiles and how far off their ranks may be."""
    by = (asked["by"],) if isinstance(asked["by"], str) else tuple(asked["by"])
    part = _Part(tuple(limits), dict(asked), (*_NEEDED, *by))
    # One after the other: a sketch is large beside a row of counts.
    cells = reduce(lambda so_far, more: part.merge([so_far, more]), contacts.map_partitions(part), part(_nobody(by)))
    names = [name for name in cells.columns if name not in (*part.figures(), *_OF, part.key)]
    if "period_start" in names:
        cells["period_start"] = cells["period_start"].dt.tz_convert(asked["timezone"]).dt.as_unit("us")
    if "weekday" in names:
        cells["weekday"] = cells["weekday"].astype(weekday_of(pd.Series([], dtype="datetime64[us, UTC]"), timezone="UTC").dtype)
    cells = cells.sort_values(names, ignore_index=True) if names else cells
    keys = CONTACTS.typed(cells[names])[names]
    found = {}
    for name in _OF:
        sketches = [_opened(each) for each in cells[name]]
        error = [each.normalized_rank_error(False) if each.is_estimation_mode() else 0.0 for each in sketches]
        found[name] = (np.array([_quantiles(each, shares) for each in sketches]).reshape(len(sketches), len(shares)), np.array(error))
    return keys, {name: cells[name].to_numpy() for name in part.figures()}, found


@dataclass(frozen=True)
class _Part:
    """What a partition tells of its waits: a row a cell, which may be merged with those of other partitions."""

    limits: tuple[float, ...]
    asked: dict[str, Any]
    columns: tuple[str, ...]
    key = "_cell"

    def __call__(self, contacts: pd.DataFrame) -> pd.DataFrame:
        groups, counts, wait, chosen = count_waits(contacts, self.limits, **self.asked)
        keys = worded(groups.keys)
        if "period_start" in keys:
            keys["period_start"] = keys["period_start"].dt.tz_convert("UTC")
        cell = pd.Series("", index=keys.index, dtype="str")
        if len(keys.columns) and len(keys):
            cell = keys.astype("str").fillna("\x1e").agg("\x1f".join, axis=1)  # a missing word is a cell of its own
        sketches = {name: _sketches(wait[each], groups.codes[each], len(keys)) for name, each in chosen.items()}
        return keys.assign(**{self.key: cell}, **counts, **sketches)

    def figures(self) -> list[str]:
        """The columns that are counts, and the longest wait."""
        within = [f"{name}_within_{limit:g}s" for name in ("answered", "abandoned") for limit in self.limits]
        return ["answered", "abandoned", "open", "wait_unknown", "answered_known", "abandoned_known", *within, "max_wait_s"]

    def merge(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        """Several such tables as one."""
        rows = pd.concat([worded(part) for part in parts if len(part)] or parts[:1], ignore_index=True)
        groups = rows.groupby(self.key, sort=False)
        first = rows.loc[~rows[self.key].duplicated()].set_index(self.key)
        figures = groups[self.figures()].agg({name: "max" if name == "max_wait_s" else "sum" for name in self.figures()})
        sketches = {name: groups[name].agg(lambda each: _merged(list(each))).astype(_BINARY) for name in _OF}
        return first.assign(**figures, **sketches).reset_index()[list(rows.columns)]


def _nobody(by: tuple[str, ...]) -> pd.DataFrame:
    empty = CONTACTS.empty()
    return empty.assign(arrived_at=empty["queued_at"], **{name: pd.Series([], dtype="str") for name in by if name not in empty})


def _sketch() -> Any:
    try:
        from datasketches import kll_doubles_sketch
    except ImportError as error:
        raise MissingExtraError(
            f"quantiles of a scan need datasketches ({error}); install it with: pip install 'ccstats[sketch]'"
        ) from None
    return kll_doubles_sketch


def _sketches(values: np.ndarray, cells: np.ndarray, many: int) -> pd.Series:
    kind, order = _sketch(), np.argsort(cells, kind="stable")
    out = []
    for each in np.split(values[order], np.cumsum(np.bincount(cells, minlength=many))[:-1]) if many else ():
        sketch = kind(_SIZE)
        sketch.update(each)
        out.append(sketch.serialize())
    return pd.Series(out, dtype=_BINARY)


def _opened(data: bytes) -> Any:
    return _sketch().deserialize(data)


def _merged(sketches: list[bytes]) -> bytes:
    if len(sketches) == 1:
        return sketches[0]
    whole = _opened(sketches[0])
    for each in sketches[1:]:
        whole.merge(_opened(each))
    data: bytes = whole.serialize()
    return data


def _quantiles(sketch: Any, shares: Sequence[float]) -> np.ndarray:
    """Those of all waits, where the sketch still holds them, as `numpy.quantile` has them."""
    if sketch.is_empty():
        return np.full(len(shares), np.nan)
    if sketch.is_estimation_mode():
        return np.array(sketch.get_quantiles(list(shares), True))
    values: np.ndarray = np.quantile(np.array([value for value, _ in sketch]), shares)
    return values
