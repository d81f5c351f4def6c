"""A report put together: every section that has something to show, and where it has not, why."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ccstats import __version__
from ccstats.errors import CcstatsError, DataWarning
from ccstats.labels import check_language, moment_text, phrase
from ccstats.report import sections
from ccstats.report.cells import short_name
from ccstats.report.material import Material
from ccstats.report.parts import Page, Part, Section

__all__ = ["build_page"]

#: In the order they are read: the key of each, which is the key of its heading, too.
_FROM_LOG: tuple[tuple[str, Callable[[Material], list[Part] | str]], ...] = (
    ("days", sections.days),
    ("intraday", sections.intraday),
    ("waits", sections.waits),
    ("demand", sections.demand),
    ("staffing", sections.staffing),
    ("misses", sections.misses),
    ("queues", sections.queues),
    ("agents", sections.agents),
)
_OF_CUSTOMERS = (("satisfaction", sections.satisfaction), ("complaints", sections.complaints))


def build_page(material: Material, *, progress: Callable[[str, float], None] | None = None) -> Page:
    """The report as plain data, of which page, Markdown and workbook are made.

    Parameters
    ----------
    material : Material
        What was read and agreed.
    progress : callable, optional
        Called with the section that is being made and the share done.

    Returns
    -------
    Page
        Sections without data are left out; the section of data quality says which and why, and what the library warned of.

    Raises
    ------
    OptionError
        If there is no such language.

    Examples
    --------
    >>> [section.key for section in build_page(Material("en", "UTC")).sections]
    ['data_quality', 'definitions', 'provenance']
    """
    lang = check_language(material.lang)
    made: list[Section] = []
    left_out: list[str] = []
    warned: list[str] = []
    shown: list[str] = []
    has_log = material.log is not None and len(material.log.contacts) > 0
    asked = [("verdict", sections.verdict), *(_FROM_LOG if has_log else ()), *_OF_CUSTOMERS]
    ends = (
        ("data_quality", lambda each: sections.data_quality(each, left_out, list(dict.fromkeys(warned)))),
        ("definitions", lambda each: sections.definitions(each, shown)),
        ("provenance", sections.provenance),
    )

    def tell(key: str, at: int) -> None:
        if progress is not None:
            progress(_heading(key, lang), at / (len(asked) + len(ends)))

    for at, (key, build) in enumerate(asked):
        tell(key, at)
        parts = _tried(key, build, material, warned)
        if isinstance(parts, str):
            left_out.append(f"{_heading(key, lang)}: {parts}")
        elif parts:
            made.append(Section(key, _heading(key, lang), tuple(parts)))
    shown = [name for section in made for grid in section.grids() for name in (material.definition, *grid.columns)]
    if not has_log:
        left_out = [line for line in left_out if material.records]
    for at, (key, build) in enumerate(ends, len(asked)):
        tell(key, at)
        parts = _tried(key, build, material, warned)
        made.append(Section(key, _heading(key, lang), () if isinstance(parts, str) else tuple(parts)))
    foot = (phrase("made_with", lang, version=__version__), phrase("standard_no_targets", lang))
    return Page(_title(material), _subtitle(material), lang, material.timezone, tuple(made), foot)


def _heading(key: str, lang: str) -> str:
    return phrase(f"section_{key}", lang)


def _tried(key: str, build: Callable[[Material], Any], material: Material, warned: list[str]) -> list[Part] | str:
    """The parts of a section, or why there are none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        try:
            parts = build(material)
        except CcstatsError as error:
            parts = str(error).splitlines()[0]
    for each in caught:
        if issubclass(each.category, DataWarning):
            warned.append(f"{_heading(key, material.lang)}: {str(each.message).splitlines()[0]}")
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return parts


def _title(material: Material) -> str:
    agreement = material.agreement
    title = phrase("report_title", material.lang)
    return title if agreement is None else f"{title}: {short_name(agreement.client)}, {short_name(agreement.name)}"


def _subtitle(material: Material) -> str:
    lang, log = material.lang, material.log
    zone = phrase("times_of_zone", lang, zone=material.timezone)
    if log is None or not len(log.contacts):
        return zone
    times = log.contacts["queued_at"].dropna().dt.tz_convert(material.timezone)
    if not len(times):
        return zone
    first, last = (moment_text(each, period="day", lang=lang) for each in (times.min(), times.max()))
    return f"{phrase('from_to', lang, low=first, high=last)}. {zone}"
