"""Resolution of tables that do not fit into memory: the contacts of a customer are brought together, and the sums of customers added."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning
from ccstats.satisfaction._joined import join_visits, key_columns
from ccstats.satisfaction.resolution import list_repeats, resolution_sums
from ccstats.schema import CONTACTS, came_at, worded

__all__ = ["scanned_repeats", "scanned_sums"]

_NOBODY = CONTACTS.empty().assign(customer=pd.Series([], dtype="str"))


def scanned_sums(contacts: Any, how: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What `resolution_sums` gives of all contacts, from parts each of which has all contacts of its customers."""
    parts, asked = _by_customer(contacts, how)
    found = _of_parts(parts, partial(resolution_sums, **asked))
    return _added(found) if found else resolution_sums(_NOBODY, **asked)


def scanned_repeats(contacts: Any, how: Mapping[str, Any]) -> pd.DataFrame:
    """What `list_repeats` gives of all contacts."""
    parts, asked = _by_customer(contacts, {**how, "observed": None})
    found = _of_parts(parts, partial(list_repeats, **{name: asked[name] for name in how}))
    if not found:
        return list_repeats(_NOBODY, **how)
    whole = pd.concat([worded(each) for each in found if len(each)] or found[:1]).sort_values("contact_id", ignore_index=True)
    for name in {"previous_queue", "previous_agent"} & set(whole):  # columns that the schema does not know
        words = sorted(set().union(*(each[name].cat.categories for each in found)))
        whole[name] = pd.Categorical(whole[name], pd.Index(words, dtype="str"))
    return CONTACTS.typed(whole)[list(found[0].columns)]


def _of_parts(parts: Any, function: Callable[[pd.DataFrame], Any]) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of what a part lacks
        return list(parts.map_partitions(lambda frame: function(_numbered(frame))))


def _by_customer(contacts: Any, how: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Parts with all contacts of their customers, and ``how`` with what only all parts together tell."""
    names = [how["key"]] if isinstance(how["key"], str) else list(how["key"])
    direction = how["direction"]
    # First the visits of a contact together, which then know whose it is; then the contacts of a customer.
    parts = contacts.shuffle(lambda frame: frame["contact_id"]).shuffle(lambda frame: _owner(_numbered(frame), direction))
    facts = list(parts.map_partitions(lambda frame: _facts(_numbered(frame), names, direction)))
    asked, spans = dict(how), [each for span, _ in facts for each in span]
    if facts:
        there = {name: any(logged.get(name, False) for _, logged in facts) for name in names if name in parts.names}
        known = pd.DataFrame({name: pd.Series(["x" if found else None], dtype="str") for name, found in there.items()})
        asked["key"] = key_columns(known, names)
    if how["observed"] is None and spans:
        asked["observed"] = tuple(pd.Timestamp(each, unit="us", tz="UTC") for each in (min(spans), max(spans)))
    return parts, asked


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Visits of a contact that logs apart numbered alike (an archive holds such), numbered in time; the same visit twice is left alone."""
    alike = frame.duplicated(["contact_id", "visit"]).any() and not frame.duplicated(["contact_id", "queue", "queued_at"]).any()
    if not alike:
        return frame
    number = came_at(frame).groupby(frame["contact_id"].astype("str")).rank(method="first", na_option="bottom")
    return frame.assign(visit=number.astype("int64"))


def _owner(frame: pd.DataFrame, direction: str | None) -> pd.Series:
    """Whose each contact is: the customer's, as the visit that stands for it says, or else nobody else's."""
    owner = frame["contact_id"].astype("str")
    if "customer" not in frame:
        return owner
    joined = join_visits(frame, direction=direction)
    customer = pd.Series([*frame["customer"].iloc[joined.row], None], dtype="str")  # at last nobody: of visits that do not count
    of = customer.iloc[joined.of].reset_index(drop=True)
    return of.where(of.notna(), "\x1f" + owner)


def _facts(frame: pd.DataFrame, names: list[str], direction: str | None) -> tuple[list[int], dict[str, bool]]:
    """The first and the last instant of contacts [µs], and which columns hold anything."""
    joined = join_visits(frame, direction=direction)
    both = np.concatenate([joined.begun, joined.over])
    logged = {name: bool(frame[name].notna().any()) for name in names if name in frame}
    return [int(both.min()), int(both.max())] if len(both) else [], logged


def _added(parts: list[tuple[pd.DataFrame, dict[str, Any]]]) -> tuple[pd.DataFrame, dict[str, Any]]:
    keys, sums = list(parts[0][0].columns), list(parts[0][1])
    rows = pd.concat([worded(cells).assign(**found) for cells, found in parts], ignore_index=True)
    if not keys:
        whole = rows[sums].sum().to_frame().T.astype(rows[sums].dtypes)
        return pd.DataFrame(index=pd.RangeIndex(1)), {name: whole[name].to_numpy() for name in sums}
    whole = rows.groupby(keys, dropna=False, as_index=False)[sums].sum()
    return CONTACTS.typed(whole[keys])[keys], {name: whole[name].to_numpy() for name in sums}
