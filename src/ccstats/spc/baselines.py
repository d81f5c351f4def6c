"""Limits that are frozen: what a chart learned from its past, kept in a file for the days to come."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccstats.errors import FormatError, OptionError, SourceMissingError
from ccstats.spc.options import CHARTS, check_chart, settle

__all__ = ["Baseline"]

_FORMAT, _VERSION = "ccstats.spc.baseline", 1
_MOST_BYTES = 4_000_000
_CENTER_IS_ABOVE_ZERO = ("u", "u_prime", "c", "g", "funnel")
_CENTER_IS_A_SHARE = ("p", "p_prime", "np")


@dataclass(frozen=True)
class Baseline:
    """The centre and the sigma that a chart's limits are made of.

    Attributes
    ----------
    chart : str
        The chart they belong to.
    center : tuple of float
        One for each phase; of a t chart on its transformed scale, of an np chart the share.
    sigma : tuple of float
        One for each phase: of single observations (``xmr, xbar_s, ewma, cusum, ma``), of one unit (``i_prime``), of transformed times
        (``t``), or how many times more than by law points vary (``p_prime, u_prime``; 1 for ``p, np, u, c, g``). Of a funnel the factor on
        the standard deviation, or with additive over-dispersion the standard deviation between units.
    points : tuple of int
        Points that each rests on; 0 where both were given.
    parameters : mapping
        What else shaped the limits, such as ``width``.

    Raises
    ------
    OptionError
        If the parts do not fit each other or the chart.

    Examples
    --------
    >>> import ccstats as cc
    >>> learned = cc.spc.limits("xmr", [310, 288, 297, 298, 307]).baseline
    >>> learned.center, learned.points
    ((300.0,), (5,))
    >>> cc.spc.limits("xmr", [301, 349], baseline=learned).signals.tolist()
    [False, True]
    """

    chart: str
    center: tuple[float, ...]
    sigma: tuple[float, ...]
    points: tuple[int, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        chart = check_chart(self.chart)
        if not len(self.center) == len(self.sigma) == len(self.points) > 0:
            raise OptionError(
                f"a baseline needs one center, sigma and number of points for each phase, not {len(self.center)}, {len(self.sigma)} and "
                f"{len(self.points)}"
            )
        for number, (center, sigma, points) in enumerate(zip(self.center, self.sigma, self.points, strict=True)):
            try:
                settle(chart, {"center": float(center)})
                if not 0 < float(sigma) < float("inf") and not (chart == "funnel" and sigma == 0):
                    raise OptionError(f"sigma={sigma!r} is no number above 0")
                check_center(chart, float(center), self.parameters)
            except (TypeError, ValueError, OverflowError) as error:
                raise OptionError(f"phase {number} of this baseline is not possible: {error}") from None
            if isinstance(points, bool) or not isinstance(points, int) or points < 0:
                raise OptionError(f"phase {number} of this baseline rests on points={points!r}; give a whole number")
        if {"center", "sigma"} & set(self.parameters):
            raise OptionError("parameters of a baseline are what else shaped the limits; its center and sigma stand for themselves")
        plain = settle(chart, self.parameters)
        object.__setattr__(self, "parameters", {name: plain[name] for name in CHARTS[chart] if name not in ("center", "sigma")})
        object.__setattr__(self, "center", tuple(float(each) for each in self.center))
        object.__setattr__(self, "sigma", tuple(float(each) for each in self.sigma))

    def to_json(self) -> str:
        """The baseline as a text that `from_json` reads back without loss.

        Returns
        -------
        str
            JSON, with the version of its format.

        Examples
        --------
        >>> Baseline("c", (4.0,), (1.0,), (20,)).to_json().splitlines()[:3]
        ['{', '  "format": "ccstats.spc.baseline",', '  "version": 1,']
        """
        phases = [
            {"center": center, "sigma": sigma, "points": points}
            for center, sigma, points in zip(self.center, self.sigma, self.points, strict=True)
        ]
        out = {"format": _FORMAT, "version": _VERSION, "chart": self.chart, "phases": phases, "parameters": dict(self.parameters)}
        return json.dumps(out, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Baseline:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            The whole text.

        Returns
        -------
        Baseline

        Raises
        ------
        FormatError
            If it is cut, is no JSON, has another format or version, or holds what no chart can have.

        Examples
        --------
        >>> kept = Baseline("xmr", (300.0,), (6.9,), (20,), {"width": 2.5})
        >>> Baseline.from_json(kept.to_json()) == kept
        True
        """
        if len(text) > _MOST_BYTES:
            raise FormatError(f"this baseline has {len(text)} characters, more than the {_MOST_BYTES} any has; it is another file")
        try:
            found = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"this is no baseline: its JSON is broken or cut ({str(error)[:100]}); save it again") from None
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise FormatError(f'this is no baseline: expected JSON with "format": "{_FORMAT}"; save one with Baseline.save')
        if found.get("version") != _VERSION or isinstance(found.get("version"), bool):
            version = str(found.get("version"))[:20]
            raise FormatError(f"this baseline has version {version}, this ccstats reads version {_VERSION}; update it")
        phases, parameters = found.get("phases"), found.get("parameters")
        wanted = {"format", "version", "chart", "phases", "parameters"}
        fields = {"center", "sigma", "points"}
        if set(found) != wanted or not isinstance(phases, list) or not isinstance(parameters, dict):
            raise FormatError(f"this baseline is not whole: it needs {', '.join(sorted(wanted))}, phases as a list")
        if not all(isinstance(each, dict) and set(each) == fields for each in phases):
            raise FormatError(f"this baseline is not whole: each phase needs {', '.join(sorted(fields))}, and nothing else")
        if not all(_is_number(each[name]) for each in phases for name in fields):
            raise FormatError("this baseline is not whole: center, sigma and points of each phase must be numbers")
        parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()}
        columns = {name: tuple(each[name] for each in phases) for name in fields}
        try:
            return cls(found["chart"], columns["center"], columns["sigma"], columns["points"], parameters)
        except OptionError as error:
            raise FormatError(f"this baseline cannot be used: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the baseline to a file: whole, or not at all.

        Parameters
        ----------
        path : path
            A file in a folder that is there; one of this name is replaced.

        Raises
        ------
        SourceMissingError
            If the folder is not there.

        Notes
        -----
        The text goes to a temporary file beside it, which is then moved into place: who reads meanwhile sees the old or the new one.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> kept = Baseline("c", (4.0,), (1.0,), (20,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept.save(pathlib.Path(folder) / "sales.json")
        ...     Baseline.load(pathlib.Path(folder) / "sales.json") == kept
        True
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise SourceMissingError(f"there is no folder {target.parent} to save a baseline in; make it first")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(self.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Baseline:
        """Read a baseline from a file.

        Parameters
        ----------
        path : path
            What `save` wrote.

        Returns
        -------
        Baseline

        Raises
        ------
        SourceMissingError
            If there is no such file.
        FormatError
            If it is no baseline, cut or of another version; the text names the file.

        Examples
        --------
        >>> Baseline.load("no_such_file.json")
        Traceback (most recent call last):
        ccstats.errors.SourceMissingError: there is no baseline file no_such_file.json; save one with Baseline.save
        """
        source = Path(path)
        if not source.is_file():
            raise SourceMissingError(f"there is no baseline file {source}; save one with Baseline.save")
        try:
            with source.open("rb") as file:
                return cls.from_json(file.read(_MOST_BYTES + 1).decode("utf-8"))
        except UnicodeDecodeError:
            raise FormatError(f"{source}: this is no baseline: it is no UTF-8 text; save one with Baseline.save") from None
        except FormatError as error:
            raise FormatError(f"{source}: {error}") from None


def check_center(chart: str, center: float, parameters: Mapping[str, Any]) -> None:
    """Refuse a centre that the metric cannot have.

    Raises
    ------
    OptionError
        If a share is not between 0 and 1, or a rate not above 0.

    Examples
    --------
    >>> check_center("p", 0.8, {})
    """
    shares = chart in _CENTER_IS_A_SHARE or (chart == "funnel" and parameters.get("distribution") != "poisson")
    if shares and not 0 < center < 1:
        raise OptionError(f"center={center:g} is no share between 0 and 1, as chart {chart!r} needs")
    if (chart in _CENTER_IS_ABOVE_ZERO and not center > 0) or (chart == "t" and center < 0):
        raise OptionError(f"center={center:g} is not above 0, as chart {chart!r} needs")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
