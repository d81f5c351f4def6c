"""What customers said and how they were treated: surveys, complaints and evaluations of contacts, from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ccstats.readers.records.judging import KINDS, check_scales
from ccstats.readers.records.reading import read_records
from ccstats.readers.records.result import Records

__all__ = ["read_complaints", "read_evaluations", "read_surveys"]


def read_surveys(
    source: Any,
    *,
    timezone: str | None = None,
    key: str | bytes | None = None,
    scales: Mapping[str, tuple[float, float] | tuple[float, float, str]] | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    times: str = "iso",
    layout: Mapping[str, Any] | None = None,
    pseudonyms: bool = True,
    on_error: str = "reject",
    keep_text: bool = False,
) -> Records:
    r"""Read answers to surveys, one row a question or one row an invitation with a column for each question.

    With a column ``instrument`` a line is one question and ``score`` its answer. Without one, columns called ``csat``, ``nps``, ``ces`` or
    ``enps`` are the questions, and every line becomes one row for each of them; a blank is a question without an answer.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        CSV or other delimited text, Excel, Parquet, a frame (pandas, Polars, PyArrow, DuckDB); ``.gz``, ``.bz2``, ``.xz``, ``.zst`` too.
    timezone : str, optional
        Zone of times that have none; a bare date is the start of that day.
    key : str or bytes, optional
        Secret for the customers' pseudonyms: the one the log is read with, or they do not join. ``CCSTATS_KEY`` or a random one by default.
    scales : mapping of str to tuple, optional
        Instrument to ``(lowest, highest)`` or ``(lowest, highest, polarity)``, where a line does not say it by ``scale_min``, ``scale_max``
        and ``polarity``. By default csat 1-5, nps and enps 0-10, ces 1-7 with 7 for little effort (``higher_is_better``).
    columns : mapping of str to str, optional
        Our column to theirs, where they differ in more than case.
    keep : iterable of str
        Columns of theirs to keep besides, as groups; others are left out, since they may hold what is nobody's business.
    times : str
        How times are written: ``iso``, ``epoch_s``, ``epoch_ms``, ``epoch_us``, ``excel_days`` or a strptime format.
    layout : mapping, optional
        ``delimiter, quote, encoding, decimal, thousands, sheet, skip_rows, missing``, as in ``[source]`` of a mapping.
    pseudonyms : bool
        Whether customers' ids are replaced by keyed pseudonyms.
    on_error : {"reject", "raise"}
        Bad lines are set aside with a reason, or the first of them raises.
    keep_text : bool
        Whether ``rejected`` holds the text of the lines; it may hold personal data.

    Returns
    -------
    Records
        ``table`` has one row a question put to one customer, answered or not (`ccstats.schema.records.SURVEYS`). Lines that say
        ``invited`` is no and hold no answer are ignored. Rejected: scores off the scale, answers of nps and enps that are no whole number,
        a repeated response and instrument, an unknown instrument, an answer before the invitation; of a line with several questions, one
        bad answer rejects the line. A file without records gives an empty, valid table and a `DataWarning`.

    Raises
    ------
    SourceMissingError
        If a file is not there.
    ColumnError
        If columns are missing or ambiguous; the text lists them all, and those found.
    ZoneError
        If the zone is unknown, or all times of a column lack a zone and none is given.
    FormatError
        If the file is broken, or a line is bad and ``on_error="raise"``.
    OptionError
        If an argument has a value that is not allowed.

    See Also
    --------
    read_complaints, read_evaluations
    sample_file : the files beside the bundled log.

    Examples
    --------
    >>> import ccstats as cc
    >>> file = b"response_id,contact_id,responded_at,csat,nps\nS1,17.1,2025-03-01T09:00:00Z,4,9\nS2,17.2,2025-03-01T09:05:00Z,6,9\n"
    >>> surveys = cc.read_surveys(file)
    >>> surveys.table[["response_id", "instrument", "score", "scale_max"]].to_dict("records")[0]
    {'response_id': 'S1', 'instrument': 'csat', 'score': 4.0, 'scale_max': 5.0}
    >>> surveys.rejected[["line", "key", "reason"]].to_dict("records")
    [{'line': 3, 'key': 'response_id=S2', 'reason': 'csat is off its scale 1 to 5'}]
    """
    return read_records(
        source,
        KINDS["surveys"],
        timezone=timezone,
        key=key,
        columns=columns,
        keep=keep,
        times=times,
        layout=layout,
        pseudonyms=pseudonyms,
        on_error=on_error,
        keep_text=keep_text,
        scales=check_scales(scales),
    )


def read_complaints(
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
    """Read complaints, one row each.

    ``complaint_id`` and ``received_at`` must be there; other columns of `ccstats.schema.records.COMPLAINTS` where the source has them.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: a repeated id, and a complaint resolved or acknowledged before it was received. A file without records gives an empty,
        valid table and a `DataWarning`.

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
    >>> complaints = cc.read_complaints(cc.sample_file("complaints.csv"), key="a secret of ours")
    >>> len(complaints.table), int(complaints.table["resolved_at"].isna().sum())
    (124, 14)
    >>> log = cc.read(cc.sample_log(), key="a secret of ours")
    >>> complaints.table["customer"].isin(log.contacts["customer"]).all()
    np.True_
    """
    return read_records(
        source,
        KINDS["complaints"],
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


def read_evaluations(
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
    """Read evaluations of contacts, one row an item of the form.

    ``evaluation_id, agent, evaluated_at, item, points`` and ``max_points`` must be there; without ``weight`` every item weighs 1, and
    without ``critical_error`` or ``auto_fail``, or where they are blank, there was none. Blank points are an item that does not apply.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.
    timezone, key, columns, keep, times, layout, pseudonyms, on_error, keep_text
        As for `read_surveys`.

    Returns
    -------
    Records
        Rejected: points below 0 or above ``max_points``, negative weights, ``max_points`` not above 0, a repeated evaluation and item, and
        lines with another agent, contact or assessor than the evaluation's first. Evaluations that lose an item so are told in a
        `DataWarning`. A file without records gives an empty, valid table and a `DataWarning`.

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
    >>> evaluations = cc.read_evaluations(cc.sample_file("evaluations.csv"))
    >>> evaluations.table["evaluation_id"].nunique(), len(evaluations.table)
    (253, 1518)
    """
    return read_records(
        source,
        KINDS["evaluations"],
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
