"""Charts of the page: drawn when the browser asks for them, for a light or a dark screen, wide or narrow."""

from __future__ import annotations

import io
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from dash import html
from flask import Flask, Response, abort

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Charts"]

Draw = Callable[["Axes"], object]

#: So many charts are remembered: those on the screens that are open.
_KEPT = 64
#: Width and height by the screen's width. [inches]
_SIZES = {"wide": (9.0, 4.0), "narrow": (4.6, 4.0)}
_STYLES = ("light", "dark")
_NARROW, _DARK = "(max-width: 640px)", "(prefers-color-scheme: dark)"


class Charts:
    """What has to be drawn when a browser asks for it.

    Examples
    --------
    >>> charts = Charts()
    >>> picture = charts.picture(lambda ax: ax.plot([1, 2, 3]), alt="three points")
    >>> picture.children[-1].alt
    'three points'
    """

    def __init__(self) -> None:
        self._drawings: OrderedDict[str, Draw] = OrderedDict()
        self._lock = threading.Lock()  # of Matplotlib's settings too, which all threads share

    def picture(self, draw: Draw, *, alt: str) -> html.Picture:
        """An element that shows what ``draw`` draws on axes.

        Examples
        --------
        >>> len(Charts().picture(lambda ax: None, alt="nothing").children)
        4
        """
        token = secrets.token_urlsafe(9)
        with self._lock:
            self._drawings[token] = draw
            while len(self._drawings) > _KEPT:
                self._drawings.popitem(last=False)
        sources = [
            html.Source(srcSet=_address(token, "dark", "narrow"), media=f"{_NARROW} and {_DARK}"),
            html.Source(srcSet=_address(token, "light", "narrow"), media=_NARROW),
            html.Source(srcSet=_address(token, "dark", "wide"), media=_DARK),
        ]
        return html.Picture([*sources, html.Img(src=_address(token, "light", "wide"), alt=alt)], className="chart")

    def svg(self, token: str, style: str, size: str) -> bytes | None:
        """The drawing; None if it is none of those remembered.

        Examples
        --------
        >>> Charts().svg("nothing", "light", "wide") is None
        True
        """
        with self._lock:
            draw = self._drawings.get(token)
            if draw is None or style not in _STYLES or size not in _SIZES:
                return None
            return _drawn(draw, style, _SIZES[size])

    def register(self, server: Flask) -> None:
        """Answer for the drawings under ``/chart/``.

        Examples
        --------
        >>> server = Flask("example")
        >>> Charts().register(server)
        >>> server.test_client().get("/chart/nothing-light-wide.svg").status_code
        404
        """

        @server.get("/chart/<name>.svg")
        def chart(name: str) -> Response:
            token, style, size = ("", *name.rsplit("-", 2))[-3:]
            drawn = self.svg(token, style, size)
            return abort(404) if drawn is None else Response(drawn, mimetype="image/svg+xml")


def _address(token: str, style: str, size: str) -> str:
    return f"/chart/{token}-{style}-{size}.svg"


def _drawn(draw: Draw, style: str, size: tuple[float, float]) -> bytes:
    from matplotlib.figure import Figure

    from ccstats.plots import plot_style

    with plot_style(style):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
