"""Agents side by side: who differs from the others by more than chance, given what they were dealt; no rankings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import OptionError, TableError
from ccstats.satisfaction._cells import columns_of, divide
from ccstats.satisfaction.quality import score_evaluations
from ccstats.schema import as_frame

__all__ = ["compare_agents"]

Floats = NDArray[np.float64]

_WORDS = ("below", "inside", "above")


def compare_agents(
    table: Any,
    *,
    met: str | None = None,
    counted: str | None = None,
    pass_mark: float = 0.8,
    agent: str = "agent",
    strata: str | Sequence[str] = (),
    coverage: float = 0.998,
    overdispersion: bool = False,
    winsorize: float = 0.1,
    at_least: int = 5,
) -> pd.DataFrame:
    r"""A share of each agent beside what the others' shares let expect of the same mix of contacts, with funnel limits.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        ``evaluations`` (then the share of them that pass), or any table with ``met``: one row a case, or counts.
    met : str, optional
        Column of what is counted: flags, one row a case, such as "answered 4 or 5"; or with ``counted`` how many. Missing ones are left
        out. Without it the table holds evaluations.
    counted : str, optional
        Column of how many cases a row is about; without it every row is one.
    pass_mark : float
        An evaluation passes with at least this ``qm_score``; one that failed automatically never does. [0-1]
    agent : str
        Column of who is compared: agents, or queues, teams, assessors.
    strata : str or sequence of str
        Columns of what makes cases harder or easier and is not the agent's doing: ``queue``, ``reason``, hour of the day.
    coverage : float
        Share of agents inside while all are alike. With 50 agents and 0.998 one in ten comparisons flags somebody by chance.
    overdispersion : bool
        Widen the limits to how much agents differ anyway (multiplicative), for causes that strata do not tell.
    winsorize : float
        Share of scores at each end that is drawn in before over-dispersion is estimated. [0-0.5)
    at_least : int
        Agents with fewer cases are in the table without name and figures. [cases]

    Returns
    -------
    pandas.DataFrame
        One row an agent, in alphabetical order: ``agent`` (under the name of that column), ``counted``, ``met``, ``share``; ``expected``,
        how many would have met it at the whole table's share in each stratum; ``share_adjusted``, met / expected times the share of all;
        ``lower`` and ``upper``, the limits for it; ``z``, the distance from expected in standard deviations (over-dispersion included);
        ``flag``: ``below``, ``inside`` or ``above`` the limits; ``suppressed``. Suppressed rows come last, with everything else missing;
        an agent whose limits cannot be told (all or none met it) is ``inside``. An empty table gives an empty one.

    Raises
    ------
    OptionError
        If an argument has no such value.
    ColumnError
        If a column is not there.
    TableError
        If counts are negative, broken, or more met than were counted; or as `measure_quality` does.

    See Also
    --------
    measure_quality : the figures themselves, with their own intervals.

    Notes
    -----
    This is indirect standardisation: :math:`E_i = \sum_s n_{is} p_s` with the share :math:`p_s` of stratum s in the whole table, agent i
    included. If agents are alike, the number met is a sum of binomials with that mean and the variance
    :math:`V_i = \sum_s n_{is} p_s (1 - p_s)`. The limits are those of the binomial law with the same mean and variance,
    of :math:`E_i^2 / (E_i - V_i)` trials: a number on or beyond a limit has a chance of (1 - coverage) / 2 or less. They lie where counts
    can be told apart; ten of ten is no signal while it comes about by chance. A funnel chart's limits lie between whole numbers and flag
    more of the small. Two adjusted shares are comparable with the whole, not with each other, where the mixes differ much.

    A ranking of agents who are all alike still has a last place. Inside the limits there is nothing to explain: not who is first, and not
    who became better. Cases of one customer, or evaluations of one contact, are taken as independent.

    References
    ----------
    D. J. Spiegelhalter (2005), Statistics in Medicine 24(8), 1185-1202; over-dispersion: Quality and Safety in Health Care 14(5), 347-351.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> counts = pd.DataFrame({"agent": ["Ada", "Bo", "Cy"], "top2": [170, 175, 120], "answers": [200, 200, 200]})
    >>> cc.compare_agents(counts, met="top2", counted="answers")[["agent", "share", "flag"]].values.tolist()
    [['Ada', 0.85, 'inside'], ['Bo', 0.875, 'above'], ['Cy', 0.6, 'below']]
    """
    _check(pass_mark, coverage, winsorize, at_least)
    frame = as_frame(table, what="table")
    if met is None:
        frame, met = _passes(frame, pass_mark)
    names = columns_of(strata, frame, what="the table")
    columns_of([agent, met, *([counted] if counted else [])], frame, what="the table")
    if agent in names:
        raise OptionError(f"strata={names}: {agent!r} is what is compared; it cannot be its own stratum")
    hits, cases, frame = _counts(frame, met, counted)
    who, whos = pd.factorize(frame[agent].astype("str"), sort=True)
    stratum = frame.groupby(names, observed=True, dropna=False).ngroup().to_numpy() if names else np.zeros(len(frame), dtype="int64")
    kept = who >= 0
    who, stratum, hits, cases = who[kept], stratum[kept], hits[kept], cases[kept]

    size = len(whos)
    n, observed = (np.bincount(who, weights=each, minlength=size).astype("float64") for each in (cases, hits))
    share_of = divide(np.bincount(stratum, weights=hits), np.bincount(stratum, weights=cases))[stratum]
    share_of = np.nan_to_num(share_of)
    expected = np.bincount(who, weights=cases * share_of, minlength=size).astype("float64")
    variance = np.bincount(who, weights=cases * share_of * (1 - share_of), minlength=size).astype("float64")
    overall = float(hits.sum() / cases.sum()) if cases.sum() > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 1e-12, (observed - expected) / np.sqrt(variance), np.nan)
    stretch = _stretch(z[n >= at_least], winsorize) if overdispersion else 1.0
    low, high = _limits(expected, variance, coverage)
    most = divide(n, expected)  # where all of an agent's cases met it: nothing lies beyond
    low, high = (np.clip(1 + stretch * (each - 1), 0.0, most) * overall for each in (low, high))
    adjusted = divide(observed, expected) * overall
    flag = np.where(adjusted > high, 2, np.where(adjusted < low, 0, 1)).astype("int64")
    out = pd.DataFrame(
        {
            agent: pd.Categorical(whos.astype("str")),
            "counted": n.astype("int64"),
            "met": observed.astype("int64"),
            "share": divide(observed, n),
            "expected": expected,
            "share_adjusted": adjusted,
            "lower": low,
            "upper": high,
            "z": z / stretch,
            "flag": pd.Categorical.from_codes(flag, dtype=pd.CategoricalDtype(list(_WORDS))),
            "suppressed": n < at_least,
        }
    )
    return _hide(out, agent)


def _passes(frame: pd.DataFrame, pass_mark: float) -> tuple[pd.DataFrame, str]:
    """One row an evaluation with a score, and whether it passed."""
    scores = score_evaluations(frame)
    scores = scores[scores["qm_score"].notna()].reset_index(drop=True)
    more = frame.drop_duplicates("evaluation_id").drop(columns=[name for name in frame if name in scores and name != "evaluation_id"])
    scores = scores.merge(more, on="evaluation_id", how="left")
    return scores.assign(passed=(scores["qm_score"] >= pass_mark - 1e-12) & ~scores["auto_fail"]), "passed"


def _counts(frame: pd.DataFrame, met: str, counted: str | None) -> tuple[Floats, Floats, pd.DataFrame]:
    try:
        hits = frame[met].to_numpy(dtype="float64", na_value=np.nan)
        cases = np.ones(len(frame)) if counted is None else frame[counted].to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        raise TableError(f"column {met!r} is {frame[met].dtype}; expected flags, or counts with counted=") from None
    known = ~(np.isnan(hits) | np.isnan(cases))
    hits, cases, frame = hits[known], cases[known], frame[known].reset_index(drop=True)
    bad = (hits < 0) | (hits > cases) | (hits != np.floor(hits)) | (cases != np.floor(cases)) | np.isinf(cases)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise TableError(
            f"{int(bad.sum())} rows are no counts, the first has {met}={hits[at]:g} of {cases[at]:g}; give whole numbers with "
            f"0 <= {met} <= {counted or 1}{'' if counted else ', or name the column of cases with counted='}"
        )
    return hits, cases, frame


def _limits(expected: Floats, variance: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Limits of observed over expected, beyond which lies no more than (1 - coverage) / 2; missing where chance has no room."""
    some = (variance > 1e-12) & (expected - variance > 1e-12)
    mean = np.where(some, expected, np.nan)
    share = 1 - variance / np.where(some, expected, 1.0)
    trials, tail = mean / share, (1 - coverage) / 2
    ends = []
    for upper in (False, True):
        near, far = mean.copy(), trials + 1 if upper else np.full(len(mean), -1.0)
        for _ in range(60):
            half = (near + far) / 2
            # Chance of at least, or at most, so many of a binomial law of real-valued trials.
            chance = special.betainc(half, trials - half + 1, share) if upper else special.betainc(trials - half, half + 1, 1 - share)
            rare = chance <= tail
            near, far = np.where(rare, near, half), np.where(rare, half, far)
        ends.append(far / mean)
    return ends[0], ends[1]


def _stretch(z: Floats, winsorize: float) -> float:
    """How much more agents differ than by chance, as a factor on standard deviations; at least 1."""
    z = z[~np.isnan(z)]
    if len(z) < 2:
        return 1.0
    low, high = np.quantile(z, [winsorize, 1 - winsorize])
    return max(1.0, float(np.sqrt((np.clip(z, low, high) ** 2).mean())))


def _hide(out: pd.DataFrame, agent: str) -> pd.DataFrame:
    """Blank the rows that rest on few cases, name included, and put them last: their place in the alphabet would tell who they are."""
    small = out["suppressed"].to_numpy()
    for name in out.columns:
        if name == "suppressed":
            continue
        if name in ("counted", "met"):
            out[name] = out[name].astype("Int64")
        out[name] = out[name].mask(small)
    out[agent] = out[agent].cat.remove_unused_categories()
    return out.sort_values("suppressed", kind="stable", ignore_index=True)


def _check(pass_mark: float, coverage: float, winsorize: float, at_least: int) -> None:
    for name, value, low, high, closed in (
        ("pass_mark", pass_mark, 0.0, 1.0, True),
        ("coverage", coverage, 0.0, 1.0, False),
        ("winsorize", winsorize, 0.0, 0.5, True),
    ):
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not low <= value <= high or (not closed and value in (low, high)) or (name == "winsorize" and value == high):
            raise OptionError(f"{name}={value!r} is out of range; give a share between {low:g} and {high:g}")
    if isinstance(at_least, bool) or not isinstance(at_least, int | np.integer) or at_least < 1:
        raise OptionError(f"at_least={at_least!r} is no number of cases; give a whole number from 1")
