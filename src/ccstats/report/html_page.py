"""A report as one HTML page: nothing is fetched, every text is escaped, and it says the same without its script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from ccstats.labels import phrase
from ccstats.report.cells import short_name
from ccstats.report.parts import Chart, Grid, Items, Page, Part, Text, Tiles
from ccstats.report.pictures import data_uri, in_dark, svg_text

__all__ = ["html_page"]

#: So many rows of a table stand on the page; its file has them all.
_ROWS = 500
#: A paragraph of the data's own words is no longer than this.
_LONGEST = 2000
#: And a line in a cell than this.
_CELL = 200
#: Words that do not fill a line.
_SHORT = 24
_KINDS: tuple[tuple[type, str], ...] = ((Text, "text"), (Items, "items"), (Tiles, "tiles"), (Chart, "chart"), (Grid, "grid"))


def html_page(page: Page, *, made_at: str = "") -> str:
    """The report as an HTML document.

    Parameters
    ----------
    page : Page
        What it says.
    made_at : str
        When it was made, for its last line; empty: it does not say so.

    Returns
    -------
    str
        With charts as SVG, once for light and once for dark screens, a Content-Security-Policy that allows no connection, and tables that a
        script of its own makes sortable.

    Examples
    --------
    >>> html_page(Page("Report", "", "en", "UTC", ())).partition(chr(10))[0]
    '<!DOCTYPE html>'
    """
    import jinja2
    from markupsafe import Markup

    style, script = _file("report.css"), _file("report.js")
    allowed = f"img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True, undefined=jinja2.StrictUndefined)
    charts = [part for section in page.sections for part in section.parts if isinstance(part, Chart)]
    return environment.from_string(_file("report.html.j2")).render(
        page=page,
        policy=Markup(policy),  # noqa: S704 - our own files and their digests
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        pictures={chart.key: _picture(chart) for chart in charts},
        kind_of=_kind_of,
        rows_of=lambda grid: _rows_of(grid, page.lang),
        plain=lambda text: short_name(text, _LONGEST),
        say=lambda key, **values: phrase(key, page.lang, **values),
        made_at=made_at,
    )


@cache
def _file(name: str) -> str:
    return resources.files("ccstats.report").joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _kind_of(part: Part) -> str:
    return next(kind for made, kind in _KINDS if isinstance(part, made))


def _picture(chart: Chart) -> dict[str, Any]:
    width, height = (round(96 * inches) for inches in chart.size)
    svg = svg_text(chart)
    return {"light": data_uri(svg), "dark": data_uri(in_dark(svg)), "width": width, "height": height}


def _rows_of(grid: Grid, lang: str) -> dict[str, Any]:
    """Heads and cells of a table, with what they are sorted by."""
    aligned = len(grid.data) == len(grid.shown)
    behind = [grid.data[name] if aligned and name in grid.data else None for name in grid.columns]
    marked = [any(row[at] for row in grid.marks) for at in range(grid.shown.shape[1])]
    styles = ["" if marked[at] else _style(each, grid.shown.iloc[:, at]) for at, each in enumerate(behind)]
    keys = [_keys(each) for each in behind]
    tips = grid.explanations(lang)
    heads = [
        {"text": short_name(str(name)), "style": style, "tip": "" if marked[at] else tips[at]}
        for at, (name, style) in enumerate(zip(grid.shown, styles, strict=True))
    ]
    rows = []
    for row, cells in enumerate(grid.shown.head(_ROWS).itertuples(index=False)):
        marks = grid.marks[row] if grid.marks else styles
        made = zip(cells, marks, styles, keys, strict=True)
        rows.append(
            [
                {
                    "text": [short_name(line, _CELL) for line in str(text).split("\n")],
                    "style": mark or style,
                    "sort": key[row] if key else None,
                }
                for text, mark, style, key in made
            ]
        )
    more = "" if len(grid.shown) <= _ROWS else phrase("page_more_rows", lang, count=_ROWS, file=f"tables/{grid.key}.csv")
    return {"heads": heads, "rows": rows, "more": more}


def _style(values: pd.Series[Any] | None, texts: pd.Series[Any]) -> str:
    """Figures stand right, short words on one line."""
    if values is not None and pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return "number"
    return "short" if len(texts) and int(texts.astype("str").str.len().max()) <= _SHORT else ""


def _keys(values: pd.Series[Any] | None) -> list[str]:
    """What each row is sorted by, where that is a number: also instants; missing is empty."""
    if values is None:
        return []
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return ["" if pd.isna(each) else f"{each.timestamp():.0f}" for each in values]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return ["" if pd.isna(each) else f"{float(each):.10g}" for each in values]
    return []
