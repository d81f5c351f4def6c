"""How a number, a share and a moment are written in a language: decimal sign, grouping, place of the percent sign, order of a date.

German, Spanish (of Spain) and Turkish have a decimal comma and group thousands with a point; Turkish writes the percent sign first. Months
and weeks keep their ISO form everywhere, so that periods of reports in two languages can be laid side by side.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from ccstats.labels.words import book_of

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["moment_text", "number_text", "share_text"]

_FORMAT_OF_PERIOD = {
    "interval": "minute",
    "hour": "minute",
    "day": "day",
    "week": "week",
    "month": "month",
    "quarter": "month",
    "year": "year",
}


def _formats(lang: str) -> dict[str, str]:
    return cast("dict[str, str]", book_of(lang)["formats"])


def number_text(value: float, *, digits: int = 0, lang: str = "en") -> str:
    """A number, rounded and grouped.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Decimal places.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        A dash for NaN; ``inf`` in English and ``∞`` elsewhere for what is infinite.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> [cc.labels.number_text(1234.56, digits=1, lang=lang) for lang in ("en", "de", "es", "tr")]
    ['1,234.6', '1.234,6', '1.234,6', '1.234,6']
    """
    formats = _formats(lang)
    if math.isnan(value):
        return "–"
    text = f"{value:,.{digits}f}"
    if math.isinf(value):
        return text if lang == "en" else text.replace("inf", "∞")
    return text.translate(str.maketrans(",.", formats["group"] + formats["decimal"]))


def share_text(value: float, *, digits: int = 1, lang: str = "en") -> str:
    """A share as percent.

    Parameters
    ----------
    value : float
        The share. [0-1]
    digits : int
        Decimal places of the percentage.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        A dash for NaN.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> [cc.labels.share_text(0.8, lang=lang) for lang in ("en", "de", "es", "tr")]
    ['80.0 %', '80,0 %', '80,0 %', '%80,0']
    """
    number = number_text(100 * value, digits=digits, lang=lang)
    if number == "–":
        return number
    sign = "-" if number.startswith("-") else ""
    return sign + _formats(lang)["percent"].format(number=number.removeprefix("-"))


def moment_text(instant: datetime, *, period: str | None = None, lang: str = "en") -> str:
    """An instant, or the start of a period, in the zone it carries.

    Parameters
    ----------
    instant : datetime or pandas.Timestamp
        The moment.
    period : str, optional
        ``interval, hour, day, week, month, quarter`` or ``year``, of which it is the start; otherwise it is written to the second.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> import ccstats as cc
    >>> day = datetime(2025, 3, 1, tzinfo=timezone.utc)
    >>> [cc.labels.moment_text(day, period="day", lang=lang) for lang in ("en", "de", "es", "tr")]
    ['2025-03-01', '01.03.2025', '01/03/2025', '01.03.2025']
    >>> cc.labels.moment_text(day, period="month", lang="tr")
    '2025-03'
    """
    return instant.strftime(_formats(lang)[_FORMAT_OF_PERIOD.get(period or "", "instant")])
