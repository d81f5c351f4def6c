"""How a value is shown to people: percent for shares, seconds with one decimal, local periods, and no markup from the data."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from ccstats.labels import column_label, moment_text, number_text, phrase, share_text, unit_label, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.schema import TABLES

__all__ = ["escape_markdown", "heading", "present", "printable", "safe_cell", "short_name", "unit_of"]

#: What a spreadsheet takes for the start of a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Longer names of the data are cut where people read them; files of data have them whole.
_LONGEST = 80


def unit_of(name: str) -> str:
    """The unit of a column of ours, by its name.

    Examples
    --------
    >>> unit_of("expected_service_level"), unit_of("asa_s"), unit_of("offered")
    ('0-1', 's', 'count')
    """
    if name in METRICS:
        return METRICS[name].unit
    name = re.sub("_(low|high)$", "", name)  # confidence limits are in the unit of what they limit
    known = next((table[name].unit for table in TABLES.values() if name in table), "")
    if known or name in METRICS:
        return known or METRICS[name].unit
    if name.endswith("_s"):
        return "s"
    return "ratio" if {"share", "probability", "rate", "wape"} & set(name.split("_")) else ""


def heading(name: str, lang: str = "en") -> str:
    """A column name for people: its unit is said once, in the heading.

    Examples
    --------
    >>> heading("asa_s"), heading("service_level"), heading("asa_s_low")
    ('ASA [s]', 'service level', 'ASA low [s]')
    >>> heading("wait_s", "tr")
    'Bekleme süresi [sn]'
    """
    seconds = re.search("_s(_low|_high)?$", name)
    return column_label(name, lang) + (f" [{unit_label('s', lang)}]" if seconds else "")


def _shown(value: Any, unit: str, period: str | None, column: str, lang: str) -> str:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    if isinstance(value, pd.Timestamp):
        return moment_text(value, period=period, lang=lang)
    if isinstance(value, bool):
        return phrase("yes" if value else "no", lang)
    if isinstance(value, str):
        return value if lang == "en" else vocabulary_word(value, column, lang)
    if unit in ("ratio", "0-1"):
        return share_text(float(value), lang=lang)
    return number_text(float(value), digits=1 if unit == "s" or not float(value).is_integer() else 0, lang=lang)


def present(table: pd.DataFrame, *, period: str | None = None, lang: str = "en") -> pd.DataFrame:
    """The table as text for people; missing values are a dash, shares are percent.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table of ours.
    period : str, optional
        How ``period_start`` was cut, so that a month is shown as a month.
    lang : str
        Language of headings, words of our vocabularies and numbers: ``en``, ``de``, ``es`` or ``tr``. In English words stay as they are in
        the data.

    Returns
    -------
    pandas.DataFrame
        Text cells under headings for people, of the same shape. Where two columns would have the same heading, the later one adds its name.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> table = pd.DataFrame({"queue": ["sales"], "offered": [1200], "service_level": [0.8113]})
    >>> present(table)
       queue offered service level
    0  sales   1,200        81.1 %
    >>> present(table, lang="tr")
      Kuyruk  Gelen Hizmet seviyesi
    0  sales  1.200           %81,1
    """
    columns: dict[str, list[str]] = {}
    for name in map(str, table.columns):
        title, unit = heading(name, lang), unit_of(name)
        columns[f"{title} ({name})" if title in columns else title] = [_shown(value, unit, period, name, lang) for value in table[name]]
    return pd.DataFrame(columns, dtype="str")


def printable(text: str) -> str:
    r"""Text without control characters: neither colours for a terminal nor letters that turn the writing around.

    Examples
    --------
    >>> printable("sales\x1b[2J")
    'sales�[2J'
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in text)


def safe_cell(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula (a leading apostrophe where it would), without control characters.

    Examples
    --------
    >>> safe_cell("=HYPERLINK(1)"), safe_cell("sales")
    ("'=HYPERLINK(1)", 'sales')
    """
    return printable(f"'{text}" if text.startswith(_FORMULA) else text)


def escape_markdown(text: str) -> str:
    r"""Text from the data as plain text in Markdown: no table cell, tag, link or line of its own.

    Examples
    --------
    >>> escape_markdown("a|b <script>\n[x](y)")
    'a\\|b &lt;script&gt; \\[x\\](y)'
    """
    text = printable(re.sub(r"\s+", " ", text)).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([|`*_\[\]#])", r"\\\1", text)


def short_name(name: str, longest: int = _LONGEST) -> str:
    """A name of the data as a page shows it: one line, without control characters, cut where it is too long.

    Examples
    --------
    >>> short_name("sales"), short_name("x" * 10_000, 5)
    ('sales', 'xxxx…')
    """
    text = printable(name)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
