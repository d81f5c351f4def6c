"""What a chart is drawn of: numbers checked, grouped, cut into phases, and marked as counting for the limits or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError

__all__ = ["Kind", "Series", "read_series"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Squares of sums of larger numbers are infinite.
_LARGEST = 1e100


@dataclass(frozen=True)
class Kind:
    """What the numbers of a chart are.

    Attributes
    ----------
    counts : str
        ``none``, ``divides`` (values are numerators) or ``weighs`` (values are means already).
    groups : str
        What becomes of subgroups: ``none``, ``added`` or ``averaged``.
    share : bool
        Whether values are parts of their counts.
    signed : bool
        Whether values may be negative.

    Examples
    --------
    >>> Kind(counts="divides", groups="added", share=True, signed=False).share
    True
    """

    counts: str = "none"
    groups: str = "none"
    share: bool = False
    signed: bool = True


@dataclass(frozen=True)
class Series:
    """Points in order, ready to be charted.

    Attributes
    ----------
    value : numpy.ndarray of float
        What was given, or its sum or mean by subgroup.
    count : numpy.ndarray of float
        Denominators, or observations in each subgroup, missing where 0; 1 where there are none.
    x : numpy.ndarray of float
        The point: the value, or value over count.
    deviation : numpy.ndarray of float
        Standard deviation within each subgroup; missing where there is none.
    used : numpy.ndarray of bool
        Known and not excluded.
    phase : numpy.ndarray of int
        0, 1, … in order.
    labels : numpy.ndarray or None
        Name of each subgroup.

    Examples
    --------
    >>> read_series("c", Kind(signed=False), [3, 4, 5], None, None, [2], None).phase.tolist()
    [0, 0, 1]
    """

    value: Floats
    count: Floats
    x: Floats
    deviation: Floats
    used: Flags
    phase: Ints
    labels: NDArray[Any] | None = None

    @property
    def starts(self) -> Ints:
        """Where each phase begins.

        Examples
        --------
        >>> read_series("c", Kind(), [3, 4, 5], None, None, [2], None).starts.tolist()
        [0, 2]
        """
        return np.searchsorted(self.phase, np.arange(self.phase[-1] + 1))

    def parts(self) -> Iterator[Series]:
        """Each phase as a series of its own.

        Examples
        --------
        >>> [len(part.x) for part in read_series("c", Kind(), [3, 4, 5], None, None, [2], None).parts()]
        [2, 1]
        """
        edges = [*self.starts.tolist(), len(self.x)]
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            at = slice(begin, end)
            yield Series(self.value[at], self.count[at], self.x[at], self.deviation[at], self.used[at], self.phase[at])


def read_series(
    chart: str, kind: Kind, values: ArrayLike, counts: ArrayLike | None, subgroups: ArrayLike | None, phases: Any, exclude: Any
) -> Series:
    """Check what a chart is asked to show.

    Parameters
    ----------
    chart : str
        Its name, for errors.
    kind : Kind
        What its numbers are.
    values, counts, subgroups, phases, exclude
        As `ccstats.spc.limits` takes them.

    Returns
    -------
    Series

    Raises
    ------
    OptionError
        If numbers are infinite, negative where they cannot be, of different lengths, or lacking.

    Examples
    --------
    >>> read_series("p", Kind(counts="divides", share=True, signed=False), [1, 0], [4, 0], None, None, None).x.tolist()
    [0.25, nan]
    """
    value = _numbers(chart, "values", values)
    if kind.groups == "averaged" and value.ndim == 2 and subgroups is None:
        subgroups = np.repeat(np.arange(value.shape[0]), value.shape[1])
        value = value.ravel()
    if value.ndim != 1:
        raise OptionError(f"chart {chart!r} needs values= as one series, not an array of shape {value.shape}")
    if not kind.signed and (value < 0).any():
        at = int(np.flatnonzero(value < 0)[0])
        raise OptionError(f"chart {chart!r} cannot show values below 0, but values[{at}] is {value[at]:g}; use chart 'xmr'")
    count = _counts(chart, kind, value, counts)
    deviation, labels = np.full(len(value), np.nan), None
    if subgroups is not None:
        if kind.groups == "none":
            raise OptionError(f"chart {chart!r} takes single points, not subgroups=; use chart 'xbar_s', or give the means")
        value, count, deviation, labels = _grouped(kind, value, count, subgroups)
    elif kind.groups == "averaged":
        raise OptionError(f"chart {chart!r} needs subgroups=, a label for each value, or values= with a row for each subgroup")
    if not len(value):
        raise OptionError(f"chart {chart!r} needs points, but values= is empty")
    count = np.where(count > 0, count, np.nan)
    x = value / count if kind.counts == "divides" else np.where(np.isnan(count), np.nan, value)
    used = ~np.isnan(x) & ~_excluded(exclude, len(x))
    return Series(value, count, x, deviation, used, _phases(phases, len(x)), labels)


def _numbers(chart: str, name: str, given: Any) -> Floats:
    try:
        array = np.asarray(given)
        if array.dtype.kind in "mMcVUS":
            raise TypeError
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise OptionError(f"chart {chart!r} needs {name}= as numbers, missing ones NaN; this is not: {str(given)[:60]}") from None
    beyond = np.abs(numbers) > _LARGEST
    if beyond.any():
        at = tuple(int(each[0]) for each in np.nonzero(beyond))
        where, must = at[0] if len(at) == 1 else at, "be finite" if np.isinf(numbers[at]) else f"lie within {_LARGEST:g} of 0"
        raise OptionError(f"{name}= must {must}, but at {where} it is {numbers[at]}; write what is not known as NaN")
    return numbers


def _counts(chart: str, kind: Kind, value: Floats, counts: Any) -> Floats:
    if kind.counts == "none":
        if counts is not None:
            raise OptionError(f"chart {chart!r} takes no counts=; charts 'i_prime', 'p_prime', 'u_prime', 'p', 'u', 'np' and 'funnel' do")
        return np.ones(len(value))
    if counts is None:
        what = "the number that each value is a mean of" if kind.counts == "weighs" else "what each value is divided by"
        raise OptionError(f"chart {chart!r} needs counts=, {what}")
    count = _numbers(chart, "counts", counts)
    if count.ndim == 0:
        count = np.full(value.shape, float(count))
    if count.shape != value.shape:
        raise OptionError(f"values= has {len(value)} points, but counts= has shape {count.shape}; give one count for each value")
    bad = (count < 0) | (kind.share & (value > count))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        rule = "no more than counts, and counts at least 0" if kind.share else "at least 0"
        found = f"values[{at}]={value[at]:g} over counts[{at}]={count[at]:g}"
        raise OptionError(f"{found} is not possible on chart {chart!r}; they must be {rule}")
    return count


def _grouped(kind: Kind, value: Floats, count: Floats, subgroups: Any) -> tuple[Floats, Floats, Floats, NDArray[Any]]:
    """Sums or means by subgroup, in order of first appearance."""
    given = np.asarray(subgroups)
    if given.shape != value.shape:
        raise OptionError(f"subgroups= has shape {given.shape}, but there are {len(value)} values; give one label for each")
    try:
        names, first, code = np.unique(given, return_index=True, return_inverse=True)
    except TypeError:
        raise OptionError("subgroups= mixes types that cannot be compared; give labels of one type") from None
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    code = rank[code.ravel()]
    known = ~np.isnan(value) & ~np.isnan(count)
    code, value = code[known], value[known]
    size = np.bincount(code, minlength=len(names)).astype(np.float64)
    total = np.where(size > 0, np.bincount(code, value, minlength=len(names)), np.nan)
    if kind.groups == "added":
        divided = np.ones(len(names))
        if kind.counts == "divides":
            divided = np.bincount(code, count[known], minlength=len(names)).astype(np.float64)
        return total, divided, np.full(len(names), np.nan), names[order]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / size
        # A second pass takes out what rounding left of the mean: large values that vary little keep their digits.
        mean = mean + np.bincount(code, value - mean[code], minlength=len(names)) / size
        square = np.bincount(code, (value - mean[code]) ** 2, minlength=len(names))
        deviation = np.where(size >= 2, np.sqrt(square / (size - 1)), np.nan)
    return mean, size, deviation, names[order]


def _phases(phases: Any, size: int) -> Ints:
    """Phase numbers from labels (one for each point; a change of label begins a phase) or from the points that begin a phase."""
    if phases is None:
        return np.zeros(size, dtype=np.int64)
    given = np.atleast_1d(np.asarray(phases))
    if given.shape == (size,):
        missing = given != given if given.dtype.kind in "fmM" else np.zeros(size, dtype=bool)
        if given.dtype.kind == "O":  # None, NaN, and what is not even equal to itself for sure
            missing = np.array([each is None or not isinstance(each == each, bool | np.bool_) or each != each for each in given])
        if missing.any():
            raise OptionError(f"phases= has no label at {int(np.argmax(missing))}; give every point one")
        changes = np.concatenate([[False], given[1:] != given[:-1]])
        return np.cumsum(changes)
    what = f"phases= must be a label for each of the {size} points, or the positions (0 to {size - 1}, ascending) where phases begin"
    if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) == 0:
        raise OptionError(f"{what}; this has shape {given.shape} and type {given.dtype}")
    if (given < 0).any() or (given >= size).any() or (np.diff(given) <= 0).any():
        raise OptionError(f"{what}; these are {given.tolist()[:10]}")
    starts = np.zeros(size, dtype=np.int64)
    starts[given] = 1
    starts[0] = 0
    return np.cumsum(starts)


def _excluded(exclude: Any, size: int) -> Flags:
    if exclude is None:
        return np.zeros(size, dtype=bool)
    given = np.atleast_1d(np.asarray(exclude))
    if given.size == 0:
        return np.zeros(size, dtype=bool)
    if given.dtype.kind == "b" and given.shape == (size,):
        return given.astype(bool)
    if given.dtype.kind not in "iu" or given.ndim != 1 or (given < -size).any() or (given >= size).any():
        found = f"this has type {given.dtype} and shape {given.shape}"
        raise OptionError(f"exclude= must be {size} flags, or positions within the {size} points; {found}")
    out = np.zeros(size, dtype=bool)
    out[given] = True
    return out
