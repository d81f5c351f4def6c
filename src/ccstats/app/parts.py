"""Pieces of the page: tables, cards, fields; text of the data is always text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import dcc, html

from ccstats.report.cells import present, short_name

__all__ = ["alert", "aria", "card", "choice", "figure", "grid", "notes", "pressed"]

#: Text up to this stays on one line. [letters]
_SHORT = 40


def grid(table: pd.DataFrame, *, caption: str, lang: str, first: Sequence[Any] | None = None, period: str | None = None) -> html.Figure:
    """A table with its caption, to be scrolled sideways on small screens.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table of ours.
    caption : str
        What it shows.
    lang : str
        Language of headings and words.
    first : sequence, optional
        What stands in the first column instead of its text, such as buttons.
    period : str, optional
        How ``period_start`` was cut.

    Examples
    --------
    >>> table = grid(pd.DataFrame({"queue": ["<b>"], "offered": [3]}), caption="Contacts", lang="en").children[1].children
    >>> table.children[1].children[0].children[0].children
    '<b>'
    """
    shown = present(table, period=period, lang=lang).map(short_name)
    kinds = ["n" if pd.api.types.is_numeric_dtype(dtype) else "" for dtype in table.dtypes]
    heads = [html.Th(name, scope="col", className=kind) for name, kind in zip(shown.columns, kinds, strict=True)]
    rows = []
    for place, row in enumerate(shown.itertuples(index=False)):
        begin = row[0] if first is None else first[place]
        cells = [
            html.Td(text, className=kind or ("long" if len(text) > _SHORT else "")) for text, kind in zip(row[1:], kinds[1:], strict=True)
        ]
        rows.append(html.Tr([html.Th(begin, scope="row", className="long" if len(row[0]) > _SHORT else ""), *cells]))
    body = html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], **aria(label=caption))
    return html.Figure([html.Figcaption(caption), html.Div(body, className="scroll", tabIndex=0, role="region", **aria(label=caption))])


def aria(**said: str) -> dict[str, Any]:
    """What an element says to screen readers, as its attributes.

    Examples
    --------
    >>> aria(label="Plan", pressed="true")
    {'aria-label': 'Plan', 'aria-pressed': 'true'}
    """
    return {f"aria-{name}": text for name, text in said.items()}


def card(title: str, value: str, meaning: str, *, name: str) -> html.Div:
    """One figure with what it means.

    Examples
    --------
    >>> card("Cost", "1,200", "paid hours × cost", name="cost").id
    'figure-cost'
    """
    parts = [html.Dt(title), html.Dd(value, className="value"), html.Dd(meaning, className="meaning")]
    return html.Div(parts, id=f"figure-{name}", className="card")


def figure(
    name: str, label: str, value: float | None, limits: tuple[float, float], *, step: float | str = "any", hint: str = ""
) -> html.Div:
    """A field for a number.

    Examples
    --------
    >>> figure("shrinkage", "Shrinkage [%]", 30, (0, 95)).children[1].id
    'shrinkage'
    """
    entry = dcc.Input(id=name, type="number", value=value, min=limits[0], max=limits[1], step="any", placeholder=hint, debounce=0.3)
    return html.Div([html.Label(label, htmlFor=name), entry], className="field")


def choice(name: str, label: str, options: dict[str, str]) -> html.Div:
    """A field for one of several words, the first to begin with; its value is ``data`` of the store of this name.

    It is the browser's own list, for the sake of keyboards, screen readers and phones; ``assets/choices.js`` tells the store.

    Examples
    --------
    >>> choice("queue", "Queue", {"sales": "sales", "help": "help"}).children[2].data
    'sales'
    """
    listed = html.Select([html.Option(short_name(text), value=key) for key, text in options.items()], id=f"{name}-choice")
    return html.Div([html.Label(label, htmlFor=f"{name}-choice"), listed, dcc.Store(id=name, data=next(iter(options)))], className="field")


def alert(text: str) -> html.Div:
    """What went wrong, read aloud at once.

    Examples
    --------
    >>> alert("no such day").role
    'alert'
    """
    return html.Div([html.P(short_name(line, 500)) for line in text.splitlines()], role="alert", className="alert")


def notes(texts: Sequence[str]) -> html.Ul | None:
    """What the reader must know; nothing where there is nothing.

    Examples
    --------
    >>> notes([]) is None
    True
    """
    return html.Ul([html.Li(short_name(text, 500)) for text in texts], className="notes") if texts else None


def pressed(yes: bool) -> str:
    """What a button says of itself that is one of several: whether it is the one.

    Examples
    --------
    >>> pressed(True)
    'true'
    """
    return "true" if yes else "false"
