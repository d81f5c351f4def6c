"""How long callers are willing to wait, and how many of those who gave up call again, estimated from contacts.

It is one file because both are censored times cut into the same groups and shown as the same curves; half of its lines are docstrings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.intervals.cells import Groups, check_by, coded, instants_of
from ccstats.intervals.counts import seconds
from ccstats.queueing.patience import LAWS, FittedLaw, fit_law, mean_patience, time_to_return
from ccstats.queueing.survival import Survival, hazard_rate, kaplan_meier
from ccstats.schema import CONTACTS, NOT_QUEUED, as_frame

__all__ = ["Patience", "Retrials", "estimate_patience", "estimate_retrials"]

#: Lengths of the intervals of a hazard, of which the finest is taken that needs no more than `_MOST_STEPS` of them.
_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_STEPS = 100

#: Columns of a curve and of a law, in their order.
_CURVE = ("time_s", "at_risk", "events", "survival", "survival_low", "survival_high")
_LAW = ("shape", "shape_se", "scale_s", "scale_se_s", "mean_s", "median_s", "log_likelihood", "aic")

_Estimate = tuple[dict[str, Any], dict[str, pd.DataFrame]]


@dataclass(frozen=True)
class Patience:
    """What `estimate_patience` found.

    Attributes
    ----------
    mean_s : float
        Mean patience of all contacts together: what they waited in all, over how many gave up. Infinite where nobody did. [s]
    mean_low_s, mean_high_s : float
        Its limits. [s]
    groups : pandas.DataFrame
        One row a group: the ``by`` columns; ``answered``, ``abandoned`` and ``others`` (left or ended otherwise), all with a known wait;
        ``answered_at_once`` of the answered and ``balked`` of the abandoned, both after no wait; ``short`` (abandons that count as no
        giving up); ``wait_unknown`` (left out); ``total_wait_s``, ``longest_wait_s``; ``mean_s, mean_se_s, mean_low_s, mean_high_s``;
        ``median_s, median_low_s, median_high_s`` (from the curve, missing where it stays above one half); ``mean_seen_s`` (each
        counted up to the longest wait: the area under the curve); ``law``, the one that describes the waits best.
    laws : pandas.DataFrame
        One row a group and law: ``law, shape, shape_se, scale_s, scale_se_s, mean_s, median_s, log_likelihood, aic, best``. For
        ``lognormal`` the shape is σ and the scale exp(μ).
    curve : pandas.DataFrame
        Kaplan–Meier curve of patience, a row a time: ``time_s, at_risk, events, survival, survival_low, survival_high``.
    virtual_wait : pandas.DataFrame
        The same of the offered wait: how long one would have waited who never gives up.
    hazard : pandas.DataFrame
        How readily people give up after each wait: ``start_s, end_s, events, exposure_s, hazard, hazard_low, hazard_high``. [1/s]

    Examples
    --------
    >>> import ccstats as cc
    >>> patience = cc.estimate_patience(cc.synthesize_contacts(seed=1, days=2).contacts)
    >>> bool(patience.mean_low_s < patience.mean_s < patience.mean_high_s)
    True
    """

    mean_s: float
    mean_low_s: float
    mean_high_s: float
    groups: pd.DataFrame = field(repr=False)
    laws: pd.DataFrame = field(repr=False)
    curve: pd.DataFrame = field(repr=False)
    virtual_wait: pd.DataFrame = field(repr=False)
    hazard: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Retrials:
    """What `estimate_retrials` found.

    Attributes
    ----------
    share : float
        Share of those who gave up that come again within the window; missing where no customer is known. [0-1]
    share_low, share_high : float
        Its limits. [0-1]
    window_s : float
        The window. [s]
    groups : pandas.DataFrame
        One row a group: the ``by`` columns; ``abandoned``; ``customer_unknown`` of them (left out); ``returned`` (seen to come again
        within the window); ``share, share_low, share_high``; ``median_return_s``, by when half of those had come.
    curve : pandas.DataFrame
        Share that has come again by each time: ``time_s, at_risk, events, share, share_low, share_high``.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.estimate_retrials(cc.synthesize_contacts(seed=1, days=2).contacts).window_s
    3600.0
    """

    share: float
    share_low: float
    share_high: float
    window_s: float
    groups: pd.DataFrame = field(repr=False)
    curve: pd.DataFrame = field(repr=False)


def estimate_patience(
    contacts: Any,
    *,
    by: str | Sequence[str] = (),
    short_s: float | None = None,
    step_s: float | None = None,
    smooth_s: float = 0.0,
    laws: Sequence[str] = LAWS,
    points: int | None = 2000,
    confidence: float = 0.95,
) -> Patience:
    r"""How long callers are willing to wait, from contacts of whom most were answered before they showed it.

    Parameters
    ----------
    contacts : pandas.DataFrame, Arrow table, or anything with ``map_partitions(function)``
        One row a visit. Of a `scan` only outcome, wait and the ``by`` columns come into memory: an estimate needs all waits in order.
    by : str or sequence of str
        Group columns, such as ``queue``; without one, all contacts are one group.
    short_s : float, optional
        Abandons after a wait up to this (wrong numbers) are no giving up: their wait counts as that of somebody answered then. [s]
    step_s : float, optional
        Length of the hazard's intervals. By default the finest of 1, 2, 5, 10, 15, … s with at most 100 of them up to the wait that 99 %
        of the abandoned do not exceed. What is waited beyond that is one last interval. [s]
    smooth_s : float
        Take each rate of the hazard from an interval widened by this on either side. [s]
    laws : sequence of str
        Laws to fit: ``exponential``, ``weibull``, ``lognormal``.
    points : int, optional
        Curves of more rows than this are thinned to it, exact at the times that remain; None keeps every time. [rows]
    confidence : float
        Confidence of all limits. [0-1]

    Returns
    -------
    Patience
        Its tables are sorted by group; without contacts there is one group of nobody, or with ``by`` none, and ``mean_s`` is missing.
        Where nobody gave up ``mean_s`` is infinite, ``mean_low_s`` is not, and no law can be fitted.

    Raises
    ------
    TableError
        If a column is missing or has another dtype, or a wait is negative or infinite.
    ColumnError, OptionError
        If ``by`` is no column, or is named like a figure of the result; if another argument has no such value.

    See Also
    --------
    estimate_retrials : how many of those who gave up call again.

    Notes
    -----
    Giving up (``abandoned``) shows how long patience was; every other outcome, answered above all, only that it was longer than the wait.
    For the offered wait it is the other way round. Visits that never joined a queue are not counted; those whose wait is not known
    are counted apart and left out.

    ``mean_s`` is :math:`\sum w / d`, the maximum-likelihood estimate for exponential patience and the ``patience_s`` that Erlang A asks
    for. Whoever was answered at once adds nothing to either sum. In the curve of patience they are left out as well: nobody asked them to
    wait, so they cannot show whether they would have; its drop at time 0 is the share of ``balked`` among those who had to wait. Laws are
    fitted to waits above 0.

    A group's figures are from sums over the group. A mean of such quotients over intervals is too large, because a quotient with a small
    random denominator is (and infinite where nobody gave up): sum first, divide last.

    Queues with general patience take the curve, ``PatienceLaw.from_curve(curve["time_s"], curve["survival"], tail_mean_s=mean_s)``, or
    a law with the share of ``balked``.

    The estimates suppose that the offered wait of a caller and their patience have nothing to do with each other. Announcements of the
    expected wait, or one number for patient and impatient queues, break that: estimate by queue.

    References
    ----------
    E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958, pp. 457-481.
    L. Brown et al., "Statistical analysis of a telephone call center: a queueing-science perspective", JASA 100, 2005, pp. 36-50.
    A. Mandelbaum and S. Zeltyn, "Data-stories about (im)patient customers in tele-queues", Queueing Systems 75, 2013, pp. 115-146.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1)
    >>> patience = cc.estimate_patience(centre.contacts, by="queue")
    >>> patience.groups["queue"].tolist(), [queue.patience_s for queue in centre.queues]
    (['complaints', 'sales', 'support'], [180.0, 240.0, 300.0])
    >>> bool(100 < patience.mean_s < 400)
    True
    """
    frame = _gathered(contacts, by) if hasattr(contacts, "map_partitions") else as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["outcome", "wait_s"], keys=False)
    if isinstance(laws, str) or not set(laws) <= set(LAWS):
        raise OptionError(f"laws={laws!r}: expected a sequence of {', '.join(LAWS)}")
    short = -1.0 if short_s is None else seconds(short_s, f"short_s={short_s!r}")
    joined = ~frame["outcome"].isin(NOT_QUEUED).to_numpy()
    wait = frame["wait_s"].to_numpy(dtype="float64")[joined]
    answered, abandoned = ((frame["outcome"] == word).to_numpy()[joined] for word in ("answered", "abandoned"))
    edges = _edges(wait, abandoned, step_s)

    def estimate(rows: Any) -> _Estimate:
        known = ~np.isnan(wait[rows])
        waited, served, left = wait[rows][known], answered[rows][known], abandoned[rows][known]
        gave_up = left & (waited > short)
        asked = (waited > 0) | gave_up  # to wait at all
        curve = kaplan_meier(waited[asked], gave_up[asked], confidence=confidence)
        offered = kaplan_meier(waited, served, confidence=confidence)
        hazard = hazard_rate(waited, gave_up, edges_s=edges, smooth_s=smooth_s, confidence=confidence)
        table = _law_table([fit_law(waited, gave_up, law) for law in laws])
        mean = mean_patience(waited.sum(), gave_up.sum(), confidence=confidence)
        median = curve.quantile(0.5)
        figures = {
            "answered": int(served.sum()),
            "abandoned": int(left.sum()),
            "others": int((~served & ~left).sum()),
            "answered_at_once": int((served & (waited == 0)).sum()),
            "balked": int((gave_up & (waited == 0)).sum()),
            "short": int((left & ~gave_up).sum()),
            "wait_unknown": int((~known).sum()),
            "total_wait_s": float(waited.sum()),
            "longest_wait_s": float(waited.max()) if waited.size else np.nan,
            **{name: float(value) for name, value in zip(("mean_s", "mean_se_s", "mean_low_s", "mean_high_s"), mean, strict=True)},
            **dict(zip(("median_s", "median_low_s", "median_high_s"), median, strict=True)),
            "mean_seen_s": curve.mean_s(),
            "law": next(iter(table["law"][table["best"]]), None),
        }
        tables = {
            "laws": table,
            "curve": _curve_table(curve, points),
            "virtual_wait": _curve_table(offered, points),
            "hazard": pd.DataFrame(hazard._asdict()),
        }
        return figures, tables

    groups, tables = _by_group(frame, by, np.flatnonzero(joined), estimate)
    groups = groups.assign(law=pd.Categorical(groups["law"], categories=list(LAWS)))
    pooled = mean_patience(groups["total_wait_s"].sum(), (groups["abandoned"] - groups["short"]).sum(), confidence=confidence)
    return Patience(float(pooled.mean_s), float(pooled.low_s), float(pooled.high_s), groups, **tables)


def estimate_retrials(
    contacts: Any,
    *,
    window_s: float = 3600.0,
    by: str | Sequence[str] = (),
    points: int | None = 2000,
    confidence: float = 0.95,
) -> Retrials:
    """How many of those who gave up come again, and how soon, from contacts that know their customer.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit, with ``customer``.
    window_s : float
        Who comes again within this has called again; later it is a new matter. [s]
    by : str or sequence of str
        Group columns of the abandoned visit, such as ``queue``; the customer may come again anywhere.
    points : int, optional
        Curves of more rows than this are thinned to it; None keeps every time. [rows]
    confidence : float
        Confidence of all limits. [0-1]

    Returns
    -------
    Retrials
        Shares are missing where no abandoned visit has a known customer, or none could be followed as long as the window.
        With ``by`` and nobody who gave up there is no group.

    Raises
    ------
    ColumnError
        If there is no column ``customer``, or ``by`` is none.
    TableError
        If a column has another dtype, or a wait is negative.
    OptionError
        If an argument has no such value.

    See Also
    --------
    estimate_patience : how long callers are willing to wait.

    Notes
    -----
    Each abandoned inbound visit is followed from the moment it left the queue to the customer's next inbound visit that joined a queue
    later than that, or to the last ``queued_at`` of the table, where it is censored (Kaplan–Meier); someone who gave up a minute before
    the log ends is no one who stayed away. Whoever comes again because of something else within the window is counted too, and customers
    who are known may differ from those who are not. Limits take visits as independent, which several visits of one customer are not.

    Examples
    --------
    Forty in a hundred call again in this centre, if there is still time that day:

    >>> import ccstats as cc
    >>> retrials = cc.estimate_retrials(cc.synthesize_contacts(seed=1).contacts, window_s=7200)
    >>> bool(0.2 < retrials.share < 0.6)
    True
    """
    frame = as_frame(contacts, what="contacts")
    if "customer" not in frame:
        raise ColumnError(
            "estimate_retrials needs a column 'customer' (a keyed pseudonym) to see who calls again, and contacts have none; "
            "read a log that knows its customers, or map a column to 'customer'"
        )
    CONTACTS.check(frame, columns=["direction", "queued_at", "outcome", "wait_s", "customer"], keys=False)
    window = seconds(window_s, f"window_s={window_s!r}")
    queued = (frame["queued_at"].notna() & ~frame["outcome"].isin(NOT_QUEUED) & (frame["direction"] == "inbound")).to_numpy()
    visits = frame.loc[queued, ["queued_at", "outcome", "wait_s", "customer"]]

    began = instants_of(visits["queued_at"])
    began_s = (began - began.min(initial=np.iinfo("int64").max)) / 1e6
    wait = visits["wait_s"].to_numpy(dtype="float64")
    abandoned = (visits["outcome"] == "abandoned").to_numpy() & ~np.isnan(wait)
    named = visits["customer"].notna().to_numpy()
    time, came = np.full(len(visits), np.nan), np.zeros(len(visits), dtype=bool)
    time[named & abandoned], came[named & abandoned] = time_to_return(
        pd.factorize(visits["customer"][named])[0],
        began_s[named],
        (began_s + np.nan_to_num(wait))[named],
        abandoned[named],
        end_s=began_s.max(initial=0.0),
    )
    time, came = time[abandoned], came[abandoned]

    def estimate(rows: Any) -> _Estimate:
        known = ~np.isnan(time[rows])
        waited, returned = time[rows][known], came[rows][known]
        soon = returned & (waited <= window)
        curve = kaplan_meier(np.minimum(waited, window), soon, confidence=confidence)
        share = 1 - float(curve.at(window))  # missing where nobody was followed so long
        low, high = (1 - float(limit[-1]) if share >= 0 else np.nan for limit in (curve.survival_high, curve.survival_low))
        figures = {
            "abandoned": len(known),
            "customer_unknown": int((~known).sum()),
            "returned": int(soon.sum()),
            "share": share,
            "share_low": low,
            "share_high": high,
            "median_return_s": curve.quantile(share / 2)[0] if share > 0 else np.nan,
        }
        shown = _curve_table(curve, points)
        shares = {"share": 1 - shown["survival"], "share_low": 1 - shown["survival_high"], "share_high": 1 - shown["survival_low"]}
        return figures, {"curve": shown[["time_s", "at_risk", "events"]].assign(**shares)}

    pooled, _ = estimate(slice(None))
    left = np.flatnonzero(queued)[abandoned]
    groups, tables = _by_group(frame, by, left, estimate)
    return Retrials(pooled["share"], pooled["share_low"], pooled["share_high"], window, groups, **tables)


def _gathered(contacts: Any, by: str | Sequence[str]) -> pd.DataFrame:
    """The columns needed of all partitions, words as numbers."""
    import pyarrow as pa

    names = ["outcome", "wait_s", *dict.fromkeys((by,) if isinstance(by, str) else by)]

    def narrow(part: pd.DataFrame) -> Any:
        check_by(by, part.columns, what="contacts")
        return pa.Table.from_pandas(part[list(dict.fromkeys(names))], preserve_index=False).replace_schema_metadata()

    parts = list(contacts.map_partitions(narrow))
    if not parts:
        return CONTACTS.empty().assign(**{name: pd.Series([], dtype="str") for name in names if name not in CONTACTS.empty()})
    whole = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
    return CONTACTS.typed(whole.to_pandas())


def _by_group(
    frame: pd.DataFrame, by: str | Sequence[str], chosen: np.ndarray, estimate: Callable[[Any], _Estimate]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Figures, a row a group, and tables, the groups' below each other; ``estimate`` takes places among the chosen rows."""
    names = list(check_by(by, frame.columns, what="contacts"))
    none, blank = estimate(np.empty(0, dtype="int64"))  # says what the columns are where there is no group
    if clash := [name for name in names if name in none or any(name in table for table in blank.values())]:
        raise OptionError(f"by={clash[0]!r} is the name of a figure in the result; rename the column of contacts")
    keys, cells = _cells(frame[names].iloc[chosen])
    found = [estimate(rows) for rows in cells]

    def stacked(tables: list[pd.DataFrame], nothing: pd.DataFrame) -> pd.DataFrame:
        group = np.repeat(np.arange(len(keys)), [len(table) for table in tables])
        below = pd.concat(tables, ignore_index=True) if tables else nothing[:0]
        return pd.concat([keys.iloc[group].reset_index(drop=True), below], axis=1)

    figures = pd.DataFrame([*(each for each, _ in found), none])[:-1]
    return pd.concat([keys, figures], axis=1), {name: stacked([tables[name] for _, tables in found], blank[name]) for name in blank}


def _cells(keys: pd.DataFrame) -> tuple[pd.DataFrame, list[Any]]:
    """The groups in order, and the rows of each; without key columns one group of all rows."""
    if keys.columns.empty:
        return pd.DataFrame(index=pd.RangeIndex(1)), [slice(None)]
    groups = Groups({str(name): coded(keys[name]) for name in keys}, len(keys))
    used, at = groups.present()
    cuts = np.cumsum(np.bincount(at, minlength=len(used)))[:-1]
    return pd.DataFrame(groups.columns(used)), np.split(np.argsort(at, kind="stable"), cuts) if len(used) else []


def _edges(wait: np.ndarray, abandoned: np.ndarray, step_s: float | None) -> np.ndarray:
    """Where the intervals of the hazard begin and end, the same for all groups."""
    known = ~np.isnan(wait)
    left, longest = wait[known & abandoned], float(wait[known].max(initial=0.0))
    until = float(np.quantile(left, 0.99)) if left.size else longest
    if step_s is None:
        step = next((float(each) for each in _STEPS_S if until <= each * _MOST_STEPS), until / _MOST_STEPS)
    else:
        step = seconds(step_s, f"step_s={step_s!r}")
        if step == 0 or until / step > 1e6:
            raise OptionError(f"step_s={step_s!r} would cut waits up to {until:g} s into too many intervals; give a longer one")
    edges = step * np.arange(max(int(np.ceil(until / step)), 1) + 1)
    return np.append(edges, longest) if longest > edges[-1] else edges


def _curve_table(curve: Survival, points: int | None) -> pd.DataFrame:
    if points is not None and not points >= 2:
        raise OptionError(f"points={points!r}: expected 2 or more rows, or None to keep every time")
    thinned = curve if points is None else curve.thin(points)
    return pd.DataFrame({name: getattr(thinned, name) for name in _CURVE})


def _law_table(fitted: list[FittedLaw]) -> pd.DataFrame:
    """Laws in the order asked for; the best is the one with the smallest criterion, where one could be fitted."""
    figures = pd.DataFrame({name: np.array([getattr(law, name) for law in fitted], dtype="float64") for name in _LAW})
    names = pd.DataFrame({"law": pd.Categorical([law.name for law in fitted], categories=list(LAWS))})
    best = (figures["aic"] == figures["aic"].min()) & ~figures["aic"].duplicated()
    return pd.concat([names, figures], axis=1).assign(best=best)
