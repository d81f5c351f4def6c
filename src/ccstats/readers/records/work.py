"""Work and staff that no log tells of: written items, employments, absences, and figures given as sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ccstats.readers.records.judging import KINDS
from ccstats.readers.records.reading import read_records
from ccstats.readers.records.result import Records

__all__ = ["read_absences", "read_figures", "read_items", "read_staff"]


def read_items(
    source: Any,
    *,
    timezone: str | None = None,
    key: str | bytes | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    times: str = "iso",
    layout: Mapping[str, Any] | None = None,
    pseudonyms: bool = True,
    on_error: str = "reject",
    keep_text: bool = False,
) -> Records:
    r"""Read written or deferred work, one row an e-mail, message or ticket.

    ``item_id, queue, channel`` and ``opened_at`` must be there.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: a repeated id, and an item answered or closed before it was opened. A file without records gives an empty, valid table
        and a `DataWarning`.

    Raises
    ------
    SourceMissingError, ColumnError, ZoneError, FormatError, OptionError
        As for `read_surveys`.

    See Also
    --------
    read_surveys

    Examples
    --------
    >>> import ccstats as cc
    >>> file = b"item_id,queue,channel,opened_at,closed_at\nT1,mail,email,2025-03-01 09:00,2025-03-01 08:00\n"
    >>> file += b"T2,mail,email,2025-03-01 09:10,\n"
    >>> items = cc.read_items(file, timezone="Europe/Berlin")
    >>> items.table["item_id"].tolist(), items.rejected["reason"].tolist()
    (['T2'], ['closed_at is before opened_at'])
    """
    return read_records(
        source,
        KINDS["items"],
        timezone=timezone,
        key=key,
        columns=columns,
        keep=keep,
        times=times,
        layout=layout,
        pseudonyms=pseudonyms,
        on_error=on_error,
        keep_text=keep_text,
    )


def read_staff(
    source: Any,
    *,
    timezone: str | None = None,
    key: str | bytes | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    times: str = "iso",
    layout: Mapping[str, Any] | None = None,
    pseudonyms: bool = True,
    on_error: str = "reject",
    keep_text: bool = False,
) -> Records:
    r"""Read employments, one row an agent's time with the centre.

    ``agent`` and ``joined_at`` must be there. A bare ISO date in ``left_at`` is the last day, so its end is meant.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: a repeated agent and first day, and leaving before joining. A file without records gives an empty, valid table and a
        `DataWarning`.

    Raises
    ------
    SourceMissingError, ColumnError, ZoneError, FormatError, OptionError
        As for `read_surveys`.

    See Also
    --------
    read_absences

    Examples
    --------
    >>> import ccstats as cc
    >>> staff = cc.read_staff(b"agent,joined_at,left_at\nAda,2024-05-01,2025-01-31\n", timezone="Europe/Berlin")
    >>> staff.table["left_at"].dt.tz_convert("Europe/Berlin")[0]
    Timestamp('2025-02-01 00:00:00+0100', tz='Europe/Berlin')
    """
    return read_records(
        source,
        KINDS["staff"],
        timezone=timezone,
        key=key,
        columns=columns,
        keep=keep,
        times=times,
        layout=layout,
        pseudonyms=pseudonyms,
        on_error=on_error,
        keep_text=keep_text,
    )


def read_absences(
    source: Any,
    *,
    timezone: str | None = None,
    key: str | bytes | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    times: str = "iso",
    layout: Mapping[str, Any] | None = None,
    pseudonyms: bool = True,
    on_error: str = "reject",
    keep_text: bool = False,
) -> Records:
    r"""Read scheduled time and absence from it, one row an agent's day or shift.

    ``agent, started_at, scheduled_s`` and ``absent_s`` [s] must be there.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: a repeated agent and start, and more absent than scheduled. A file without records gives an empty, valid table and a
        `DataWarning`.

    Raises
    ------
    SourceMissingError, ColumnError, ZoneError, FormatError, OptionError
        As for `read_surveys`.

    See Also
    --------
    read_staff

    Examples
    --------
    >>> import ccstats as cc
    >>> file = b"agent,started_at,scheduled_s,absent_s\nAda,2025-03-03,28800,7200\n"
    >>> absences = cc.read_absences(file, timezone="Europe/Berlin").table
    >>> absences["absent_s"].sum() / absences["scheduled_s"].sum()
    np.float64(0.25)
    """
    return read_records(
        source,
        KINDS["absences"],
        timezone=timezone,
        key=key,
        columns=columns,
        keep=keep,
        times=times,
        layout=layout,
        pseudonyms=pseudonyms,
        on_error=on_error,
        keep_text=keep_text,
    )


def read_figures(
    source: Any,
    *,
    timezone: str | None = None,
    key: str | bytes | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    times: str = "iso",
    layout: Mapping[str, Any] | None = None,
    pseudonyms: bool = True,
    on_error: str = "reject",
    keep_text: bool = False,
) -> Records:
    r"""Read figures that no log tells, such as costs, one row a metric, queue and period.

    ``metric, period_start`` and ``numerator`` must be there; ``queue`` where a figure is a queue's, and ``denominator``, 1 where there is
    no such column. A month (``2025-03``) is its first day.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: a repeated metric, queue and period, and negative denominators. A file without records gives an empty, valid table and a
        `DataWarning`.

    Raises
    ------
    SourceMissingError, ColumnError, ZoneError, FormatError, OptionError
        As for `read_surveys`.

    See Also
    --------
    read_surveys

    Examples
    --------
    >>> import ccstats as cc
    >>> file = b"metric,queue,period_start,numerator,denominator\ncost_per_contact,sales,2025-03,41250,3300\n"
    >>> cc.read_figures(file, timezone="Europe/Berlin").table[["metric", "queue", "numerator", "denominator"]].to_dict("records")
    [{'metric': 'cost_per_contact', 'queue': 'sales', 'numerator': 41250.0, 'denominator': 3300.0}]
    """
    return read_records(
        source,
        KINDS["figures"],
        timezone=timezone,
        key=key,
        columns=columns,
        keep=keep,
        times=times,
        layout=layout,
        pseudonyms=pseudonyms,
        on_error=on_error,
        keep_text=keep_text,
    )
