"""An agreement in words: what was bought, when it is open, and each target with what it is measured by and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccstats.agreement.money import Step
from ccstats.metrics import METRICS

if TYPE_CHECKING:
    from ccstats.agreement.contract import Agreement
    from ccstats.agreement.hours import OpeningHours
    from ccstats.agreement.targets import Target

__all__ = ["describe_agreement", "describe_target"]

_OPS = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than", "between": "between"}
_CLOCKS = {
    "queued": "joining the queue",
    "arrived": "arriving on the platform",
    "human_option": "choosing to speak to a person",
    "first_ring": "the first answer of the line",
}
_CONFIDENCE = {"A": "A, official text or a copy of it", "B": "B, several who agree", "C": "C, one secondary source or the press"}
_SIDES = {"below": "below {}", "at_most": "up to {}", "above": "above {}", "at_least": "from {} on"}


def describe_agreement(agreement: Agreement) -> str:
    """The whole agreement in words.

    Parameters
    ----------
    agreement : Agreement
        Any.

    Returns
    -------
    str
        Several lines.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> print(describe_agreement(Agreement(client="A", name="B", timezone="UTC")).splitlines()[0])
    B, with A
    """
    bought = agreement.service_level
    lines = [f"{agreement.name}, with {agreement.client}"]
    if agreement.valid_from or agreement.valid_until:
        lines.append(f"valid from {agreement.valid_from or 'the beginning'} until {agreement.valid_until or 'further notice'}")
    lines.append(f"days and hours in {agreement.timezone}" + (f", money in {agreement.currency}" if agreement.currency else ""))
    short = "no rule for short abandons" if bought.short_s is None else f"abandons up to {bought.short_s:g} s are short"
    lines.append(
        f"service level: {METRICS[bought.definition].title} ({bought.definition} = {METRICS[bought.definition].formula}), "
        f"wait {'up to' if bought.inclusive else 'under'} {bought.threshold_s:g} s from {_CLOCKS[bought.clock]}, {short}, "
        f"booked where {bought.attribute_by}"
    )
    if agreement.working_days:
        lines.append(f"working days: {_hours(agreement.calendars[agreement.working_days])}")
    lines += [agreement.note] if agreement.note else []
    lines += ["", "Queues" if agreement.queues else "Queues: all of the log"]
    for queue, terms in agreement.queues.items():
        within = f"{agreement.threshold_of(queue):g} s"
        lines.append(f"  {queue} ({terms.channel}): within {within}, open {_hours(agreement.hours_of(queue))}")
    lines += ["", f"Targets: {len(agreement.targets) or 'none'}"]
    for target in agreement.targets:
        lines += describe_target(agreement, target)
    return "\n".join(lines)


def describe_target(agreement: Agreement, target: Target) -> list[str]:
    """One target in words: what it asks for, how it is measured, who says so, and what it is worth.

    Parameters
    ----------
    agreement : Agreement
        Whose defaults fill in what the target leaves open.
    target : Target
        One of its targets.

    Returns
    -------
    list of str
        The first line says what is asked for.

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> agreement = Agreement.preset("std_80_20")
    >>> print(describe_target(agreement, agreement.targets[0])[0])
      80_20: Service level - of all offered, within 20 s: at least 80 %, period by period
    """
    lines = [f"  {target.name}: {_what(agreement, target)}: {_asked(target)}, {_by(target)}"]
    if target.lacks:
        lines.append(f"    not decidable as it is written: {target.lacks}")
    if _against(agreement.definition_of(target), target.op):
        better = "less" if target.op in (">=", ">") else "more"
        lines.append(f"    look again: of this metric {better} is better, and the target asks for the opposite")
    for label, text in (("measured", _how(agreement, target)), ("worth", _worth(agreement, target)), ("source", _source(target))):
        lines += [f"    {label}: {text}"] if text else []
    return [*lines, f"    note: {target.note}"] if target.note else lines


def _what(agreement: Agreement, target: Target) -> str:
    name = agreement.definition_of(target)
    title = METRICS[name].title if name in METRICS else name
    if target.statistic == "share_within":
        if target.threshold_s is not None:
            return f"{title}, within {target.threshold_s:g} s"
        own = sorted({agreement.threshold_of(queue) for queue in agreement.queues_of(target)}) or [agreement.service_level.threshold_s]
        return f"{title}, within {' or '.join(f'{each:g}' for each in own)} s"
    if target.statistic == "quantile" and name in METRICS and METRICS[name].kind != "quantile":
        return f"{title}, quantile at {target.probability:g}"
    if target.statistic == "mean" and target.probability is not None:
        return f"{title}, over the {100 * target.probability:g} % with the shortest times"
    return f"{title}, longest" if target.statistic == "max" and name in METRICS and METRICS[name].kind != "max" else title


def _against(metric: str, op: str) -> bool:
    """Whether a target asks for what is worse, which is mostly a sign turned round."""
    worse = {"lower_is_better": (">=", ">"), "higher_is_better": ("<=", "<")}
    return metric in METRICS and op in worse.get(METRICS[metric].direction, ())


def _asked(target: Target) -> str:
    if target.value is None:
        return "no value agreed"
    ends = target.value if isinstance(target.value, tuple) else (target.value,)
    return f"{_OPS[target.op]} {' and '.join(_shown(each, target.unit) for each in ends)}"


def _shown(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{100 * value:.10g} %"
    return f"{value:.10g}" + ("" if unit in ("count", "score", "0..100") else f" {unit}")


def _how(agreement: Agreement, target: Target) -> str:
    parts = []
    if target.applies_to:
        parts.append(f"only {target.applies_to}")
    if target.queues:
        parts.append(f"queues {', '.join(target.queues)}")
    if target.channels:
        parts.append(f"channels {', '.join(target.channels)}")
    parts.append("each queue apart" if target.by_queue else "all queues together")
    if agreement.clock_of(target) != "queued":
        parts.append(f"the clock starts with {_CLOCKS[agreement.clock_of(target)]}")
    for rule in target.threshold_rules:
        days = list(rule.days) + ["working days beside holidays"] * rule.holiday_neighbours
        days += [f"the working day no. {rule.working_day_of_month} of the month"] if rule.working_day_of_month else []
        parts.append(f"within {rule.threshold_s:g} s on {', '.join(days)}")
    if target.limit is not None:
        unit = {"elapsed": "s", "working_hours": "s of working time", "working_days": "working days"}[target.calendar]
        parts.append(f"on time is up to {target.limit:g} {unit}" + (f" ({target.limit / 86400:g} days)" if unit == "s" else ""))
    if target.k is not None:
        parts.append(f"kept if met in at least {target.k} of {target.n} {target.period or 'period'}s")
    if target.margin_adjusted:
        parts.append(f"met unless the {100 * target.confidence_level:g} % confidence limit misses it too")
    parts += [f"without {each.start} to {each.end} ({each.reason})" for each in target.exclude]
    return "; ".join(parts)


def _worth(agreement: Agreement, target: Target) -> str:
    return "; ".join(_step(step, target.unit, agreement.currency or "") for step in target.money)


def _step(step: Step, unit: str, currency: str) -> str:
    edge, amount = _shown(step.edge, unit), f"{step.amount:+,.10g} {currency}"
    if step.per is None:
        return f"{amount} {_SIDES[step.when or 'below'].format(edge)}"
    each = {"complete": "every full", "started": "every started", "pro_rata": "every"}[step.rounding]
    per = f"{100 * step.per:.10g} percentage points" if unit == "ratio" else _shown(step.per, unit)
    cap = f", at most {step.cap:+,.10g} {currency}" if step.cap is not None else ""
    return f"{amount} for {each} {per} {step.when} {edge}{cap}"


def _source(target: Target) -> str:
    if not target.source:
        return ""
    as_of = f"; as of {target.as_of}" if target.as_of else ""
    return f"{target.source}{as_of}" + (f"; confidence {_CONFIDENCE[target.confidence]}" if target.confidence else "")


def _hours(hours: OpeningHours | None) -> str:
    if hours is None or hours.always:
        return "always"
    week = "; ".join(f"{days} {', '.join(spans) or 'closed'}" for days, spans in hours.hours.items())
    holidays = f"; closed on holidays of {hours.holidays}" if hours.holidays else ""
    return week + holidays + (f"; {len(hours.exceptions)} days differ" if hours.exceptions else "")


def _by(target: Target) -> str:
    return f"{target.period} by {target.period}" if target.period else "period by period"
