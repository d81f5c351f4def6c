"""Sentences that stand in our tables in English, said in another language: found again by the words they were made with.

Reasons are data, and data is written once; this is how people read them in their own language.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ccstats.errors import OptionError, did_you_mean
from ccstats.labels.numbers import number_text, share_text
from ccstats.labels.words import book_of, check_language, metric_title, table_title, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.schema import TABLES

__all__ = ["reason", "translate"]

#: Between the sentences of one cell.
_BETWEEN = "; "
_NUMBER = re.compile(r"(-?\d+(?:\.(\d+))?)( ?%)?")


def reason(key: str, /, **values: Any) -> str:
    """A sentence that says why, as it stands in a table: in English, since data is written once.

    Parameters
    ----------
    key : str
        Which one: a key under ``[reasons]`` of the files of labels.
    **values
        What stands for its placeholders.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        If there is no such sentence.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.reason("days_covered", days=6, all=28)
    'the data cover 6 of 28 days'
    """
    known = book_of("en")["reasons"]
    if key not in known:
        raise OptionError(f"there is no reason {key!r}.{did_you_mean(key, known)}")
    return str(known[key]).format(**values)


def translate(text: str, lang: str = "en") -> str:
    """What a reason in a table of ours says, in a language.

    Parameters
    ----------
    text : str
        What a table says in English, such as ``verdict_reason`` of `kpis`: one or several sentences with a semicolon between.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        The same sentences, with numbers as the language writes them; one that is not among the labels stays as it is.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.translate("the data cover 6 of 28 days", "de")
    'die Daten decken 6 von 28 Tagen ab'
    >>> cc.labels.translate("the interval 0.72 to 0.88 holds the target: too few cases to tell", "tr")
    '0,72 – 0,88 aralığı hedefi içeriyor: karar için kayıt sayısı az'
    """
    if check_language(lang) == "en" or not text:
        return text
    whole = _one(text, lang)
    if whole is not None:
        return whole
    # A sentence may hold a semicolon of its own: the longest beginning that is one is taken, then the rest.
    pieces = text.split(_BETWEEN)
    for count in range(len(pieces) - 1, 0, -1):
        first = _one(_BETWEEN.join(pieces[:count]), lang)
        if first is not None or count == 1:
            return f"{pieces[0] if first is None else first}{_BETWEEN}{translate(_BETWEEN.join(pieces[count:]), lang)}"
    return text


def _one(sentence: str, lang: str) -> str | None:
    """One sentence, if it is one of ours."""
    for section, key, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            values = {name: _value(name, value, lang) for name, value in found.groupdict().items()}
            return str(book_of(lang)[section][key]).format(**values)
    return None


def _value(name: str, text: str, lang: str) -> str:
    """What stands in a placeholder: a sentence, a metric, a table, a number or a word of ours, or the data's own."""
    if name == "reason":
        return translate(text, lang)
    if name == "metric" and text in METRICS:
        return metric_title(text, lang)
    if name == "table" and text in TABLES:
        return table_title(text, lang)
    if number := _NUMBER.fullmatch(text):
        value, digits = float(number[1]), len(number[2] or "")
        return share_text(value / 100, digits=digits, lang=lang) if number[3] else number_text(value, digits=digits, lang=lang)
    return vocabulary_word(text, name, lang)


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """By section and key, what matches a sentence in English; those with most words of their own first."""
    made = []
    for section in ("reasons", "phrases"):
        for key, template in book_of("en")[section].items():
            parts = re.split(r"\{(\w+)\}", str(template))
            own = "".join(parts[::2])
            if sum(letter.isalpha() for letter in own) > 3:
                held = (
                    re.escape(part) if at % 2 == 0 else f"(?P<{part}>{'.' if part == 'reason' else '[^;]'}+?)"
                    for at, part in enumerate(parts)
                )
                made.append((len(own), section, key, re.compile("".join(held))))
    return tuple((section, key, pattern) for _, section, key, pattern in sorted(made, key=lambda each: -each[0]))
