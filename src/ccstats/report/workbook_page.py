"""A report as an Excel workbook: a sheet a table, native charts on a sheet of their own, colours by verdict, heads frozen."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ccstats.labels import column_label, metric_title, phrase, vocabulary_word
from ccstats.report.cells import heading, safe_cell, short_name, unit_of
from ccstats.report.parts import Grid, Items, Page, SheetChart, Text, Tiles

__all__ = ["workbook_page"]

#: A worksheet ends here, and a cell's text there.
_ROWS, _CELL = 1_048_570, 32_000
_FORMATS = {"ratio": "0.0%", "0-1": "0.0%", "s": "#,##0.0", "count": "#,##0"}
#: Columns of figures whose unit stands beside them in ``unit``.
_BY_ROW = ("value", "value_low", "value_high", "previous", "target_low", "target_high", "planned", "actual")
_COLOURS = {"met": ("#DFF3EB", "#00664C"), "not_met": ("#FDEBE0", "#A03800"), "not_decidable": ("#ECEFF2", "#57606A")}
_SERIES = ("#0072B2", "#57606A", "#B36B00", "#B36B00")
#: Charts side by side, and cells from one to the next.
_ACROSS, _WIDE, _HIGH = 2, 10, 18
#: Width of the front's columns, first and others; height of a line; at the right of a head, for its button. [letters, points, indents]
_FRONT, _LINE, _BUTTON = (36, 21), 15, 2
_WIDEST = 60  # column; what is longer goes on in the next line [letters]
_HEAD = 3  # rows above a table: its title, its section, a free one


def workbook_page(page: Page) -> bytes:
    """The report as the bytes of an Excel file.

    Parameters
    ----------
    page : Page
        What it says.

    Returns
    -------
    bytes
        A sheet with the verdict and what is said of it, one with native charts, and one for each table: with its full columns as a native
        table, formats by unit, times in the report's zone, and the head frozen. Text that begins like a formula is neutralised.

    Examples
    --------
    >>> workbook_page(Page("Report", "", "en", "UTC", ()))[:2]
    b'PK'
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": short_name(page.title), "comments": page.foot[0] if page.foot else ""})
        book.set_size(2400, 1600)
        formats = _Formats(book)
        names = _Names()
        _front(book.add_worksheet(names.of(phrase("section_verdict", page.lang))), page, formats)
        grids = [(section.title, grid) for section in page.sections for grid in section.grids()]
        drawn = [grid for _, grid in grids if grid.chart is not None and len(grid.data)]
        charts = book.add_worksheet(names.of(phrase("page_charts", page.lang))) if drawn else None
        places: dict[str, tuple[str, list[str]]] = {}
        for title, grid in grids:
            name = names.of(grid.title)
            places[grid.key] = (name, _sheet(book.add_worksheet(name), title, grid, page, formats))
        if charts is not None:
            _draw(book, charts, drawn, places, page)
    return buffer.getvalue()


class _Names:
    """Names of sheets: short, without what Excel forbids, each once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, title: str) -> str:
        clean = "".join(" " if letter in "[]:*?/\\'" else letter for letter in short_name(title)).strip() or "-"
        for number in range(1, 1000):
            name = clean[:31] if number == 1 else f"{clean[:27]} {number}"
            if name.casefold() not in self.taken:
                break
        self.taken.add(name.casefold())
        return name


class _Formats:
    """Formats of a workbook by what they do, each made once."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **what: Any) -> Any:
        key = tuple(sorted(what.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format(what)
        return self.made[key]

    def verdict(self, word: str) -> Any:
        ground, ink = _COLOURS[word]
        return self.of(bg_color=ground, font_color=ink)


def _text(text: str) -> str:
    return safe_cell(" ".join(str(text).split()))[:_CELL]


def _front(sheet: Any, page: Page, formats: _Formats) -> None:
    """Title, figures that stand large, sentences, and the table of targets as it is read."""
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, _FRONT[0])
    sheet.set_column(1, 12, _FRONT[1])
    _printed(sheet, page)
    sheet.write_string(0, 0, _text(page.title), formats.of(bold=True, font_size=16))
    sheet.write_string(1, 0, _text(page.subtitle), formats.of(font_color="#57606A"))
    row = 3
    section = next((each for each in page.sections if each.key == "verdict"), None)
    grids = [] if section is None else [part for part in section.parts if isinstance(part, Grid) and not part.folded]
    across = min(max([5, *(grid.shown.shape[1] for grid in grids)]), 7)
    for part in () if section is None else section.parts:
        if isinstance(part, Tiles):
            for tile in part.tiles:
                sheet.write_string(row, 0, _text(tile.label))
                look = {"bold": True, "align": "right"} | ({"font_color": _COLOURS[tile.verdict][1]} if tile.verdict else {})
                sheet.write_string(row, 1, _text(tile.value), formats.of(**look))
                sheet.write_string(row, 2, _text(tile.detail), formats.of(font_color="#57606A", indent=1))
                row += 1
        elif isinstance(part, Text):
            _across(sheet, row, across, part.body, formats.of(italic=part.note, text_wrap=True, valign="top"))
            row += 1
        elif isinstance(part, Items):
            for line in part.lines:
                _across(sheet, row, across, line, formats.of(text_wrap=True, valign="top"))
                row += 1
        elif isinstance(part, Grid) and not part.folded:
            row = _as_read(sheet, row + 1, part, formats)
    sheet.freeze_panes(2, 1)


def _across(sheet: Any, row: int, columns: int, text: str, look: Any) -> None:
    """A sentence over several columns, in as many lines as it takes."""
    said = _text(text)
    sheet.merge_range(row, 0, row, columns - 1, "", look)
    sheet.write_string(row, 0, said, look)
    sheet.set_row(row, _LINE * min(20, 1 + len(said) // (_FRONT[0] + _FRONT[1] * columns)))


def _as_read(sheet: Any, row: int, grid: Grid, formats: _Formats) -> int:
    """A small table in the words of the page, its verdicts coloured."""
    for at, name in enumerate(grid.shown):
        sheet.write_string(row, at, _text(str(name)), formats.of(bold=True, bottom=1, text_wrap=True))
    for line, cells in enumerate(grid.shown.itertuples(index=False), 1):
        for at, text in enumerate(cells):
            mark = grid.marks[line - 1][at] if grid.marks else ""
            ground, ink = _COLOURS.get(mark, ("", ""))
            look: dict[str, Any] = {"text_wrap": True, "valign": "top", "bottom": 1, "bottom_color": "#D5DAE0"} | (
                {"bg_color": ground, "font_color": ink} if mark else {}
            )
            words = "\n".join(_text(each) for each in str(text).split("\n"))
            sheet.write_string(row + line, at, words, formats.of(**look))
        sheet.set_row(row + line, _LINE * max(str(text).count("\n") + 1 for text in cells))
    return row + len(grid.shown) + 2


def _printed(sheet: Any, page: Page) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.set_footer(f"&L{short_name(page.title, 100).replace('&', '&&')}&R&P / &N")


def _sheet(sheet: Any, section: str, grid: Grid, page: Page, formats: _Formats) -> list[str]:
    """One table with all its columns; returns their names in their order."""
    _printed(sheet, page)
    sheet.write_string(0, 0, _text(grid.title), formats.of(bold=True, font_size=13))
    sheet.write_string(1, 0, _text(section), formats.of(font_color="#57606A"))
    read = grid.columns if len(grid.data) == len(grid.shown) else grid.data.columns
    first = list(dict.fromkeys(name for name in read if name in grid.data))
    data = grid.data[[*first, *(name for name in grid.data.columns if name not in first)]].head(_ROWS)
    columns: list[dict[str, Any]] = []
    high = 1
    by_row = _units(data)
    for at, (name, dtype) in enumerate(data.dtypes.items()):
        title = _heading(str(name), page, dtype, at, columns)
        unit = grid.units.get(str(name)) or unit_of(str(name))
        cells, shape = _cells(data[name], str(name), unit, page)
        side = "left" if shape == "@" or shape.startswith("yyyy") else "right"  # a head stands where its figures do
        head = {"align": side, "indent": _BUTTON if side == "right" else 1}
        columns.append({"header": title, "header_format": formats.of(bold=True, text_wrap=True, valign="bottom", **head)})
        own = by_row if by_row is not None and str(name) in _BY_ROW else None
        longest = max((len(str(each)) for each in cells[:500] if isinstance(each, str)), default=9)
        plain: dict[str, Any] = {"valign": "top"} | ({"align": "left", "indent": 1} if side == "left" else {})
        if longest > _WIDEST:
            plain["text_wrap"] = True
            if at < len(first):
                _heighten(sheet, cells)

        def look(row: int, own: Any = own, shape: str = shape, plain: dict[str, Any] = plain) -> Any:
            return formats.of(num_format=shape if own is None else own[row], **plain)

        _write(sheet, at, cells, look)
        folded = {"level": 1, "hidden": True} if at >= len(first) else {}  # there for who wants it, and not in print
        wide = min(max(longest + 2, 11, len(title) / 2 + 3, *(len(word) + 5 for word in title.split())), _WIDEST)
        high = max(high, 1 if folded else len(textwrap.wrap(title, int(wide) - 4)))
        sheet.set_column(at, at, wide, None, folded)
        _coloured(sheet, at, str(name), unit, len(data), page, formats)
    last = _HEAD + max(len(data), 1)
    if columns:
        sheet.add_table(
            _HEAD, 0, last, len(columns) - 1, {"columns": columns, "style": "Table Style Light 1", "name": f"t_{_plain(grid.key)}"}
        )
        sheet.set_row(_HEAD, _LINE * high)
        sheet.repeat_rows(_HEAD)
    sheet.freeze_panes(_HEAD + 1, 1)
    return [str(name) for name in data.columns]


def _heighten(sheet: Any, cells: list[Any]) -> None:
    """Rows as high as their long texts take, up to ten lines."""
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and len(cell) > _WIDEST:
            sheet.set_row(_HEAD + 1 + row, _LINE * min(10, 1 + len(cell) // _WIDEST))


def _plain(key: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in key)


def _heading(name: str, page: Page, dtype: Any, at: int, taken: list[dict[str, Any]]) -> str:
    title = vocabulary_word(name, "weekday", page.lang) if name in _DAYS_OF_WEEK else heading(name, page.lang)
    title = title[:1].upper() + title[1:]
    if isinstance(dtype, pd.DatetimeTZDtype):
        title = f"{title} ({page.timezone})"
    title = _text(title)[:200]
    return f"{title} ({at + 1})" if any(title.casefold() == each["header"].casefold() for each in taken) else title


def _units(data: pd.DataFrame) -> list[str] | None:
    """The format of each row, where a table holds figures of several units."""
    if "unit" not in data:
        return None
    return [_FORMATS.get(str(unit), "#,##0.00") for unit in data["unit"]]


def _cells(values: pd.Series[Any], name: str, unit: str, page: Page) -> tuple[list[Any], str]:
    """What stands in a column, and its number format."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        local = values.dt.tz_convert(page.timezone)
        whole = bool((local.dropna() == local.dropna().dt.normalize()).all())
        return [
            None if pd.isna(each) else each.to_pydatetime().replace(tzinfo=None) for each in local
        ], "yyyy-mm-dd" if whole else "yyyy-mm-dd hh:mm"
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        shape = _FORMATS.get(unit, "") if unit != "count" or bool((known % 1 == 0).all()) else ""
        return [None if np.isnan(each) else float(each) if np.isfinite(each) else "∞" for each in numbers], shape or (
            "#,##0" if bool((known % 1 == 0).all()) else "#,##0.00"
        )
    if pd.api.types.is_bool_dtype(values.dtype):
        return [None if pd.isna(each) else phrase("yes" if each else "no", page.lang) for each in values], "@"
    return [None if pd.isna(each) else _text(vocabulary_word(str(each), name, page.lang)) for each in values.astype("object")], "@"


def _write(sheet: Any, at: int, cells: list[Any], look: Callable[[int], Any]) -> None:
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if isinstance(cell, str):
            sheet.write_string(_HEAD + 1 + row, at, cell, look(row))
        elif isinstance(cell, float):
            sheet.write_number(_HEAD + 1 + row, at, cell, look(row))
        else:
            sheet.write_datetime(_HEAD + 1 + row, at, cell, look(row))


def _coloured(sheet: Any, at: int, name: str, unit: str, rows: int, page: Page, formats: _Formats) -> None:
    """Verdicts by colour, service levels and shares of the week by shade, counts by bars."""
    if not rows:
        return
    first, last = _HEAD + 1, _HEAD + rows
    if name == "verdict":
        for word in _COLOURS:
            said = vocabulary_word(word, "verdict", page.lang)
            rule = {"type": "cell", "criteria": "==", "value": f'"{said}"', "format": formats.verdict(word)}
            sheet.conditional_format(first, at, last, at, rule)
    elif name in _DAYS_OF_WEEK and unit == "count":
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#92C5DE"}
        sheet.conditional_format(first, at, last, at, scale)
    elif name in _DAYS_OF_WEEK or "service_level" in name:
        scale = {"type": "3_color_scale", "min_color": "#F4A582", "mid_color": "#F7F7F7", "max_color": "#92C5DE"}
        sheet.conditional_format(first, at, last, at, scale)
    elif unit == "count" and name in ("offered", "answered", "contacts", "complaints", "count", "lines", "responses"):
        sheet.conditional_format(first, at, last, at, {"type": "data_bar", "bar_color": "#9AD0F5"})


_DAYS_OF_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _draw(book: Any, sheet: Any, grids: list[Grid], places: dict[str, tuple[str, list[str]]], page: Page) -> None:
    """Native charts of the tables that have one, two beside each other."""
    sheet.hide_gridlines(2)
    _printed(sheet, page)
    sheet.set_h_pagebreaks([2 * _HIGH * each for each in range(1, len(grids) // (2 * _ACROSS) + 1)])
    for number, grid in enumerate(grids):
        spec: Any = grid.chart
        name, columns = places[grid.key]
        kept = [column for column in spec.of if column in columns]
        if spec.over not in columns or not kept:
            continue
        chart = _chart(book, spec, name, columns, len(grid.data.head(_ROWS)), kept, page)
        chart.set_title({"name": short_name(grid.title), "name_font": {"size": 11}})
        row, column = divmod(number, _ACROSS)
        sheet.insert_chart(row * _HIGH, column * _WIDE, chart, {"description": short_name(grid.title)})


def _chart(book: Any, spec: SheetChart, sheet: str, columns: list[str], rows: int, kept: list[str], page: Page) -> Any:
    chart = book.add_chart({"type": spec.kind})
    first, last = (_HEAD + 1 + each for each in (spec.rows or (0, rows)))
    last -= 1
    over = columns.index(spec.over)
    for at, name in enumerate(kept):
        place = columns.index(name)
        line: dict[str, Any] = {"color": _SERIES[at % len(_SERIES)], "width": 2.0 if at == 0 else 1.25}
        if at:
            line["dash_type"] = "dash"
        series: dict[str, Any] = {
            "name": column_label(name, page.lang),
            "categories": [sheet, first, over, last, over],
            "values": [sheet, first, place, last, place],
        }
        series |= {"line": line} if spec.kind == "line" else {"fill": {"color": _SERIES[at % len(_SERIES)]}}
        chart.add_series(series)
    unit = unit_of(kept[0])
    axis = {"num_format": _FORMATS.get(unit, "#,##0"), "major_gridlines": {"visible": True, "line": {"color": "#D5DAE0"}}}
    named = {"name": _axis_title(kept, page), "name_font": {"bold": False}}
    when: dict[str, Any] = {}
    if spec.over == "period_start":
        daily = {"num_format": "yyyy-mm-dd", "num_font": {"rotation": -45}, "date_axis": True}
        when = daily if spec.kind == "line" else {"num_format": "yyyy-mm-dd"}
    if spec.kind == "bar":
        chart.set_x_axis(axis | named)
        chart.set_y_axis({"reverse": True})
    else:
        chart.set_x_axis(when)
        chart.set_y_axis(axis | named)
    chart.set_legend({"position": "bottom"} if len(kept) > 1 else {"none": True})
    chart.set_size({"width": 620, "height": 340})
    return chart


def _axis_title(kept: list[str], page: Page) -> str:
    from ccstats.metrics import METRICS

    return metric_title(kept[0], page.lang) if kept[0] in METRICS else heading(kept[0], page.lang)
