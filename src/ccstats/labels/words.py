"""What a metric, a column, a table, a word in a cell or a sentence of a report is called in a language."""

from __future__ import annotations

import re
import string
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from ccstats.errors import OptionError, did_you_mean
from ccstats.metrics import METRICS

__all__ = [
    "LANGUAGES",
    "book_of",
    "check_language",
    "column_label",
    "metric_title",
    "phrase",
    "table_title",
    "unit_label",
    "vocabulary_word",
]

#: The languages, English first: it is the default everywhere.
LANGUAGES: tuple[str, ...] = ("en", "de", "es", "tr")

_WITHIN = re.compile(r"((?:answered|abandoned)(?:_share)?_within)_(\d+(?:\.\d+)?)s")
_QUANTILE = re.compile(r"((?:abandon_)?wait_p)(\d+(?:\.\d+)?)_s")
_VARIANT = re.compile(r"(.+)_(low|high|se|max|working|p\d+(?:\.\d+)?)(_s)?")
_PATTERN_OF = {"max": "maximum"}


def check_language(lang: str) -> str:
    """The language, if there is one of that name.

    Parameters
    ----------
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        The same.

    Raises
    ------
    OptionError
        If it is none of them.

    Examples
    --------
    >>> check_language("tr")
    'tr'
    """
    if lang not in LANGUAGES:
        near = did_you_mean(lang, LANGUAGES)
        raise OptionError(f"lang={lang!r} is no language of the labels; expected one of: {', '.join(LANGUAGES)}.{near}")
    return lang


@cache
def book_of(lang: str) -> dict[str, dict[str, Any]]:
    """All labels of a language by section, as its file has them; not to be changed.

    Examples
    --------
    >>> book_of("de")["formats"]["decimal"]
    ','
    """
    text = resources.files("ccstats.labels").joinpath(f"{check_language(lang)}.toml").read_text("utf-8")
    return tomllib.loads(text)


def metric_title(name: str, lang: str = "en") -> str:
    """What people call a metric.

    Parameters
    ----------
    name : str
        Name of a metric.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        If there is no such metric, or no such language.

    See Also
    --------
    column_label : The shorter heading of its column.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.metric_title("asa_s", "tr")
    'Ortalama yanıtlama hızı'
    """
    if name not in METRICS:
        raise OptionError(f"there is no metric {name!r}.{did_you_mean(name, METRICS)} All of them: ccstats.metrics.METRICS")
    if check_language(lang) == "en":
        return METRICS[name].title
    return str(book_of(lang)["metrics"][name])


def _made(name: str, lang: str) -> str | None:
    """The label of a column that is known by name or by rule."""
    book = book_of(lang)
    known = book["columns"].get(name) or book["metrics"].get(name)
    if known:
        return str(known)
    if found := _WITHIN.fullmatch(name):
        return str(book["patterns"][found[1]]).format(seconds=found[2])
    if found := _QUANTILE.fullmatch(name):
        return str(book["patterns"][found[1]]).format(percent=found[2])
    if found := _VARIANT.fullmatch(name):
        base, kind, seconds = found[1], found[2], found[3] or ""
        of = _made(base + seconds, lang) or _made(base.removesuffix("_ci") + seconds, lang)
        if of is not None and kind.startswith("p"):
            return str(book["patterns"]["percentile"]).format(label=of, percent=kind[1:])
        return None if of is None else str(book["patterns"][_PATTERN_OF.get(kind, kind)]).format(label=of)
    return None


#: Words of column names that English writes in capitals.
_ABBREVIATIONS = {"acw", "aht", "asa", "att", "ces", "ci", "csat", "fcr", "id", "ivr", "mape", "nps", "qm", "rona", "smape", "utc", "wape"}


def column_label(name: str, lang: str = "en") -> str:
    """The heading of a column, without its unit.

    Parameters
    ----------
    name : str
        Name of a column of ours.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        In English the name in words. Limits (``asa_s_low``) and steps (``answered_within_10s``) are made by rule. A column of the data's
        own keeps its name.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.column_label("abandonment_rate", "de"), cc.labels.column_label("wait_s", "tr")
    ('Abbruchquote', 'Bekleme süresi')
    >>> cc.labels.column_label("asa_s_low"), cc.labels.column_label("asa_s_low", "es")
    ('ASA low', 'Velocidad media de respuesta, límite inferior')
    """
    made = None if check_language(lang) == "en" else _made(name, lang)
    if made is not None:
        return made
    words = re.sub("_s(_low|_high)?$", r"\1", name).split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def table_title(name: str, lang: str = "en") -> str:
    """What a table is called above its rows.

    Parameters
    ----------
    name : str
        Name of a table: of the schema, or of a report.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        In English, and for a table that has no label, the name in words.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.table_title("queue_waits"), cc.labels.table_title("complaints", "tr")
    ('Queue waits', 'Şikâyetler')
    """
    titles = book_of(lang).get("tables", {})
    return str(titles.get(name, name.replace("_", " ").capitalize()))


def vocabulary_word(value: str, column: str, lang: str = "en") -> str:
    """A word in a cell of a column with a closed vocabulary.

    Parameters
    ----------
    value : str
        The word, such as ``not_met``; several joined by ``+`` are taken one by one.
    column : str
        The column it stands in, such as ``verdict``; ``metric`` gives the title of a metric.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    str
        In English the word with blanks; what is no word of ours (a queue, an agent) as it stands.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.vocabulary_word("not_met", "verdict"), cc.labels.vocabulary_word("not_met", "verdict", "es")
    ('not met', 'no cumplido')
    """
    if column == "metric" and value in METRICS:
        return metric_title(value, lang)
    if check_language(lang) == "en":
        known = {word for other in LANGUAGES[1:] for word in book_of(other)["words"].get(column, {})}
        return value.replace("_", " ") if value in known else value
    words = book_of(lang)["words"].get(column, {})
    parts = value.split("+")
    return "+".join(words[part] for part in parts) if all(part in words for part in parts) else value


def unit_label(unit: str, lang: str = "en") -> str:
    """A unit for people.

    Examples
    --------
    >>> import ccstats as cc
    >>> [cc.labels.unit_label("s", lang) for lang in cc.labels.LANGUAGES]
    ['s', 's', 's', 'sn']
    """
    return vocabulary_word(unit, "unit", lang)


def phrase(key: str, /, lang: str = "en", **values: Any) -> str:
    """A heading or sentence of a report.

    Parameters
    ----------
    key : str
        Which one: a key under ``[phrases]`` of the files of labels.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    **values
        What stands for its placeholders; numbers as text, see `number_text`.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        If there is no such phrase or language, or a placeholder has no value.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.labels.phrase("days_covered", days=27, all=31)
    'the data cover 27 of 31 days'
    >>> cc.labels.phrase("days_covered", "de", days=27, all=31)
    'die Daten decken 27 von 31 Tagen ab'
    """
    phrases = book_of(lang)["phrases"]
    if key not in phrases:
        raise OptionError(f"there is no phrase {key!r}.{did_you_mean(key, phrases)}")
    text = str(phrases[key])
    missing = sorted({name for _, name, _, _ in string.Formatter().parse(text) if name} - set(values))
    if missing:
        raise OptionError(f"phrase {key!r} needs {', '.join(missing)}: it reads {text!r}")
    return text.format(**values)
