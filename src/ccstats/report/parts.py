"""What a report consists of, as plain data: sections of tables, charts and texts. Page, Markdown and workbook are renderings of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ccstats.labels import metric_title, table_title, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.report.cells import present
from ccstats.report.scorecard_report import figure_text

__all__ = ["Chart", "Grid", "Items", "Page", "Part", "Section", "SheetChart", "Text", "Tile", "Tiles"]


@dataclass(frozen=True)
class Text:
    """A paragraph; a ``note`` stands smaller beneath what it explains.

    Examples
    --------
    >>> Text("Times are those of UTC.").note
    False
    """

    body: str
    note: bool = False


@dataclass(frozen=True)
class Items:
    """A list of sentences.

    Examples
    --------
    >>> Items(("one", "two")).lines
    ('one', 'two')
    """

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """A figure that stands large: what it is, its value, what stands beneath, and a verdict where there is one.

    Examples
    --------
    >>> Tile("Service level", "82.9 %").verdict
    ''
    """

    label: str
    value: str
    detail: str = ""
    verdict: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Tiles:
    """Figures side by side.

    Examples
    --------
    >>> len(Tiles((Tile("Offered", "1,200"),)).tiles)
    1
    """

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class SheetChart:
    """How a workbook draws a table: ``line``, ``column`` or ``bar`` of some columns over another, of all rows or of some.

    Examples
    --------
    >>> SheetChart("line", "period_start", ("value",)).kind
    'line'
    """

    kind: str
    over: str
    of: tuple[str, ...]
    rows: tuple[int, int] | None = None


@dataclass(frozen=True)
class Grid:
    """A table: ``data`` for programs, and ``shown``, as many rows of text, for people.

    Attributes
    ----------
    key : str
        Name of its file and its place on the page.
    title : str
        What stands above it.
    data : pandas.DataFrame
        Columns of ours, in their units.
    shown : pandas.DataFrame
        Text under headings for people.
    columns : tuple of str
        The column of ``data`` behind each column that is shown: what it is sorted by.
    folded : bool
        Whether a page shows it only when asked to.
    chart : SheetChart, optional
        How a workbook draws it.
    marks : tuple of tuples of str
        A verdict for each cell that has one; empty where no cell has.
    units : mapping of str to str
        Of columns whose names do not tell it.

    Examples
    --------
    >>> Grid.of("queues", pd.DataFrame({"queue": ["sales"], "service_level": [0.8113]})).shown.to_numpy().tolist()
    [['sales', '81.1 %']]
    """

    key: str
    title: str
    data: pd.DataFrame
    shown: pd.DataFrame
    columns: tuple[str, ...]
    folded: bool = False
    chart: SheetChart | None = None
    marks: tuple[tuple[str, ...], ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        key: str,
        data: pd.DataFrame,
        *,
        show: Sequence[str] | None = None,
        lang: str = "en",
        period: str | None = None,
        title: str | None = None,
        units: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Grid:
        """A grid of a table of ours; people are shown the columns of ``show`` that are there and say anything.

        Examples
        --------
        >>> table = pd.DataFrame({"queue": ["a"], "asa_s": [None], "offered": [3]})
        >>> Grid.of("queues", table, show=["queue", "asa_s", "offered", "lost"]).columns
        ('queue', 'offered')
        """
        named = list(data.columns) if show is None else [name for name in show if name in data]
        kept = [str(name) for name in named if show is None or data[name].notna().any() or not len(data)]
        shown = present(data[kept], period=period, lang=lang)
        for at, name in enumerate(kept):  # tables on the screen keep the words of the data in English; pages do not
            if name in ("metric", "driver") or (lang == "en" and isinstance(data[name].dtype, pd.CategoricalDtype)):
                shown.isetitem(at, [vocabulary_word(str(text), name, lang) for text in shown.iloc[:, at]])
        for name, unit in (units or {}).items():
            if name in kept:
                shown.isetitem(kept.index(name), [figure_text(value, unit, lang) for value in data[name].astype("float64")])
        shown.columns = pd.Index([f"{name[:1].upper()}{name[1:]}" for name in map(str, shown.columns)])
        return cls(key, title or table_title(key, lang), data, shown, tuple(kept), units=units or {}, **options)

    def explanations(self, lang: str = "en") -> list[str]:
        """What each column shown means, empty where its heading says it: title and formula of its metric.

        Examples
        --------
        >>> Grid.of("queues", pd.DataFrame({"queue": ["a"], "answer_rate": [0.9]})).explanations()
        ['', 'Answer rate = answered / (offered - open)']
        """
        return [f"{metric_title(name, lang)} = {METRICS[name].formula}" if name in METRICS else "" for name in self.columns]


@dataclass(frozen=True)
class Chart:
    """A picture: what is drawn, and its main figures in words for those who do not see it.

    Attributes
    ----------
    key, title, alt : str
        Its place on the page, its heading, and what it shows in words.
    draw : callable
        Draws on the Matplotlib axes it is given.
    size : tuple of float
        Width and height. [inches]

    Examples
    --------
    >>> Chart("days", "By day", "82.9 % on average", lambda axes: None).size
    (9.0, 3.4)
    """

    key: str
    title: str
    alt: str
    draw: Callable[[Any], Any]
    size: tuple[float, float] = (9.0, 3.4)


Part = Text | Items | Tiles | Grid | Chart


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Examples
    --------
    >>> Section("waits", "Waits", (Text("none"),)).grids()
    []
    """

    key: str
    title: str
    parts: tuple[Part, ...]

    def grids(self) -> list[Grid]:
        """Its tables.

        Examples
        --------
        >>> Section("waits", "Waits", ()).grids()
        []
        """
        return [part for part in self.parts if isinstance(part, Grid)]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes
    ----------
    title, subtitle : str
        What it is, and of what and when.
    lang, timezone : str
        Language of what people read, and zone of all times.
    sections : tuple of Section
        In the order they are read.
    foot : tuple of str
        What stands at its end.

    Examples
    --------
    >>> Page("Report", "", "en", "UTC", ()).grids()
    {}
    """

    title: str
    subtitle: str
    lang: str
    timezone: str
    sections: tuple[Section, ...]
    foot: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    def grids(self) -> dict[str, Grid]:
        """Its tables by name.

        Examples
        --------
        >>> table = pd.DataFrame({"offered": [3]})
        >>> list(Page("Report", "", "en", "UTC", (Section("a", "A", (Grid.of("service", table),)),)).grids())
        ['service']
        """
        return {grid.key: grid for section in self.sections for grid in section.grids()}
