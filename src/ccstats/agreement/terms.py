"""The terms of an agreement beside its targets: the service level bought, what differs by queue, how targets are weighed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from ccstats.agreement.hours import OpeningHours
from ccstats.agreement.words import Flag, Model, Number, Refusal
from ccstats.errors import did_you_mean
from ccstats.metrics import SERVICE_LEVELS

__all__ = ["Index", "QueueTerms", "ServiceLevel"]


class ServiceLevel(Model):
    """The service level that was bought, and where its contacts are booked.

    Parameters
    ----------
    definition : str
        One of the nine service levels.
    threshold_s : float
        A wait up to this is in time. [s]
    short_s : float, optional
        Abandons up to this are short; without one there is no such rule. [s]
    inclusive : bool
        Whether a wait of just ``threshold_s`` is in time.
    attribute_by : str
        ``queued``, ``left``, ``ended`` or ``event``, as for `to_intervals`.
    clock : str
        Where the wait begins: ``queued`` or ``arrived``.

    Examples
    --------
    >>> ServiceLevel(threshold_s=30).definition
    'service_level'
    """

    definition: str = "service_level"
    threshold_s: Number = Field(default=20.0, gt=0)
    short_s: Number | None = Field(default=None, ge=0)
    inclusive: Flag = True
    attribute_by: Literal["queued", "left", "ended", "event"] = "queued"
    clock: Literal["queued", "arrived"] = "queued"

    @field_validator("definition")
    @classmethod
    def _one_of_nine(cls, name: str) -> str:
        if name not in SERVICE_LEVELS:
            hint = did_you_mean(name, SERVICE_LEVELS)
            raise Refusal(f"{name!r} is none of the nine service levels: {', '.join(SERVICE_LEVELS)}.{hint}")
        return name


class QueueTerms(Model):
    """What was agreed for one queue, where it differs from the rest.

    Parameters
    ----------
    channel : str
        What comes through it: ``voice``, ``chat``, ``email``, …
    threshold_s, short_s : float, optional
        By default those of the service level bought. [s]
    hours : str or OpeningHours, optional
        Name of one of the agreement's calendars, or hours of its own; by default those of the agreement.
    weight : float
        In figures over several queues where the agreement weighs them, and not by contacts.

    Examples
    --------
    >>> QueueTerms(threshold_s=10, hours="office").channel
    'voice'
    """

    channel: str = "voice"
    threshold_s: Number | None = Field(default=None, gt=0)
    short_s: Number | None = Field(default=None, ge=0)
    hours: str | OpeningHours | None = None
    weight: Number = Field(default=1.0, ge=0)


class Index(Model):
    """How the targets are weighed into one figure.

    Parameters
    ----------
    weights : dict of str to float
        By name of the target; one that is not named keeps the weight it has.

    Examples
    --------
    >>> Index(weights={"80/20": 3}).weights
    {'80/20': 3.0}
    """

    weights: dict[str, Number] = {}

    @field_validator("weights")
    @classmethod
    def _not_negative(cls, weights: dict[str, float]) -> dict[str, float]:
        for name, weight in weights.items():
            if weight < 0:
                raise Refusal(f"weight {weight:g} of {name!r} is negative", name)
        return weights
