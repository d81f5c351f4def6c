"""Tables of ours as an Excel workbook: native tables, number formats by unit, times in the zone asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccstats.labels import vocabulary_word
from ccstats.report.cells import heading, safe_cell, unit_of

__all__ = ["add_sheet", "workbook_bytes"]

_FORMATS = {"ratio": "0.0%", "0-1": "0.0%", "s": "#,##0.0"}
#: A worksheet ends here.
_ROWS = 1_048_575


def workbook_bytes(tables: Mapping[str, pd.DataFrame], *, timezone: str, lang: str = "en") -> bytes:
    """A workbook with one sheet per table.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables of ours by the name of their sheet; a table longer than a sheet goes on in a second one.
    timezone : str
        Zone of the times, since a worksheet knows none; it is said in their headings.
    lang : str
        Language of headings and of words of our vocabularies: ``en``, ``de``, ``es`` or ``tr``. Numbers are written as the reader's
        spreadsheet writes them.

    Returns
    -------
    bytes
        The file. Text that begins like a formula is neutralised; infinite values stand as ``∞``, missing ones are empty.

    Examples
    --------
    >>> workbook_bytes({"plan": pd.DataFrame({"agents": [14.0]})}, timezone="UTC")[:2]
    b'PK'
    """
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, table in tables.items():
            parts = [table.iloc[at : at + _ROWS] for at in range(0, max(len(table), 1), _ROWS)]
            for number, part in enumerate(parts, 1):
                add_sheet(book, f"{name}_{number}" if len(parts) > 1 else name, part, timezone, lang)
    return buffer.getvalue()


def add_sheet(book: Any, name: str, table: pd.DataFrame, timezone: str, lang: str = "en") -> Any:
    """A sheet with one table, added to a workbook that is being written.

    Examples
    --------
    >>> import xlsxwriter
    >>> with xlsxwriter.Workbook(io.BytesIO()) as book:
    ...     add_sheet(book, "plan", pd.DataFrame({"agents": [14.0]}), "UTC").get_name()
    'plan'
    """
    sheet = book.add_worksheet(name[:31])
    columns: list[dict[str, Any]] = []
    for at, (column, dtype) in enumerate(table.dtypes.items()):
        title, values = heading(str(column), lang), table[column]
        if isinstance(dtype, pd.DatetimeTZDtype):
            title, shape = f"{title} ({timezone})", "yyyy-mm-dd hh:mm"
            cells: list[Any] = [
                None if pd.isna(each) else each.to_pydatetime().replace(tzinfo=None) for each in values.dt.tz_convert(timezone)
            ]
        elif pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
            numbers = values.to_numpy(dtype="float64", na_value=np.nan)
            whole = (numbers[np.isfinite(numbers)] % 1 == 0).all()
            shape = _FORMATS.get(unit_of(str(column)), "#,##0" if whole else "#,##0.00")
            cells = [None if np.isnan(each) else float(each) if np.isfinite(each) else "∞" for each in numbers]
        else:
            words = [each if pd.isna(each) else str(each) for each in values.astype(object)]
            if lang != "en":
                words = [each if pd.isna(each) else vocabulary_word(each, str(column), lang) for each in words]
            cells, shape = [None if pd.isna(each) else safe_cell(each) for each in words], "@"
        if any(safe_cell(title) == each["header"] for each in columns):  # a native table has no two columns of one name
            title = f"{title} ({column})"
        columns.append({"header": safe_cell(title), "format": book.add_format({"num_format": shape})})
        width = max(
            len(title),
            16 if shape.startswith("yyyy") else max((len(str(each)) for each in cells[:1000] if isinstance(each, str)), default=8),
        )
        sheet.set_column(at, at, min(width + 3, 60))
        sheet.write_column(1, at, cells, columns[-1]["format"])
    if columns:
        sheet.add_table(0, 0, max(len(table), 1), len(columns) - 1, {"columns": columns, "style": "Table Style Light 1"})
    sheet.freeze_panes(1, 0)
    return sheet
