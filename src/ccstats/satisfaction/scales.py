"""What does an answer say? Instruments, scales and polarity: from the score as given to points of a figure, checked row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.schema import SURVEYS, as_frame

__all__ = ["STATISTICS", "Statistic", "check_surveys", "one_scale", "unit_scores"]

Floats = NDArray[np.float64]

#: Points of a scale that top boxes are counted on: at least, at most.
_FEWEST, _MOST = 3, 11
_SEVEN = 7
_NEEDED = tuple(SURVEYS.names(required=True))


@dataclass(frozen=True)
class Statistic:
    """How a figure is made of single answers: which instrument it belongs to and what kind it is.

    Parameters
    ----------
    instrument : str
        The question it is made of.
    kind : str
        ``share`` (0-1), ``net`` (points, −100 to 100) or ``mean`` (points of the scale).

    Examples
    --------
    >>> STATISTICS["nps"].kind
    'net'
    """

    instrument: str
    kind: str


#: Every figure by name.
STATISTICS = {
    "csat_top1": Statistic("csat", "share"),
    "csat_top2": Statistic("csat", "share"),
    "csat_mean": Statistic("csat", "mean"),
    "nps": Statistic("nps", "net"),
    "enps": Statistic("enps", "net"),
    "ces_mean": Statistic("ces", "mean"),
    "ces_easy": Statistic("ces", "share"),
    "ces_net": Statistic("ces", "net"),
    "other_mean": Statistic("other", "mean"),
}


def check_surveys(surveys: Any) -> pd.DataFrame:
    """The surveys, sound, with what every figure needs beside them.

    Parameters
    ----------
    surveys : pandas.DataFrame or Arrow table
        As the schema says.

    Returns
    -------
    pandas.DataFrame
        A new frame with default index and three more columns: ``good``, the score with its good end up (missing: no answer),
        ``points``, how many points the scale has, and ``boxed``, whether its points can be counted: whole answers on 3 to 11 points.

    Raises
    ------
    TableError
        With rows and keys, if a column is missing or of another kind, a response is there twice, a scale is upside down or endless, a score
        is off its scale, an answer came before its question, or an NPS is not in whole points of 0-10.

    Examples
    --------
    >>> import pandas as pd
    >>> from ccstats.schema import SURVEYS
    >>> row = {"response_id": "1", "contact_id": "c", "instrument": "ces", "score": 2.0, "scale_min": 1.0, "scale_max": 5.0}
    >>> one = pd.DataFrame([row | {"polarity": "lower_is_better", "invited_at": None, "responded_at": None}])
    >>> check_surveys(SURVEYS.conform(one))[["score", "good", "points"]]
       score  good  points
    0    2.0   4.0     5.0
    """
    frame = as_frame(surveys, what="surveys").reset_index(drop=True)
    SURVEYS.check(frame, columns=_NEEDED, keys=False)
    score, least, most = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("score", "scale_min", "scale_max"))
    instrument, answered = frame["instrument"], ~np.isnan(score)
    sized = np.isfinite(least) & np.isfinite(most) & (least < most)
    recommends = instrument.isin(("nps", "enps")).to_numpy()
    ten = (least == 0) & (most == 10)
    early = (frame["responded_at"] < frame["invited_at"]).to_numpy(dtype="bool", na_value=False)
    problems = [
        _rows(frame, frame.duplicated(["response_id", "instrument"], keep=False).to_numpy(), "the same response more than once; keep one"),
        _rows(frame, ~sized, "scale_min is not below scale_max"),
        _rows(
            frame, sized & answered & ~((score >= least) & (score <= most)), "score off its scale", show=("score", "scale_min", "scale_max")
        ),
        _rows(frame, early, "answered before being asked", show=("invited_at", "responded_at")),
        _rows(frame, recommends & sized & ~ten, "recommendation is asked on 0-10, this scale is another", show=("scale_min", "scale_max")),
        _rows(
            frame, recommends & ten & answered & (score != np.round(score)), "recommendation is answered in whole points", show=("score",)
        ),
    ]
    found = [each for each in problems if each]
    if found:
        lines = "\n  - ".join(found)
        raise TableError(f"the surveys cannot be counted ({len(found)} problem{'s' if len(found) > 1 else ''}):\n  - {lines}")
    flipped = (frame["polarity"] == "lower_is_better").to_numpy()
    frame["good"] = np.where(flipped, least + most - score, score)
    frame["points"] = most - least + 1
    step = (score - least).round(9)
    whole = (step == np.round(step)) | ~answered
    scale = [frame["instrument"].cat.codes, frame["scale_min"], frame["scale_max"]]
    wholly = pd.Series(whole).groupby(scale).transform("all").to_numpy(dtype="bool") if len(frame) else whole
    frame["boxed"] = wholly & (frame["points"] % 1 == 0).to_numpy() & frame["points"].between(_FEWEST, _MOST).to_numpy()
    return frame


def unit_scores(frame: pd.DataFrame, statistic: str) -> Floats:
    """Each answer as a number from 0 (worst) to 1 (best), whose mean is the figure on its own scale moved to 0-1.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `check_surveys` makes it.
    statistic : str
        A name in `STATISTICS`.

    Returns
    -------
    numpy.ndarray
        NaN where there is no answer, another instrument, or a scale that the figure is not made for. Net scores: detractors 0, those in
        between ½, promoters 1.

    Raises
    ------
    OptionError
        If there is no such statistic.

    Examples
    --------
    >>> import pandas as pd
    >>> answers = pd.DataFrame({"instrument": "nps", "good": [10.0, 8.0, 3.0], "scale_min": 0.0, "points": 11.0, "boxed": True})
    >>> unit_scores(answers, "nps")
    array([1. , 0.5, 0. ])
    """
    if statistic not in STATISTICS:
        raise OptionError(f"statistic={statistic!r}: expected one of {', '.join(STATISTICS)}.{did_you_mean(str(statistic), STATISTICS)}")
    good, points = frame["good"].to_numpy(dtype="float64"), frame["points"].to_numpy(dtype="float64")
    above = good - frame["scale_min"].to_numpy(dtype="float64")  # 0 at the worst end
    asked = (frame["instrument"] == STATISTICS[statistic].instrument).to_numpy() & ~np.isnan(good)
    boxed, last = frame["boxed"].to_numpy(dtype="bool"), points - 1
    if STATISTICS[statistic].kind == "mean":
        value, fits = above / last, asked
    elif statistic == "csat_top1":
        value, fits = above >= last, asked & boxed
    elif statistic == "csat_top2":
        value, fits = above >= last - 1, asked & boxed
    elif statistic == "ces_easy":
        value, fits = above > last / 2, asked & boxed
    elif statistic == "ces_net":
        value, fits = (1 + (above >= last - 1) - 1.0 * (above < last / 2)) / 2, asked & boxed & (points == _SEVEN)
    else:
        value, fits = (1 + (above >= 9) - 1.0 * (above <= 6)) / 2, asked
    return np.where(fits, value.astype("float64"), np.nan)


def one_scale(frame: pd.DataFrame, codes: NDArray[Any], describe: Any) -> None:
    """Refuse a group in which one instrument was answered on several scales: their mean would mean nothing.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `check_surveys` makes it.
    codes : array of int
        The group of each row.
    describe : callable
        From a group's code to words for the error.

    Raises
    ------
    TableError
        If there is one.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> answers = pd.DataFrame({"instrument": "csat", "scale_min": [1, 1], "scale_max": [5, 10]})
    >>> one_scale(answers, np.array([0, 1]), str)
    """
    scales = frame[["instrument", "scale_min", "scale_max"]].assign(group=codes).drop_duplicates()
    mixed = scales[scales.duplicated(["group", "instrument"], keep=False)]
    if len(mixed):
        group, instrument = mixed.iloc[0][["group", "instrument"]]
        chosen = mixed[(mixed["group"] == group) & (mixed["instrument"] == instrument)]
        shown = ", ".join(sorted(f"{low:g}-{high:g}" for low, high in zip(chosen["scale_min"], chosen["scale_max"], strict=True)))
        where = describe(group)
        raise TableError(
            f"{instrument} is on several scales ({shown}){' in ' + where if where else ''}: one figure over them would mix different "
            "questions. Name a column that tells them apart in by=, choose a period with one scale, or bring the scores to one "
            "scale before."
        )


def _rows(frame: pd.DataFrame, bad: NDArray[np.bool_], what: str, *, show: tuple[str, ...] = ()) -> str:
    at = np.flatnonzero(bad)
    if not len(at):
        return ""
    first = frame.loc[at[0], ["response_id", "instrument", *show]]
    shown = ", ".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in first.items())
    rows = ", ".join(map(str, at[:5]))
    return f"{what} (row{'s' if len(at) > 1 else ''} {rows}{', …' if len(at) > 5 else ''}; {len(at)} in all; first: {shown})"
