"""What a figure is worth: bonus and malus in money, as steps that cannot overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from ccstats.agreement.words import Model, Number, Refusal

__all__ = ["Step", "check_steps", "money_of"]

_LOWER = ("below", "at_most")
#: A measured share is a quotient: eight points that came out as 7.999999999 are eight.
_ALMOST = 1e-9


class Step(Model):
    """One rule: a fixed amount beyond a value, or an amount for each so much beyond it.

    Parameters
    ----------
    when : str, optional
        ``below``, ``at_most``, ``above`` or ``at_least``; of an amount per so much ``below`` or ``above``, by default the side that is bad
        for the target where ``amount`` is negative, and good where it is positive.
    value : float, optional
        The value beyond which a fixed ``amount`` is due. [unit of the metric]
    from : float, optional
        The value from which ``per`` counts; in Python also ``start``. [unit of the metric]
    per : float, optional
        ``amount`` is due for each so much beyond ``from``. [unit of the metric]
    amount : float
        Bonus if positive, malus if negative. [currency of the agreement]
    cap : float, optional
        The most that comes together, with the sign of ``amount``. [currency of the agreement]
    rounding : str
        ``complete``: only a complete ``per`` counts; ``started``: each that has begun; ``pro_rata``: parts of it in proportion.

    Raises
    ------
    pydantic.ValidationError
        If it is neither the one nor the other kind, or ``cap`` has the other sign.

    Examples
    --------
    >>> Step(when="below", value=0.78, amount=-500.0).amount
    -500.0
    """

    amount: Number
    when: Literal["below", "at_most", "above", "at_least"] | None = None
    value: Number | None = None
    start: Number | None = Field(default=None, alias="from")
    per: Number | None = Field(default=None, gt=0)
    cap: Number | None = None
    rounding: Literal["complete", "started", "pro_rata"] = "complete"

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        if self.amount == 0:
            raise Refusal("amount = 0 changes nothing; leave the step out", "amount")
        if self.per is None:
            for key, given in (("from", self.start), ("cap", self.cap)):
                if given is not None:
                    raise Refusal(f"{key} belongs to an amount per so much: add per, such as per = 0.01", key)
            if self.value is None or self.when is None:
                raise Refusal(
                    "a step is either a fixed amount {when = 'below', value = 0.78, amount = -500} or one per so much "
                    "{per = 0.01, from = 0.80, amount = -100, cap = -1000}"
                )
            return self
        if self.value is not None:
            raise Refusal("an amount per so much begins at 'from', not at 'value'", "value")
        if self.start is None:
            raise Refusal(f"per = {self.per:g} of what? Add from, the value where counting begins", "per")
        if self.when in ("at_most", "at_least"):
            raise Refusal(f"when = {self.when!r}: an amount per so much counts 'below' or 'above' the value 'from'", "when")
        if self.cap is not None and (self.cap == 0 or math.copysign(1, self.cap) != math.copysign(1, self.amount)):
            raise Refusal(f"cap = {self.cap:g} must have the sign of amount = {self.amount:g}", "cap")
        return self

    @property
    def edge(self) -> float:
        """The value beyond which it applies.

        Examples
        --------
        >>> Step(per=0.01, amount=-100, when="below", start=0.8).edge
        0.8
        """
        found = self.value if self.per is None else self.start
        assert found is not None
        return found

    @property
    def is_lower(self) -> bool:
        """Whether it applies below its edge.

        Examples
        --------
        >>> Step(when="at_least", value=0.9, amount=500).is_lower
        False
        """
        return self.when in _LOWER

    def applies(self, value: float) -> bool:
        """Whether a measured value lies on its side.

        Parameters
        ----------
        value : float
            [unit of the metric]

        Returns
        -------
        bool

        Examples
        --------
        >>> Step(when="at_least", value=0.9, amount=500).applies(0.9)
        True
        """
        if self.is_lower:
            return value < self.edge or (self.when == "at_most" and value == self.edge)
        return value > self.edge or (self.when == "at_least" and value == self.edge)

    def due(self, value: float) -> float:
        """What is due for a measured value: 0 where the step does not apply.

        Parameters
        ----------
        value : float
            [unit of the metric]

        Returns
        -------
        float
            [currency of the agreement]

        Examples
        --------
        >>> Step(per=0.01, amount=-100, when="below", start=0.8, cap=-250).due(0.765)
        -250.0
        """
        if not self.applies(value):
            return 0.0
        if self.per is None:
            return self.amount
        units = abs(value - self.edge) / self.per
        if self.rounding == "complete":
            units = math.floor(units + _ALMOST)
        elif self.rounding == "started":
            units = math.ceil(units - _ALMOST)
        total = self.amount * units
        if self.cap is not None:
            total = max(total, self.cap) if self.cap < 0 else min(total, self.cap)
        return float(total)


def check_steps(steps: Sequence[Step], *, op: str) -> tuple[Step, ...]:
    """The steps of one target with every side filled in, if for each value it is clear what is due.

    Parameters
    ----------
    steps : sequence of Step
        In any order.
    op : str
        How the target compares: ``>=``, ``>``, ``<=``, ``<`` or ``between``.

    Returns
    -------
    tuple of Step

    Raises
    ------
    Refusal
        If two steps apply to one value and neither reaches further out, if fixed amounts and an amount per so much stand on one side, or
        if a side is neither given nor follows from ``op``.

    Examples
    --------
    >>> check_steps([Step(per=0.01, amount=-100, start=0.8)], op=">=")[0].when
    'below'
    """
    filled = tuple(_with_side(step, op, at) for at, step in enumerate(steps))
    for lower in (True, False):
        side = [(at, step) for at, step in enumerate(filled) if step.is_lower == lower]
        where = "below" if lower else "above"
        if len(side) > 1 and any(step.per is not None for _, step in side):
            at = next(at for at, step in side if step.per is not None)
            raise Refusal(f"an amount per so much stands alone on its side; {where} there are {len(side)} steps", "money", at)
        seen: dict[float, int] = {}
        for at, step in side:
            if step.edge in seen:
                raise Refusal(
                    f"two steps begin at {step.edge:g} {where} it (money[{seen[step.edge] + 1}] and money[{at + 1}]): say once what is due",
                    "money",
                    at,
                )
            seen[step.edge] = at
    lows = [(step.edge, step.when == "at_most", at) for at, step in enumerate(filled) if step.is_lower]
    highs = [(step.edge, step.when == "at_least", at) for at, step in enumerate(filled) if not step.is_lower]
    for low, with_low, at in lows:
        for high, with_high, other in highs:
            if low > high or (low == high and with_low and with_high):
                raise Refusal(
                    f"money[{at + 1}] ({filled[at].when} {low:g}) and money[{other + 1}] ({filled[other].when} {high:g}) overlap: "
                    "a value between would fall under both",
                    "money",
                    max(at, other),
                )
    return filled


def _with_side(step: Step, op: str, at: int) -> Step:
    if step.when is not None:
        return step
    if op == "between":
        raise Refusal("of a target between two values, an amount per so much must say when = 'below' or 'above'", "money", at)
    bad_is_below = op in (">=", ">")
    return step.model_copy(update={"when": "below" if bad_is_below == (step.amount < 0) else "above"})


def money_of(steps: Sequence[Step], value: float) -> float:
    """What all steps of a target make of one measured value.

    Parameters
    ----------
    steps : sequence of Step
        As `check_steps` returns them.
    value : float
        [unit of the metric]

    Returns
    -------
    float
        Of several fixed amounts that apply, the one that begins furthest out counts, alone. 0 where no step applies; NaN without any
        step, or where nothing was measured. [currency of the agreement]

    Examples
    --------
    >>> tiers = [Step(when="below", value=0.80, amount=-200), Step(when="below", value=0.75, amount=-500)]
    >>> money_of(tiers, 0.78), money_of(tiers, 0.70), money_of(tiers, 0.80)
    (-200.0, -500.0, 0.0)
    """
    if not steps or math.isnan(value):
        return math.nan
    applying = [step for step in steps if step.applies(value)]
    if not applying:
        return 0.0
    furthest = min(applying, key=lambda step: step.edge) if applying[0].is_lower else max(applying, key=lambda step: step.edge)
    return furthest.due(value)
