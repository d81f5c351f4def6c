"""Change points: where the level of a series changed, by ruptures."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError

__all__ = ["find_change_points"]

#: Parameters that a change costs (its place among them), as multiples of log(n).
_MODELS = {"mean": 3.0, "mean_variance": 4.0, "robust": 3.0}
#: Of the robust model: spreads to which values are drawn in about their running median, and the fewest values that makes.
_DRAWN_IN, _WIDTH = 2.5, 9


def find_change_points(
    values: Any, *, penalty: float | None = None, minimum: int = 5, times: Any = None, model: str = "mean"
) -> pd.DataFrame:
    """Stretches of a series between which its level changed: one row a stretch; a single row means no change.

    Parameters
    ----------
    values : array-like
        The series in time; missing values are left out.
    penalty : float, optional
        What a further change must improve the fit by: the drop of -2 log likelihood it costs. By default 3 log(n), for
        ``mean_variance`` 4 log(n) (n values; Schwarz's criterion with the place of the change as a parameter).
    minimum : int
        Fewest values in a stretch.
    times : array-like, optional
        When each value was observed; by default its position.
    model : str
        ``mean``; ``robust``, the mean with values drawn in to 2.5 spreads about their running median; ``mean_variance``, where the spread
        may change as well.

    Returns
    -------
    pandas.DataFrame
        ``start``, ``end`` (times of the first and last value of the stretch), ``points``, ``mean``, ``sd`` (missing for one value) and
        ``change`` (of the mean from the stretch before; missing in the first row). A constant series has one row.

    Raises
    ------
    OptionError
        If there are fewer than two stretches' values, one is infinite or no number, ``times`` has another length, or an option has no such
        value.

    Notes
    -----
    Exact least squares by PELT (Killick, Fearnhead & Eckley 2012), as ruptures has it. The spread within stretches is the median of
    absolute differences between neighbours / (0.6745 √2), which changes of level do not inflate; where values follow each other
    (autocorrelation) it is too small and changes are found too easily: give a larger ``penalty``.

    References
    ----------
    Truong, Oudre & Vayatis (2020), "Selective review of offline change point detection methods", Signal Processing 167.

    Examples
    --------
    >>> import ccstats as cc
    >>> found = cc.find_change_points([20, 22, 19, 21, 20, 23, 30, 31, 29, 32, 30, 28], minimum=3)
    >>> found[["start", "end", "points"]].values.tolist()
    [[0, 5, 6], [6, 11, 6]]
    """
    try:
        series = np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise OptionError(f"values must be one series of numbers: {error}") from None
    if series.ndim != 1:
        raise OptionError(f"values must be one series; found shape {series.shape}")
    if not isinstance(model, str) or model not in _MODELS:
        raise OptionError(f"model={model!r} is not known; choose one of: {', '.join(_MODELS)}")
    whole = isinstance(minimum, int | np.integer) and not isinstance(minimum, bool)
    if not whole or minimum < (3 if model == "mean_variance" else 1):
        raise OptionError(f"minimum={minimum!r} must be a whole number of at least {3 if model == 'mean_variance' else 1}")
    if penalty is not None and (isinstance(penalty, bool) or not isinstance(penalty, int | float | np.number) or not penalty > 0):
        raise OptionError(f"penalty={penalty!r} must be a number above 0")
    try:
        when = pd.Index(np.arange(len(series)) if times is None else times)
    except TypeError:
        raise OptionError(f"times={times!r} must be one entry for each of the {len(series)} values") from None
    if len(when) != len(series):
        raise OptionError(f"times has {len(when)} entries for {len(series)} values")
    infinite = np.flatnonzero(np.isinf(series))
    if len(infinite):
        raise OptionError(f"values has {len(infinite)} infinite entries, first at position {int(infinite[0])}")
    known = np.flatnonzero(~np.isnan(series))
    if len(known) < max(2 * minimum, 3):
        raise OptionError(
            f"a change point needs at least {max(2 * minimum, 3)} values (minimum={minimum} on either side); found {len(known)} "
            f"that are not missing among {len(series)}"
        )
    found = series[known]
    bounds = _bounds(found, _MODELS[model] * np.log(len(found)) if penalty is None else penalty, minimum, model)
    parts = [found[low:high] for low, high in zip(bounds[:-1], bounds[1:], strict=True)]
    mean = np.array([part.mean() for part in parts])
    return pd.DataFrame(
        {
            "start": when[known[bounds[:-1]]],
            "end": when[known[np.array(bounds[1:]) - 1]],
            "points": [len(part) for part in parts],
            "mean": mean,
            "sd": [part.std(ddof=1) if len(part) > 1 else np.nan for part in parts],
            "change": np.append(np.nan, np.diff(mean)),
        }
    )


def _bounds(series: np.ndarray, penalty: float, minimum: int, model: str) -> list[int]:
    import ruptures

    steps = np.diff(series)
    spread = float(np.median(np.abs(steps)) / (0.6745 * np.sqrt(2.0))) or float(np.sqrt(np.mean(steps**2) / 2.0))
    if spread == 0.0:
        return [0, len(series)]
    if model == "robust":
        middle = pd.Series(series).rolling(max(2 * minimum + 1, _WIDTH), center=True, min_periods=1).median().to_numpy()
        series = middle + np.clip(series - middle, -_DRAWN_IN * spread, _DRAWN_IN * spread)
    # centred, so that the compiled sums do not cancel
    scaled = ((series - series.mean()) / spread)[:, None]
    if model == "mean_variance":
        with warnings.catch_warnings():  # ruptures tells everybody that a stretch without spread gets a little
            warnings.simplefilter("ignore", UserWarning)
            search = ruptures.Pelt(model="normal", min_size=minimum, jump=1).fit(scaled)
    else:
        search = ruptures.KernelCPD(kernel="linear", min_size=minimum).fit(scaled)
    return [0, *search.predict(pen=penalty)]
