"""Who comes again after giving up: how many, how soon, and whether somebody answered in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.queueing.survival import kaplan_meier
from ccstats.satisfaction._cells import Cells, Clusters, keys_of, micros_of, share_limits, span_of
from ccstats.satisfaction._joined import join_visits, key_columns, order_within, owners
from ccstats.schema import CONTACTS, NOT_QUEUED, OUTCOMES, as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["measure_returns_after_abandon"]

Ints = NDArray[np.int64]
_NEEDED = ("contact_id", "visit", "direction", "queued_at", "outcome", "wait_s")
_LEFT = tuple(word for word in OUTCOMES if word not in (*NOT_QUEUED, "answered", "open"))


def measure_returns_after_abandon(
    contacts: Any,
    *,
    within_s: float = 86_400,
    outcomes: str | Sequence[str] = "abandoned",
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    direction: str | None = "inbound",
    observed: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Share of abandons followed by another contact of the same customer, the time to it, and the share answered in the end.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit, with ``customer``; the visits of a contact are joined.
    within_s : float
        A customer who comes again no later than this after having left has returned. [s]
    outcomes : str or sequence of str
        What counts as giving up: the outcome of the last visit of a contact that nobody answered. Give
        ``("abandoned", "timed_out", "exited_key", "left_empty")`` for everybody who did not get through.
    by : str or sequence of str
        Group columns of ``contacts``, of the last visit of the contact given up.
    period : str, optional
        ``hour``, ``day``, ``week`` or ``month`` in which the contact given up began.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    direction : str, optional
        Which contacts count; None for all.
    observed : (instant, instant), optional
        From when to when the data reach; by default from the first to the last contact in the table.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a group and period with such a contact: ``abandons`` of known customers whose time is over, ``returned``,
        ``returned_share`` with ``_low`` and ``_high``; ``answered_later``, those of them with an answered contact in that time, and
        ``answered_later_share`` with limits; ``returned_share_km``, by Kaplan and Meier, which uses the censored as long as they were
        seen, and ``median_return_s``, the time by which half of those had come who come ``within_s``. Counted apart: ``censored``,
        whose time is not over where the data end; ``no_customer``. Shares and times of nothing are missing.

    Raises
    ------
    OptionError
        If an argument has no such value.
    ColumnError, TableError, ZoneError
        As `measure_resolution` does.

    See Also
    --------
    measure_resolution : who comes again after having been answered.
    estimate_retrials : the share of retrials that a queueing model needs.

    Notes
    -----
    Of a customer who gives up three times before being answered, each of the three counts; the limits go by customers. Some of those who
    come again would have called anyway: compare with how many of the answered come again in the same time. Who calls from
    another number, or without one, is not seen to come again.

    References
    ----------
    E. L. Kaplan and P. Meier (1958), Journal of the American Statistical Association 53, 457-481.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="our secret")
    >>> after = cc.measure_returns_after_abandon(log.contacts, within_s=7200)
    >>> bool(0.3 < after["returned_share"][0] < 0.5), bool((after["answered_later"] <= after["returned"]).all())
    (True, True)
    """
    check_confidence(confidence)
    words = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if not words or any(word not in _LEFT for word in words):
        raise OptionError(f"outcomes={outcomes!r}: choose among {', '.join(_LEFT)}")
    number = isinstance(within_s, int | float | np.number) and not isinstance(within_s, bool)
    if not number or not 0 < within_s < np.inf:
        raise OptionError(f"within_s={within_s!r}: give seconds above 0, such as 86400 for a day")
    frame = as_frame(contacts, what="contacts")
    key_columns(frame, "customer")
    CONTACTS.check(frame, columns=[*_NEEDED, *(name for name in ("talk_s", "hold_s") if name in frame)], keys=False)
    joined = join_visits(frame, direction=direction)
    begun, over = joined.begun, joined.over
    _, high = span_of(observed, pd.Series(np.concatenate([begun, over]).view("datetime64[us]")).dt.tz_localize("UTC"))
    end = micros_of(high)
    owner, customer = owners(frame, joined.row, ["customer"])
    to_next, to_answer = _times_to_next(owner, begun, over, joined.answered, order_within(owner, begun, frame["contact_id"], joined.row))

    given_up = np.flatnonzero(~joined.answered & frame["outcome"].iloc[joined.last].isin(words).to_numpy())
    keys = keys_of(
        frame.iloc[joined.last[given_up]],
        by,
        instants=pd.Series(begun[given_up].view("datetime64[us]")).dt.tz_localize("UTC"),
        period=period,
        timezone=timezone,
        what="contacts",
    )
    cells = Cells(keys)
    known = customer[given_up] >= 0
    seen = np.maximum(end - over[given_up], 0) / 1e6
    judged = known & (seen >= within_s)
    back, got = judged & (to_next[given_up] <= within_s), judged & (to_answer[given_up] <= within_s)
    clusters = Clusters(cells.codes, np.maximum(customer[given_up], 0), len(cells))
    shares = [share_limits(each, judged, clusters, confidence=confidence) for each in (back, got)]
    curve, median = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    limit = np.minimum(seen, within_s)
    for cell in range(len(cells)):
        chosen = known & (cells.codes == cell)
        if chosen.any():
            time, ended = np.minimum(to_next[given_up][chosen], limit[chosen]), to_next[given_up][chosen] <= limit[chosen]
            survival = kaplan_meier(time, ended)
            curve[cell] = 1 - survival.survival[-1]
            if ended.any():
                median[cell] = survival.quantile(float(curve[cell]) / 2)[0]
    return cells.table(
        {
            "abandons": cells.count(judged),
            "returned": cells.count(back),
            **dict(zip(("returned_share", "returned_share_low", "returned_share_high"), shares[0], strict=True)),
            "answered_later": cells.count(got),
            **dict(zip(("answered_later_share", "answered_later_share_low", "answered_later_share_high"), shares[1], strict=True)),
            "returned_share_km": curve,
            "median_return_s": median,
            "censored": cells.count(known & ~judged),
            "no_customer": cells.count(~known),
        }
    )


def _times_to_next(owner: Ints, begun: Ints, over: Ints, answered: NDArray[np.bool_], order: Ints) -> tuple[Any, Any]:
    """Seconds from the end of each contact to the start of the customer's next, and of the next that was answered; infinite without one."""
    size = len(order)
    place = np.arange(size)
    after = [np.minimum(place + 1, size - 1), np.full(size, size, dtype="int64")]
    got = np.where(answered[order], place, size)
    if size > 1:
        after[1][:-1] = np.minimum.accumulate(got[::-1])[::-1][1:]
    out = []
    for each in after:
        here = np.minimum(each, size - 1)
        same = (each < size) & (here > place) & (owner[order][here] == owner[order]) & (owner[order] >= 0) if size else place > 0
        gap = np.maximum(begun[order][here] - over[order], 0) / 1e6
        seconds = np.full(size, np.inf)
        seconds[order] = np.where(same, gap, np.inf)
        out.append(seconds)
    return out[0], out[1]
