"""A table as it reads well in a notebook: percent, seconds, local times, and what its figures mean below it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.labels import check_language, column_label, number_text, phrase
from ccstats.metrics import METRICS
from ccstats.periods import check_timezone
from ccstats.report.cells import present, printable
from ccstats.schema import as_frame

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["show"]

#: A cell shows no more letters than this.
_LETTERS = 200
_CSS: Any = [
    {"selector": "", "props": "border-collapse: collapse; font-variant-numeric: tabular-nums"},
    {"selector": "th, td", "props": "padding: 0.25em 0.75em; border: 0; vertical-align: top"},
    {"selector": "thead th", "props": "border-bottom: 1px solid currentColor"},
    {"selector": "tbody tr", "props": "background: transparent"},
    {"selector": "caption", "props": "caption-side: bottom; text-align: left; font-size: 0.85em; opacity: 0.8; padding-top: 0.75em"},
]


def show(table: Any, *, period: str | None = None, timezone: str | None = None, rows: int = 200, lang: str = "en") -> Styler:
    """A table for people: shares as percent, seconds with one decimal, local times, and below it how its figures are defined.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        Any table of ours, or one with columns of its own.
    period : str, optional
        How ``period_start`` was cut, so that a month is shown as a month.
    timezone : str, optional
        Show times in this zone; by default each as it comes.
    rows : int
        Show so many, from the first on. [rows]
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    pandas.io.formats.style.Styler
        Jupyter shows it as a table; ``.to_html()`` is its text. Every cell is text, escaped: neither a tag nor a formula of the data's own
        is taken for one. Missing values are a dash. The table itself is not changed.

    Raises
    ------
    OptionError, ZoneError
        If there is no such language or zone, or ``rows`` is no number of rows.
    TableError
        If it is no table, or a column is there more than once.

    See Also
    --------
    ccstats.plots : charts of the same tables.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> shown = cc.show(pd.DataFrame({"queue": ["sales"], "service_level": [0.8113], "asa_s": [12.34]}))
    >>> shown.data
       queue service level ASA [s]
    0  sales        81.1 %    12.3
    >>> "service_level = answered_within / (offered - open)" in shown.to_html()
    True
    """
    check_language(lang)
    frame = as_frame(table, what="table")
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise OptionError(f"rows={rows!r}: expected a number of rows from 1 on")
    if frame.columns.has_duplicates:
        twice = str(frame.columns[frame.columns.duplicated()][0])[:60]
        raise TableError(f"table: column {twice!r} is there more than once; rename one of them")
    first = frame.head(rows)
    plain = pd.DataFrame({str(name): _plain(first[name], timezone) for name in first.columns}, index=first.index)
    text = present(plain, period=period, lang=lang).map(_short)
    text.columns = [_short(name) for name in text.columns]
    right = [
        name
        for name, dtype in zip(text.columns, plain.dtypes, strict=True)
        if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    ]
    shown = text.style.hide(axis="index").format(escape="html").format_index(escape="html", axis="columns")
    shown = shown.set_table_styles(_CSS).set_table_attributes('class="dataframe tex2jax_ignore mathjax_ignore"')
    for side in ("left", "right"):
        columns: Any = [name for name in text.columns if (name in right) == (side == "right")]
        shown = shown.set_properties(subset=columns, **{"text-align": side})
    notes = (
        [phrase("plot_n_rows", lang, shown=number_text(rows, lang=lang), count=number_text(len(frame), lang=lang))]
        if len(frame) > rows
        else []
    )
    notes += _notes(frame, plain, lang)
    return shown.set_caption("<br>".join(html.escape(_short(note)) for note in notes)) if notes else shown


def _plain(values: pd.Series[Any], timezone: str | None) -> pd.Series[Any]:
    """A column of what can be shown: numbers, truth values, instants (in the zone asked for) and text."""
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return values if timezone is None else values.dt.tz_convert(check_timezone(timezone))
    if isinstance(dtype, pd.CategoricalDtype):
        values = values.astype("object")
    elif pd.api.types.is_complex_dtype(dtype):
        return values.astype("str")
    elif pd.api.types.is_numeric_dtype(dtype) or isinstance(dtype, pd.StringDtype) or dtype.kind == "M":
        return values
    # lists, dictionaries and whatever else stands in a column of objects
    return values.map(lambda value: None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)).astype("str")


def _short(text: str) -> str:
    line = printable(" ".join(text[: 4 * _LETTERS].split()))
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…"


def _notes(frame: pd.DataFrame, plain: pd.DataFrame, lang: str) -> list[str]:
    """Formulas of the metrics shown, the threshold they were counted with, and the zone of the times."""
    names = [str(name) for name in frame.columns if str(name) in METRICS and METRICS[str(name)].denominator]
    notes = [f"{column_label(name, lang)}: {name} = {METRICS[name].formula}" for name in names]
    if any("within" in METRICS[name].formula for name in names) and "threshold_s" in frame:
        known = pd.to_numeric(frame["threshold_s"], errors="coerce").dropna().unique()
        if len(known) == 1:
            notes.append(f"{phrase('threshold', lang)}: {phrase('seconds', lang, number=number_text(float(known[0]), lang=lang))}")
    zones = {str(dtype.tz) for dtype in plain.dtypes if isinstance(dtype, pd.DatetimeTZDtype)}
    return notes + [phrase("times_of_zone", lang, zone=zone) for zone in sorted(zones)]
