"""What a synthetic centre is asked for: its queues, and the deviations planted in them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ccstats.errors import OptionError

__all__ = ["QUEUES", "Planted", "QueueSpec"]


@dataclass(frozen=True)
class QueueSpec:
    """One queue of a synthetic centre: its true parameters.

    Parameters
    ----------
    name : str
        The queue.
    contacts_per_day : float
        First visits expected on a mean weekday (Monday to Friday), transfers from other queues not counted. [contacts]
    aht_s : float
        Mean handle time: talk, hold and wrap-up. Lognormal. [s]
    handle_cv : float
        Standard deviation of the handle time over its mean.
    wrap_s : float
        Mean wrap-up, part of ``aht_s``; at most half of it. [s]
    hold_share : float
        Share of the answered who are put on hold once, for 10 to 50 % of the conversation.
    patience_s : float
        Mean patience. Exponential. [s]
    key_s : float
        Mean time until a caller presses the key that leads out of the queue. Exponential. [s]
    max_wait_s : float
        After this the queue lets the caller go. [s]
    opens, closes : str
        Opening hours, local: whole half-hours. ``"00:00"`` and ``"24:00"`` for round the clock.
    weekdays : tuple of float
        How busy Monday … Sunday are, relative to each other; 0 is closed.
    holiday_factor : float
        Share of the usual volume that comes on a public holiday; 0 is closed.
    day_cv : float
        Standard deviation of the day factor (gamma, mean 1) by which whole days are busier than expected: over-dispersion.
    safety : float
        Safety of the square-root staffing rule, agents = load + safety × √load.
    transfer_to, transfer_share : str or None, float
        Where agents send contacts on (a queue later in the list, or a place outside), and what share.
    missed_ring_share : float
        Chance that an agent misses a ring; after 15 s it rings again.
    redial_share : float
        Share of those who did not get through who call again, after some 15 minutes.
    repeat_share : float
        Share of the answered who call again, after some two days.
    channel : str
        Channel of the contacts.

    Examples
    --------
    >>> QueueSpec("sales", 900, aht_s=240.0).patience_s
    180.0
    """

    name: str
    contacts_per_day: float
    aht_s: float = 240.0
    handle_cv: float = 0.9
    wrap_s: float = 30.0
    hold_share: float = 0.15
    patience_s: float = 180.0
    key_s: float = 3600.0
    max_wait_s: float = 900.0
    opens: str = "08:00"
    closes: str = "20:00"
    weekdays: tuple[float, ...] = (1.15, 1.05, 0.98, 0.92, 0.90, 0.40, 0.0)
    holiday_factor: float = 0.15
    day_cv: float = 0.08
    safety: float = 0.6
    transfer_to: str | None = None
    transfer_share: float = 0.0
    missed_ring_share: float = 0.03
    redial_share: float = 0.4
    repeat_share: float = 0.08
    channel: str = "voice"

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, (int, float)) and not value >= 0:
                raise OptionError(f"queue {self.name!r}: {each.name}={value!r} must not be negative")
            if each.name.endswith(("_share", "_factor")) and value > 1:
                raise OptionError(f"queue {self.name!r}: {each.name}={value!r} is a share, at most 1")
        if not self.aht_s > 0 or self.wrap_s > self.aht_s / 2:
            raise OptionError(f"queue {self.name!r}: aht_s={self.aht_s!r} must be positive and wrap_s={self.wrap_s!r} at most half of it")
        if len(self.weekdays) != 7 or min(self.weekdays) < 0 or sum(self.weekdays[:5]) <= 0:
            raise OptionError(f"queue {self.name!r}: weekdays={self.weekdays!r} must be seven weights, Monday first, some weekday above 0")


@dataclass(frozen=True)
class Planted:
    """A deviation that is put in on purpose, so that finding it can be tested.

    Parameters
    ----------
    kind : str
        ``"volume"`` (contacts × factor), ``"aht"`` (handle times × factor), ``"staff"`` (share of the agents who come) or
        ``"outage"`` (a restart at ``start`` loses all open contacts, and nothing runs until ``end``).
    start, end : str
        Local times. A half-hour is affected when it begins in [start, end).
    factor : float
        What to multiply with; 0 for an outage.
    queue : str, optional
        The queue; by default all.

    Examples
    --------
    >>> Planted("volume", "2025-01-15", "2025-01-16", factor=1.5).queue is None
    True
    """

    kind: str
    start: str
    end: str
    factor: float = 0.0
    queue: str | None = None

    def __post_init__(self) -> None:
        most = {"volume": np.inf, "aht": np.inf, "staff": 1.0, "outage": 0.0}
        if self.kind not in most:
            raise OptionError(f"kind={self.kind!r} is not known; plant one of {', '.join(most)}")
        if not 0 <= self.factor <= most[self.kind] or (self.kind == "aht" and self.factor == 0):
            raise OptionError(
                f"factor={self.factor!r} does not fit {self.kind!r}: staff is a share, an outage has 0, handle times stay positive"
            )


#: Three queues, of which the first two send contacts on.
QUEUES = (
    QueueSpec("sales", 700, aht_s=240.0, transfer_to="support", transfer_share=0.05),
    QueueSpec("support", 450, aht_s=360.0, wrap_s=60.0, patience_s=240.0, transfer_to="complaints", transfer_share=0.03),
    QueueSpec("complaints", 120, aht_s=480.0, wrap_s=90.0, patience_s=300.0, closes="18:00", weekdays=(1.2, 1.0, 1.0, 0.9, 0.9, 0.0, 0.0)),
)
