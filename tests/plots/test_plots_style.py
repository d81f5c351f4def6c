"""The look: contrast for those who see little, colours for those who see few, and a style that leaves nothing behind."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from chart_cases import CHARTS, axes, draw, points, service, tabulated
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.plots.style import LINES, LOOKS
from ccstats.plots.words import legible

#: Machado, Oliveira and Fernandes (2009): what is left of linear RGB without one kind of cone.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2."""
    bright = sorted((float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other)), reverse=True)
    return (bright[0] + 0.05) / (bright[1] + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    cube = np.where(scaled > (6 / 29) ** 3, np.cbrt(scaled), scaled / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])])


def seen_apart(one: str, other: str, blind: str | None) -> float:
    """The distance of two colours, as somebody with these eyes sees it: 2.3 is just noticeable."""
    eyes = np.eye(3) if blind is None else np.array(BLIND[blind])
    return float(np.linalg.norm(lab(eyes @ linear(one)) - lab(eyes @ linear(other))))


@pytest.mark.parametrize("style", LOOKS)
def test_words_can_be_read_and_lines_be_seen(style: str) -> None:
    look = LOOKS[style]
    for colour in (look.ink, look.muted, look.bad, look.good, look.main):
        assert contrast(colour, look.paper) >= 4.5, colour
    for colour in (look.second, *look.series):
        assert contrast(colour, look.paper) >= 3.0, colour


@pytest.mark.parametrize("style", LOOKS)
@pytest.mark.parametrize("blind", [None, *BLIND])
def test_colours_that_mean_something_can_be_told_apart(style: str, blind: str | None) -> None:
    look = LOOKS[style]
    for one, other in (("bad", "good"), ("main", "second"), ("main", "bad"), ("main", "muted"), ("second", "muted")):
        assert seen_apart(getattr(look, one), getattr(look, other), blind) > 15, (one, other)
    for one, other in combinations(look.series[:3], 2):
        assert seen_apart(one, other, blind) > 15, (one, other)


def test_series_differ_by_dashes_as_well() -> None:
    assert len(set(LINES)) == len(LINES) >= min(len(look.series) for look in LOOKS.values())


@pytest.mark.parametrize("style", LOOKS)
def test_a_style_leaves_nothing_behind(style: str) -> None:
    before = dict(mpl.rcParams)
    with cc.plots.plot_style(style) as look:
        assert mpl.rcParams["figure.facecolor"] == look.paper
        cc.plots.staffing_curve(tabulated(), ax=axes(style))
    assert dict(mpl.rcParams) == before
    with pytest.raises(ValueError, match="on purpose"), cc.plots.plot_style(style):
        raise ValueError("on purpose")
    assert dict(mpl.rcParams) == before


def test_there_are_two_styles() -> None:
    with pytest.raises(OptionError, match="light, dark"), cc.plots.plot_style("sepia"):
        pass


def test_colours_follow_the_axes_they_are_drawn_on() -> None:
    for colour, style in (("white", "light"), ("#111111", "dark")):
        ax = Figure().add_subplot(facecolor=colour)
        cc.plots.service_by_interval(service(), ax=ax)
        assert ax.lines[0].get_color() == LOOKS[style].main
    ax = Figure(facecolor="black").add_subplot(facecolor="none")  # then it is the figure that is seen
    cc.plots.service_by_interval(service(), ax=ax)
    assert ax.lines[0].get_color() == LOOKS["dark"].main


def test_a_dark_style_of_matplotlib_gives_dark_charts() -> None:
    import matplotlib.pyplot as plt

    with plt.style.context("dark_background"):
        ax = cc.plots.control_chart(points())
    assert ax.figure.get_facecolor() == mpl.colors.to_rgba(LOOKS["dark"].paper)
    plt.close(ax.figure)


@pytest.mark.parametrize("text", ["", "a", "$", "$$", r"\$x$", "a_b^c", "{}", "%s", "\\", "\x00\u200f", "日本語", "😀" * 99])
def test_legible_text_is_drawn_as_it_is(text: str) -> None:
    figure = Figure()
    drawn = figure.text(0.5, 0.5, legible(text, 20))
    figure.draw_without_rendering()
    assert len(legible(text, 20).replace(r"\$", "$")) <= 20
    assert drawn.get_window_extent().width >= 0
    assert legible("plain queue") == "plain queue"


LONG = "A rather long title of a chart, longer than its page is wide "


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("title", [None, LONG * 3])
def test_titles_definitions_and_labels_stay_on_the_page(name: str, title: str | None) -> None:
    import matplotlib.pyplot as plt

    table = CHARTS[name][0]()
    for column in ("level", "driver", "agent"):
        if column in table and name != "control_chart":
            table[column] = [f"a name of thirty letters or so {at}" for at in range(len(table))]
    ax = getattr(cc.plots, name)(table, title=title)
    draw(ax)
    page, whole = ax.figure.bbox, ax.get_tightbbox()  # ticks, labels, insets, notes and titles as they are drawn
    assert whole.x0 >= page.x0 - 1
    assert whole.y0 >= page.y0 - 1
    assert whole.x1 <= page.x1 + 1
    assert whole.y1 <= page.y1 + 1
    plt.close(ax.figure)
