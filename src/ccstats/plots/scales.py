"""Axes in the trade's units: percent, seconds or minutes, whole contacts, and the time of the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ccstats.labels import column_label, metric_title, number_text, phrase, share_text, unit_label, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.plots.tables import Places
from ccstats.plots.words import size_of, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["definition_of", "place_axis", "target_text", "title_of", "unit_of_metric", "value_axis", "value_text", "when_axis"]

#: From here on durations are shown in minutes, from there on in hours. [s]
_MINUTES, _HOURS = 600.0, 4 * 3600.0
#: Least distance of two ticks of time. [points]
_TICK = 34.0
#: Ticks of dates where the months have no names: numbers are the same for everybody.
_DATES = {"de": "%d.%m.", "es": "%d/%m", "tr": "%d.%m."}


def unit_of_metric(name: str) -> str:
    """``ratio``, ``s``, ``count`` or another unit of a metric or a column, by the registry or by its name.

    Examples
    --------
    >>> [unit_of_metric(name) for name in ("service_level", "asa_s", "offered", "workload_hours", "planned_shrinkage")]
    ['ratio', 's', 'count', 'h', 'ratio']
    """
    if name in METRICS:
        return METRICS[name].unit
    if name.endswith("_s"):
        return "s"
    if name.endswith("_hours"):
        return "h"
    words = set(name.split("_"))
    return "ratio" if words & {"share", "rate", "level", "occupancy", "shrinkage", "adherence"} else "count"


def title_of(name: str, lang: str) -> str:
    """What people call a metric or a column.

    Examples
    --------
    >>> title_of("service_level", "en"), title_of("workload_hours", "en")
    ('Service level - of all offered', 'Workload hours')
    """
    label = metric_title(name, lang) if name in METRICS else column_label(name, lang)
    return label[:1].upper() + label[1:]


def definition_of(name: str) -> str:
    """How a metric is made, as the registry has it; empty for what it does not have.

    Examples
    --------
    >>> definition_of("service_level"), definition_of("no_metric")
    ('service_level = answered_within / (offered - open)', '')
    """
    return f"{name} = {METRICS[name].formula}" if name in METRICS else ""


def value_text(value: float, unit: str, lang: str, *, digits: int | None = None) -> str:
    """A value with its unit.

    Examples
    --------
    >>> value_text(0.8123, "ratio", "en"), value_text(75.2, "s", "en"), value_text(1500.0, "s", "en"), value_text(12.0, "count", "en")
    ('81.2 %', '75 s', '25.0 min', '12')
    """
    if unit in ("ratio", "0-1"):
        return share_text(value, digits=1 if digits is None else digits, lang=lang)
    if unit == "s":
        factor, word = _duration(abs(value), lang)
        few = 1 if factor > 1 or abs(value) < 10 else 0
        return f"{number_text(value / factor, digits=few if digits is None else digits, lang=lang)} {word}"
    whole = not np.isfinite(value) or float(value).is_integer()
    number = number_text(value, digits=(0 if whole or abs(value) >= 100 else 1) if digits is None else digits, lang=lang)
    return number if unit == "count" else f"{number} {unit_label(unit, lang)}"


def target_text(value: float, unit: str, lang: str) -> str:
    """A value that was asked for: as round as it was said.

    Examples
    --------
    >>> target_text(0.8, "ratio", "en"), target_text(0.925, "ratio", "en")
    ('80 %', '92.5 %')
    """
    round_share = unit in ("ratio", "0-1") and abs(100 * value - round(100 * value)) < 1e-9
    return value_text(value, unit, lang, digits=0 if round_share else None)


def _duration(longest: float, lang: str) -> tuple[float, str]:
    if longest < _MINUTES or not np.isfinite(longest):
        return 1.0, unit_label("s", lang)
    return (60.0, phrase("plot_minutes", lang)) if longest < _HOURS else (3600.0, unit_label("h", lang))


def value_axis(ax: Axes, which: str, unit: str, label: str, lang: str, *, values: Any = ()) -> None:
    """Ticks and label of an axis of values: percent for shares, seconds, minutes or hours by the largest of ``values``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    which : str
        ``x`` or ``y``.
    unit : str
        As `unit_of_metric` tells it.
    label : str
        What is shown, without its unit.
    lang : str
        Language.
    values : array of float
        What is drawn, to choose a unit of time by.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> value_axis(ax, "y", "s", "Wait", "en", values=[1800.0])
    >>> ax.get_ylabel(), ax.yaxis.get_major_formatter()(1800.0, 0)
    ('Wait [min]', '30')
    """
    from matplotlib import ticker

    axis = ax.xaxis if which == "x" else ax.yaxis
    given = np.asarray(values, dtype="float64").ravel()
    given = given[np.isfinite(given)]
    steps = [1, 2, 2.5, 5, 10]
    if unit in ("ratio", "0-1"):
        factor, word = 0.01, "%"
    elif unit == "s":
        factor, word = _duration(float(np.abs(given).max(initial=0.0)), lang)
        steps = [1, 2, 3, 5, 6, 10] if factor == 1 else [1, 1.5, 2, 3, 5, 6, 10]
    else:
        factor, word = 1.0, "" if unit == "count" else unit_label(unit, lang)
    axis.set_major_locator(_Locator(factor, steps, whole=unit in ("count", "ratio", "0-1")))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _tick(value / factor, lang)))
    axis.set_label_text(f"{label} [{word}]" if word else label)
    if which == "y" and len(given) and given.min() >= 0:  # margins show nothing below 0, nor above 100 %
        low, high = ax.get_ylim()
        share = unit in ("ratio", "0-1") and given.max() <= 1
        ax.set_ylim(max(low, -0.03 * (high - low)), min(high, 1.04) if share else high)


def _tick(value: float, lang: str) -> str:
    digits = next((digits for digits in range(4) if abs(value - round(value, digits)) < 1e-6), 4)
    return number_text(value + 0.0, digits=digits, lang=lang)


def _Locator(factor: float, steps: list[float], *, whole: bool) -> Any:  # noqa: N802 - a class, made where Matplotlib is there
    from matplotlib import ticker

    class Scaled(ticker.MaxNLocator):
        """Round ticks in a unit that is ``factor`` times that of the data."""

        def tick_values(self, vmin: float, vmax: float) -> Any:
            return np.asarray(super().tick_values(vmin / factor, vmax / factor)) * factor

        def __call__(self) -> Any:
            low, high = self.axis.get_view_interval()  # type: ignore[union-attr]
            return self.tick_values(low, high)

    return Scaled(nbins=7, steps=steps, integer=whole and factor == 1.0)


def when_axis(ax: Axes, zone: str, lang: str) -> None:
    """A horizontal axis of time in a zone, which its label names.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> when_axis(ax, "Europe/Istanbul", "en")
    >>> ax.get_xlabel()
    'Time of Europe/Istanbul'
    """
    import zoneinfo

    from matplotlib import dates

    place = zoneinfo.ZoneInfo(zone)
    locator = dates.AutoDateLocator(tz=place, minticks=3, maxticks=min(9, max(4, int(size_of(ax)[0] / _TICK))))
    day = _DATES.get(lang)
    formats = ["%Y", "%Y-%m" if day else "%b", day or "%d %b", "%H:%M", "%H:%M", "%S.%f"]
    zeros = ["", "%Y", "%Y-%m" if day else "%b %Y", day or "%d %b", "%H:%M", "%H:%M"]
    formatter = dates.ConciseDateFormatter(locator, tz=place, formats=formats, zero_formats=zeros, show_offset=False)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(formatter)
    ax.set_xlabel(phrase("plot_time_of", lang, zone=zone))


def place_axis(ax: Axes, places: Places, lang: str) -> None:
    """The horizontal axis of a table of periods: time, times of day, or weekdays.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import pandas as pd
    >>> from ccstats.plots.tables import places_of
    >>> ax = Figure().add_subplot()
    >>> place_axis(ax, places_of(pd.DataFrame({"slot": ["08:00", "09:00"]}), None, what="service", made_by="")[1], "en")
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['08:00', '09:00']
    """
    if not places.words:
        when_axis(ax, places.zone, lang)
        return
    words = [vocabulary_word(word, places.column, lang) for word in places.words]
    longest = max((width_of(word, 9.0) for word in words), default=0.0) + 6
    step = max(1, -(-len(words) // min(12, max(1, int(size_of(ax)[0] / longest)))))
    ax.set_xticks(range(0, len(words), step), words[::step])
    ax.set_xlabel(title_of(places.column, lang))
    ax.set_xlim(-0.7, len(words) - 0.3)
