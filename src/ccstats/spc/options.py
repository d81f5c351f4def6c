"""What each chart may be told: names, defaults and allowed values, in one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ccstats.errors import OptionError, did_you_mean

__all__ = ["CHARTS", "check_chart", "settle"]


class _Option(NamedTuple):
    allowed: str
    check: Callable[[Any], Any]  # the value in its plain type, or None where it is not allowed


def _number(low: float, high: float = math.inf, *, closed: bool = False) -> Callable[[Any], float | None]:
    def check(value: Any) -> float | None:
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        inside = low <= number <= high if closed else low < number < high
        return number if inside and math.isfinite(number) else None

    return check


def _whole(low: int) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
        return int(value) if is_whole and value >= low else None

    return check


def _word(*words: str) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and value in words else None


def _flag(value: Any) -> bool | None:
    return bool(value) if isinstance(value, bool | np.bool_) else None


def _range(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if not isinstance(value, list | tuple | np.ndarray) or len(value) != 2:
        return None
    low, high = (None if each is None else _any_number(each) for each in value)
    missing = [each is None and given is not None for each, given in zip((low, high), value, strict=True)]
    ordered = low is None or high is None or low < high
    return None if any(missing) or not ordered else (low, high)


_any_number = _number(-math.inf)
_positive = _number(0)
_center_words = _word("mean", "median")

_OPTIONS = {
    "center": _Option("a finite number", _any_number),
    "middle": _Option("a finite number, 'mean' or 'median'", lambda value: value if _center_words(value) else _any_number(value)),
    "sigma": _Option("a number above 0", _positive),
    "width": _Option("a number of sigma above 0", _positive),
    "clip": _Option("True, False, or a pair (low, high) of which either may be None", _range),
    "d2": _Option("a number above 0, such as the 1.128 of printed tables", _positive),
    "d4": _Option("a number above 1, such as the 3.267 of printed tables", _number(1)),
    "ranges": _Option("'mean' or 'median'", _word("mean", "median")),
    "screen": _Option("True or False", _flag),
    "bridge_gaps": _Option("True or False", _flag),
    "power": _Option("a number above 0", _positive),
    "least": _Option("a whole number, 0 or more", _whole(0)),
    "weight": _Option("a number above 0, up to 1", lambda value: None if value == 0 else _number(0, 1, closed=True)(value)),
    "limits": _Option("'exact' or 'asymptotic'", _word("exact", "asymptotic")),
    "k": _Option("a number of sigma, 0 or more", _number(0, closed=True)),
    "h": _Option("a number of sigma above 0", _positive),
    "head_start": _Option("a number of sigma, 0 or more", _number(0, closed=True)),
    "sides": _Option("1 or 2", lambda value: _whole(1)(value) if value in (1, 2) else None),
    "window": _Option("a whole number of points, 1 or more", _whole(1)),
    "distribution": _Option("'binomial' or 'poisson'", _word("binomial", "poisson")),
    "method": _Option("'exact', 'interpolated' or 'normal'", _word("exact", "interpolated", "normal")),
    "coverage": _Option("a share between 0 and 1", _number(0, 1)),
    "warning_coverage": _Option("a share between 0 and 1", _number(0, 1)),
    "overdispersion": _Option("None, 'multiplicative' or 'additive'", _word("multiplicative", "additive")),
    "winsorize": _Option("a share from 0 to below 0.5", lambda value: None if value == 0.5 else _number(0, 0.5, closed=True)(value)),
}

_RANGES: dict[str, Any] = {"sigma": None, "d2": None, "d4": None, "ranges": "mean", "screen": False, "bridge_gaps": False}
_COMMON: dict[str, Any] = {"center": None, "width": 3.0, "clip": True}

#: Every chart, what it may be told, and what holds where nothing is said. None: estimated, or as exact as can be.
CHARTS: Mapping[str, Mapping[str, Any]] = {
    "xmr": {**_COMMON, **_RANGES},
    "i_prime": {**_COMMON, **_RANGES},
    "p": _COMMON,
    "p_prime": {**_COMMON, **_RANGES},
    "u": _COMMON,
    "u_prime": {**_COMMON, **_RANGES},
    "c": _COMMON,
    "np": _COMMON,
    "xbar_s": {**_COMMON, "sigma": None},
    "t": {**_COMMON, **_RANGES, "power": 3.6},
    "g": {**_COMMON, "least": 0},
    "ewma": {**_COMMON, **_RANGES, "width": 2.7, "weight": 0.1, "limits": "exact"},
    "cusum": {"center": None, **_RANGES, "k": 0.5, "h": 5.0, "head_start": 0.0, "sides": 2},
    "ma": {**_COMMON, **_RANGES, "window": 5},
    "funnel": {
        "center": None,
        "clip": True,
        "distribution": "binomial",
        "method": "exact",
        "coverage": 0.998,
        "warning_coverage": 0.95,
        "overdispersion": None,
        "winsorize": 0.1,
    },
}

_MAY_BE_MEDIAN = ("xmr", "t", "ewma", "cusum", "ma")


def check_chart(chart: Any) -> str:
    """The name of a chart, if there is one.

    Raises
    ------
    OptionError
        If there is none; the text proposes the nearest.

    Examples
    --------
    >>> check_chart("p_prime")
    'p_prime'
    """
    if isinstance(chart, str) and chart in CHARTS:
        return chart
    raise OptionError(f"chart={chart!r} is not known; choose one of: {', '.join(CHARTS)}.{did_you_mean(str(chart), CHARTS)}")


def settle(chart: str, given: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of a chart: those given, checked and in plain types, then those of a baseline, then the chart's own.

    Parameters
    ----------
    chart : str
        A key of `CHARTS`.
    given : mapping
        Names and values; None stands for the default.
    defaults : mapping, optional
        Used before the chart's defaults.

    Returns
    -------
    dict
        A value for every parameter of the chart.

    Raises
    ------
    OptionError
        If a name is unknown to the chart, or a value is not allowed.

    Examples
    --------
    >>> settle("p", {"width": 2})
    {'center': None, 'width': 2.0, 'clip': True}
    """
    out = {**CHARTS[chart], **(defaults or {})}
    for name, value in given.items():
        if name not in CHARTS[chart]:
            known = ", ".join(CHARTS[chart])
            raise OptionError(f"chart {chart!r} has no parameter {name!r}; it has: {known}.{did_you_mean(name, CHARTS[chart])}")
        if value is None:
            continue
        option = _OPTIONS["middle" if name == "center" and chart in _MAY_BE_MEDIAN else name]
        plain = option.check(value)
        if plain is None:
            raise OptionError(f"{name}={value!r} is not allowed; give {option.allowed}")
        out[name] = plain
    return out
