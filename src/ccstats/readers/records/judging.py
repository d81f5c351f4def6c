"""What each kind of records must obey beyond its columns' types: scales, orders in time, points and weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, DataWarning, OptionError, did_you_mean
from ccstats.readers.records.reading import Kind
from ccstats.readers.records.rows import Rows
from ccstats.schema.records import ABSENCES, COMPLAINTS, EVALUATIONS, FIGURES, INSTRUMENTS, ITEMS, POLARITIES, STAFF, SURVEYS

__all__ = ["KINDS", "SCALES", "check_scales"]

#: The usual scale of each instrument: lowest and highest answer, and which end is the good one. CES as in its second version.
SCALES = {
    "csat": (1.0, 5.0, "higher_is_better"),
    "nps": (0.0, 10.0, "higher_is_better"),
    "enps": (0.0, 10.0, "higher_is_better"),
    "ces": (1.0, 7.0, "higher_is_better"),
}
#: Instruments whose name may be a column's; a column "other" is more often free text.
_WIDE = ("csat", "nps", "ces", "enps")
#: Reasons name this many different scales; a file with more is none that anybody reads scale by scale.
_SCALES_NAMED = 20
_SCALE = ("scale_min", "scale_max", "polarity")


def check_scales(given: Mapping[str, Any] | None) -> dict[str, tuple[float, float, str]]:
    """The usual scales, with those given instead; raises `OptionError` that lists every one that is none.

    Examples
    --------
    >>> check_scales({"ces": (1, 5, "lower_is_better")})["ces"]
    (1.0, 5.0, 'lower_is_better')
    """
    made, problems = dict(SCALES), []
    for name, scale in (given or {}).items():
        if name not in INSTRUMENTS:
            problems.append(f"no instrument {name!r}; there are: {', '.join(INSTRUMENTS)}.{did_you_mean(str(name), INSTRUMENTS)}")
            continue
        parts = tuple(scale) if isinstance(scale, tuple | list) else ()
        numbers = [each for each in parts[:2] if isinstance(each, int | float) and not isinstance(each, bool) and np.isfinite(each)]
        polarity = parts[2] if len(parts) == 3 else "higher_is_better"
        if len(parts) not in (2, 3) or len(numbers) != 2 or numbers[0] >= numbers[1] or polarity not in POLARITIES:
            problems.append(
                f"{name}: expected (lowest, highest) or (lowest, highest, {' or '.join(map(repr, POLARITIES))}), found {scale!r}"
            )
        else:
            made[name] = (float(numbers[0]), float(numbers[1]), str(polarity))
    if problems:
        raise OptionError("scales= does not fit:\n  - " + "\n  - ".join(problems))
    return made


def _surveys(rows: Rows) -> dict[str, Any]:
    asked = [name for name in _WIDE if name in rows.theirs]
    if "instrument" in rows.theirs and asked:
        raise ColumnError(
            f"{rows.grid.name} has a column instrument and columns {', '.join(asked)}; expected a row a question, or a column a question"
        )
    if "instrument" not in rows.theirs and not asked:
        raise ColumnError(
            f"{rows.grid.name}: no column of answers; expected instrument and score, or a column of an instrument's name "
            f"({', '.join(_WIDE)}). Columns found: {', '.join(map(repr, rows.grid.header))}"
        )
    rows.need("response_id", *(() if asked else ("score",)))
    said = rows.columns(skip=("instrument", "score", *_SCALE))
    rows.close(said["invited_at"] > said["responded_at"], "responded_at is before invited_at")
    long = _wide(rows, asked) if asked else _long(rows)
    if "invited" in rows.theirs:
        invited = rows.flags("invited")
        answered = np.zeros(len(rows.open), dtype=bool)
        np.logical_or.at(answered, long["_row"].to_numpy(), long["score"].notna().to_numpy())
        rows.ignore(invited.eq(False).fillna(False).to_numpy(dtype=bool) & ~answered, "not invited")
    at = long["_row"].to_numpy()
    return {**{name: values.take(at).reset_index(drop=True) for name, values in said.items()}, **long}


def _long(rows: Rows) -> pd.DataFrame:
    instrument = rows.words("instrument", INSTRUMENTS)
    rows.close(instrument.isna(), "instrument is blank")
    score = rows.numbers("score")
    low, high, polarity = (_scale(rows, instrument, at) for at in range(3))
    _check_scores(rows, instrument, score, low, high, polarity)
    return pd.DataFrame(
        {
            "_row": np.arange(len(score)),
            **{"instrument": instrument, "score": score, "scale_min": low, "scale_max": high, "polarity": polarity},
        }
    )


def _wide(rows: Rows, asked: list[str]) -> pd.DataFrame:
    if len(asked) > 1 and any(name in rows.theirs for name in _SCALE):
        raise ColumnError(f"{rows.grid.name}: scale_min, scale_max, polarity of which of {', '.join(asked)}? Say it by scales= instead")
    scores = {name: rows.numbers(name) for name in asked}
    if any(values.notna().any() for values in scores.values()):
        for name in asked:
            if scores[name].isna().all():
                rows.account.note(f"{name} is blank in every line: taken as not asked", len(rows.open))
        scores = {name: values for name, values in scores.items() if values.notna().any()}
    parts = []
    for name, score in scores.items():
        instrument = pd.Series([name] * len(score), dtype="str")
        low, high, polarity = (_scale(rows, instrument, at) for at in range(3))
        _check_scores(rows, instrument, score, low, high, polarity, of=name)
        parts.append(
            pd.DataFrame(
                {
                    "_row": np.arange(len(score)),
                    **{"instrument": instrument, "score": score, "scale_min": low, "scale_max": high, "polarity": polarity},
                }
            )
        )
    return pd.concat(parts, ignore_index=True).sort_values("_row", kind="stable", ignore_index=True)


def _scale(rows: Rows, instrument: pd.Series, at: int) -> pd.Series:
    """What the line says of its scale, and what the instrument's scale is where it says nothing."""
    name = _SCALE[at]
    usual = instrument.map({each: scale[at] for each, scale in rows.asked.scales.items()})
    own: pd.Series = rows.words(name, POLARITIES) if name == "polarity" else rows.numbers(name)
    return own.where(own.notna(), usual.astype(own.dtype))


def _check_scores(
    rows: Rows, instrument: pd.Series, score: pd.Series, low: pd.Series, high: pd.Series, polarity: pd.Series, of: str = "score"
) -> None:
    unknown = low.isna() | high.isna() | polarity.isna()
    rows.close(unknown, "no scale is known for this instrument: give scale_min, scale_max and polarity, or scales=")
    rows.close(low >= high, "scale_min is not below scale_max")
    off = ((score < low) | (score > high)) & rows.open
    scales = sorted(set(zip(low[off], high[off], strict=True)))
    for one, two in scales[:_SCALES_NAMED]:
        rows.close(off & (low == one) & (high == two), f"{of} is off its scale {one:g} to {two:g}")
    rows.close(off, f"{of} is off its scale")
    whole = instrument.isin(["nps", "enps"]) & (score % 1 != 0) & score.notna()
    rows.close(whole, f"{of} is no whole number, as answers of nps and enps are")


def _complaints(rows: Rows) -> dict[str, Any]:
    rows.need("complaint_id", "received_at")
    out = rows.columns()
    rows.close(out["resolved_at"] < out["received_at"], "resolved_at is before received_at")
    rows.close(out["acknowledged_at"] < out["received_at"], "acknowledged_at is before received_at")
    return out


def _evaluations(rows: Rows) -> dict[str, Any]:
    rows.need("evaluation_id", "agent", "evaluated_at", "item", "points", "max_points")
    out = rows.columns(skip=("weight", "critical_error", "auto_fail"))
    if "weight" in rows.theirs:
        out["weight"] = rows.numbers("weight")
        rows.close(out["weight"].isna(), "weight is blank")
    else:
        out["weight"] = pd.Series(np.ones(len(rows.open)))
        rows.account.note("no column weight: every item weighs 1", len(rows.open))
    for name in ("critical_error", "auto_fail"):
        flags = rows.flags(name)
        rows.account.note(f"{name} is not told: taken as no", int((flags.isna().to_numpy() & rows.open).sum()))
        out[name] = flags.fillna(False).astype("bool")
    rows.close(out["weight"] < 0, "weight is negative")
    rows.close(out["max_points"] <= 0, "max_points is not above 0")
    rows.close(out["points"] < 0, "points are negative")
    rows.close(out["points"] > out["max_points"], "points are above max_points")
    for name in ("agent", "contact_id", "assessor"):
        first = out[name].where(rows.open).groupby(out["evaluation_id"]).transform("first")
        rows.close(out[name].notna() & first.notna() & (out[name] != first), f"{name} is another than on the first line of the evaluation")
    lost = set(out["evaluation_id"][~rows.open].dropna()) & set(out["evaluation_id"][rows.open])
    if lost:
        rows.account.note("evaluations that lost an item to a rejected line", len(lost))
        said = f"{rows.grid.name}: {len(lost):,} evaluations lost items to rejected lines; their scores rest on the items left"
        warnings.warn(said, DataWarning, stacklevel=6)
    return out


def _items(rows: Rows) -> dict[str, Any]:
    rows.need("item_id", "queue", "channel", "opened_at")
    out = rows.columns()
    rows.close(out["first_response_at"] < out["opened_at"], "first_response_at is before opened_at")
    rows.close(out["closed_at"] < out["opened_at"], "closed_at is before opened_at")
    return out


def _staff(rows: Rows) -> dict[str, Any]:
    rows.need("agent", "joined_at")
    out = rows.columns(skip=("voluntary",))
    rows.close(out["left_at"] < out["joined_at"], "left_at is before joined_at")
    if "voluntary" in rows.theirs:
        flags = rows.flags("voluntary")
        gone = (out["left_at"].notna() & flags.isna()).to_numpy()
        rows.account.note("voluntary is not told of one who left: taken as no", int((gone & rows.open).sum()))
        out["voluntary"] = flags.fillna(False).astype("bool")
    return out


def _absences(rows: Rows) -> dict[str, Any]:
    rows.need("agent", "started_at", "scheduled_s", "absent_s")
    out = rows.columns()
    rows.close(out["absent_s"] > out["scheduled_s"], "absent_s is above scheduled_s")
    return out


def _figures(rows: Rows) -> dict[str, Any]:
    rows.need("metric", "period_start", "numerator")
    out = rows.columns(skip=("denominator",))
    if "denominator" in rows.theirs:
        out["denominator"] = rows.numbers("denominator")
        rows.close(out["denominator"].isna(), "denominator is blank")
        rows.close(out["denominator"] < 0, "denominator is negative")
    else:
        out["denominator"] = pd.Series(np.ones(len(rows.open)))
        rows.account.note("no column denominator: figures are taken as they are", len(rows.open))
    return out


KINDS = {
    "surveys": Kind(SURVEYS, _surveys, besides=(*_WIDE, "invited")),
    "complaints": Kind(COMPLAINTS, _complaints),
    "evaluations": Kind(EVALUATIONS, _evaluations),
    "items": Kind(ITEMS, _items),
    "staff": Kind(STAFF, _staff),
    "absences": Kind(ABSENCES, _absences),
    "figures": Kind(FIGURES, _figures),
}
