"""A report as Markdown: the same sections, charts told in words."""

from __future__ import annotations

import pandas as pd

from ccstats.labels import phrase
from ccstats.report.cells import escape_markdown, short_name
from ccstats.report.parts import Chart, Grid, Items, Page, Part, Text, Tiles

__all__ = ["markdown_page"]

#: So many rows of a table stand in the text; its file has them all.
_ROWS = 100
_LONGEST = 2000


def markdown_page(page: Page) -> str:
    """The report as Markdown text; no letter of the data is markup.

    Examples
    --------
    >>> print(markdown_page(Page("Report", "May", "en", "UTC", ())), end="")
    # Report
    <BLANKLINE>
    May
    """
    parts = [f"# {_text(page.title)}", _text(page.subtitle)]
    for section in page.sections:
        parts.append(f"## {_text(section.title)}")
        parts += [_part(part, page.lang) for part in section.parts]
    parts += [_text(line) for line in page.foot]
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    return escape_markdown(short_name(" ".join(text.split()), _LONGEST))


def _part(part: Part, lang: str) -> str:
    if isinstance(part, Text):
        return f"*{_text(part.body)}*" if part.note else _text(part.body)
    if isinstance(part, Items):
        return "\n".join(f"* {_text(line)}" for line in part.lines)
    if isinstance(part, Tiles):
        said = ((_text(tile.label), _text(tile.value), _text(tile.detail)) for tile in part.tiles)
        return "\n".join(f"* {label}: **{value}**{f' ({detail})' if detail else ''}" for label, value, detail in said)
    if isinstance(part, Chart):
        return f"**{_text(part.title)}.** {_text(part.alt)}"
    return _table(part, lang)


def _table(grid: Grid, lang: str) -> str:
    aligned = len(grid.data) == len(grid.shown) and not grid.marks
    right = [aligned and name in grid.data and pd.api.types.is_numeric_dtype(grid.data[name].dtype) for name in grid.columns]
    lines = [f"**{_text(grid.title)}**", ""]
    lines.append("| " + " | ".join(escape_markdown(short_name(str(name))) for name in grid.shown) + " |")
    lines.append("|" + "|".join("--:" if each else ":--" for each in right) + "|")
    for row in grid.shown.head(_ROWS).itertuples(index=False):
        lines.append("| " + " | ".join(escape_markdown(short_name(str(cell), 200)) for cell in row) + " |")
    if len(grid.shown) > _ROWS:
        lines += ["", phrase("page_more_rows", lang, count=_ROWS, file=f"`tables/{grid.key}.csv`")]
    return "\n".join(lines)
