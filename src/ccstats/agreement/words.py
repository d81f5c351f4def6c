"""What the models of an agreement share: strictness, the words they allow, and refusals that know their key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Strict

from ccstats.errors import did_you_mean
from ccstats.metrics import METRICS, NOT_OFFERED

__all__ = ["DAYS", "Clock", "Flag", "Model", "Number", "Refusal", "Whole", "check_metric", "known_metrics", "unit_of"]

#: Days as an agreement writes them, Monday first.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: Where a wait begins: in the queue, on the platform, when the caller chose (or was offered) a human, when the line was first answered.
Clock = Literal["queued", "arrived", "human_option", "first_ring"]

#: Numbers, whole numbers and yes or no as they are: no text that looks like one, no truth value that counts as 1.
Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]

#: Units of what is listed as not offered, where it is no share.
_UNITS = {"staffing_variance": "FTE", "workload_erlang": "erlang"}


class Model(BaseModel):
    """A part of an agreement: unknown keys are refused, and once made it does not change.

    Examples
    --------
    >>> Model.model_config["extra"], Model.model_config["frozen"]
    ('forbid', True)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False, str_strip_whitespace=True)


class Refusal(ValueError):
    """A value is refused, and ``path`` says under which key of its model it stands.

    Examples
    --------
    >>> Refusal("k is greater than n", "k").path
    ('k',)
    """

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


def known_metrics() -> tuple[str, ...]:
    """Every name that a target can have: what the registry computes, and what it lists as not offered.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> {"service_level", "nps"} <= set(known_metrics())
    True
    """
    return (*METRICS, *NOT_OFFERED)


def check_metric(name: str) -> str:
    """The name, if there is such a metric.

    Parameters
    ----------
    name : str
        A name of the registry.

    Returns
    -------
    str

    Raises
    ------
    Refusal
        If there is none; the text proposes the nearest names.

    Examples
    --------
    >>> check_metric("service_level")
    'service_level'
    """
    known = known_metrics()
    if name not in known:
        hint = did_you_mean(name, known)
        raise Refusal(f"there is no metric {name!r}.{hint} The page on tables, columns and metrics lists them all")
    return name


def unit_of(metric: str) -> str:
    """The unit in which a metric is measured; shares are ``ratio``, 0-1.

    Parameters
    ----------
    metric : str
        A known name.

    Returns
    -------
    str

    Examples
    --------
    >>> unit_of("asa_s"), unit_of("csat_top2"), unit_of("nps")
    ('s', 'ratio', 'points')
    """
    unit = METRICS[metric].unit if metric in METRICS else _UNITS.get(metric, "ratio")
    return unit.split(" (")[0]  # "s (or working days)": the limit says which, the time is in seconds
