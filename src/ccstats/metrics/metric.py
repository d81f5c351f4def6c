"""What a metric is: its formula as data, with unit, direction, clause of EN 15838, source, and the function that makes it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HIGHER", "LOWER", "NEUTRAL", "Metric", "Term"]

#: A sign (+1 or -1) and a column.
Term = tuple[int, str]


#: Which way a metric is better.
HIGHER, LOWER, NEUTRAL = "higher_is_better", "lower_is_better", "neutral"


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, how it is computed, and who says so.

    Parameters
    ----------
    name : str
        Column name.
    title : str
        What people call it.
    kind : str
        ``count, sum, ratio, mean, quantile`` or ``max`` of columns of ``table``; ``computed`` where it takes more than that.
    table : str
        The table whose columns it is made of.
    numerator, denominator : tuple of (sign, column)
        Added up with their signs; without a denominator the numerator is the metric.
    formula : str
        The same, to read.
    unit : str
        ``count``, ``ratio`` (0-1), ``s``, ``1/h``, ``points``, ``score``, ….
    direction : str
        ``higher_is_better``, ``lower_is_better`` or ``neutral``.
    clause : str
        Clause of EN 15838 it serves.
    source : str
        Codes of the source list, or the words ``trade convention`` and ``this project``.
    scale : float
        Factor on the quotient, such as 3600 for "per hour".
    parts : tuple of str
        Metrics it is the sum of, over those that are known.
    probability : float, optional
        Of a quantile. [0-1]
    function : str
        The function of the package that makes it.
    shown_as : str
        The column of that function's table, where it has another name there.
    inputs : tuple of str
        Of what is computed: the columns of ``table`` it is made of.

    Examples
    --------
    >>> import ccstats as cc
    >>> metric = cc.metrics.METRICS["service_level"]
    >>> metric.numerator, metric.denominator
    (((1, 'answered_within'),), ((1, 'offered'), (-1, 'open')))
    """

    name: str
    title: str
    kind: str
    table: str
    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...]
    formula: str
    unit: str
    direction: str
    clause: str
    source: str
    scale: float = 1.0
    parts: tuple[str, ...] = ()
    probability: float | None = None
    function: str = "measure_service"
    shown_as: str = ""
    inputs: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The column it stands in, in the table that ``function`` makes.

        Examples
        --------
        >>> from ccstats.metrics import METRICS
        >>> METRICS["asa_s"].column, METRICS["system_availability"].column
        ('asa_s', 'availability')
        """
        return self.shown_as or self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of ``table`` it is made of, each once.

        Examples
        --------
        >>> from ccstats.metrics import METRICS
        >>> METRICS["sl_answered_only"].columns
        ('answered_within', 'answered')
        """
        if self.inputs:
            return self.inputs
        if self.parts:
            from ccstats.metrics import METRICS

            return tuple(column for part in self.parts for column in METRICS[part].columns)
        return tuple(dict.fromkeys(column for _, column in self.numerator + self.denominator))
