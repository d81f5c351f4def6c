"""Charts of a report as SVG, once on light and once on dark ground, each a document of its own."""

from __future__ import annotations

import base64
import io
import re
import warnings
from typing import Any

from ccstats.report.parts import Chart

__all__ = ["data_uri", "in_dark", "svg_text"]

#: Text stays text: readers' own fonts have letters that ours lack, and names are no formulas.
_SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "ccstats", "text.parse_math": False, "path.simplify": True}


def svg_text(chart: Chart, style: str = "light") -> str:
    """The picture as SVG.

    Parameters
    ----------
    chart : Chart
        What is drawn.
    style : str
        ``light`` or ``dark``.

    Returns
    -------
    str
        The same bytes whenever; no date, no font and no link.

    Examples
    --------
    >>> svg_text(Chart("line", "A line", "It goes up.", lambda axes: axes.plot([0, 1])))[:5]
    '<?xml'
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from ccstats.plots.style import plot_style

    out = io.StringIO()
    with warnings.catch_warnings(), plot_style(style), mpl.rc_context(_SETTINGS):
        # Letters that our font lacks are drawn by the reader's; a picture too full for its layout is cut, not refused.
        warnings.filterwarnings("ignore", category=UserWarning, module="matplotlib|ccstats")
        figure = Figure(figsize=chart.size, layout="constrained")
        axes: Any = figure.add_subplot()
        chart.draw(axes)
        for artist in figure.findobj():
            artist.set_gid(None)  # names by which programs find a part may be there twice; those of a document may not
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def in_dark(svg: str) -> str:
    """A picture drawn on light ground in the colours of the dark one; the same as if it had been drawn so, in a tenth of the time.

    Examples
    --------
    >>> in_dark('<path style="fill: #ffffff"/>')
    '<path style="fill: #16191d"/>'
    """
    from ccstats.plots.style import LOOKS

    light, dark = (LOOKS[name] for name in ("light", "dark"))
    pairs = [(getattr(light, name), getattr(dark, name)) for name in ("main", "second", "bad", "good", "paper", "ink", "muted", "faint")]
    colours = {one.lower(): other.lower() for one, other in [*zip(light.series, dark.series, strict=True), *pairs]}
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: colours.get(found[0], found[0]), svg)


def data_uri(svg: str) -> str:
    """An SVG document as the address of a picture that needs no file.

    Examples
    --------
    >>> data_uri("<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
