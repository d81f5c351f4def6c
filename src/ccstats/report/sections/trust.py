"""Why the figures can be trusted: what was read and what was not, how each is defined, and what they were made of."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import PurePath

import pandas as pd

from ccstats import __version__
from ccstats.labels import column_label, metric_title, moment_text, number_text, phrase, table_title, translate
from ccstats.metrics import METRICS
from ccstats.report.material import Material
from ccstats.report.parts import Grid, Items, Part, Text
from ccstats.service.ratios import measure_service
from ccstats.service.reconciliation import reconcile

__all__ = ["data_quality", "definitions", "provenance"]

#: So many rejected lines are listed.
_REJECTED = 20
_PACKAGES = ("pandas", "numpy", "scipy", "numba", "pyarrow", "statsmodels", "matplotlib", "jinja2", "xlsxwriter")
#: In English both are lines; elsewhere those of a log and those of a telephone have names of their own.
_LINES = {"lines": "lines_read"}


def data_quality(material: Material, left_out: Sequence[str], warned: Sequence[str]) -> list[Part] | str:
    """What became of every line, what was repaired, where nothing was logged, and which sections had nothing to show.

    Examples
    --------
    >>> data_quality.__name__
    'data_quality'
    """
    lang, log = material.lang, material.log
    parts: list[Part] = []
    if log is not None:
        fates = {fate: log.count(fate) for fate in ("used", "ignored", "rejected")}
        counted = {fate: number_text(lines, lang=lang) for fate, lines in (fates | {"lines": log.count()}).items()}
        sources = ", ".join(dict.fromkeys(PurePath(source).name for source in log.lines["source"].astype("str")))
        parts.append(Text(phrase("lines_read", lang, **counted, format=log.format, sources=sources)))
        account = log.summary()
        told = Grid.of("lines", account if lang == "en" else account.rename(columns=_LINES), lang=lang, folded=True)
        parts.append(replace(told, data=account, columns=tuple(account.columns)))
        if len(log.notes):
            parts.append(Grid.of("notes", log.notes, lang=lang, title=phrase("repaired_or_assumed", lang).rstrip(":")))
        if len(log.rejected):
            title = phrase("first_rejected", lang, file="rejected.csv").rstrip(":")
            parts.append(Grid.of("rejected_lines", log.rejected.head(_REJECTED), lang=lang, title=title))
        parts.append(Grid.of("sums", reconcile(log), show=("check", "left", "right", "difference", "ok"), lang=lang, folded=True))
        parts += _gaps(material)
    for name, rejected in material.rejected.items():
        if len(rejected):
            title = f"{table_title(name, lang)}: {table_title('rejected', lang)}"
            parts.append(Grid.of(f"rejected_{name}", rejected.head(_REJECTED), lang=lang, title=title))
    if warned:
        parts += [Text(phrase("page_warned", lang)), Items(tuple(warned))]
    if left_out:
        parts += [Text(phrase("page_left_out", lang)), Items(tuple(left_out))]
    return parts


def _gaps(material: Material) -> list[Part]:
    """Days between the first and the last on which nobody called: closed, or a gap in the log."""
    lang = material.lang
    if not len(material.intervals):
        return []
    by_day = measure_service(material.intervals, period="day", timezone=material.timezone)
    empty = by_day[by_day["offered"] == 0]
    first, last = by_day["period_start"].min(), by_day["period_start"].max()
    span = phrase("page_span", lang, first=_day(first, lang), last=_day(last, lang), days=number_text(len(by_day), lang=lang))
    said = phrase("page_no_gaps", lang)
    if len(empty):
        said = phrase("page_gaps", lang, days=", ".join(_day(each, lang) for each in empty["period_start"]))
    return [Text(f"{span} {said}")]


def _day(instant: pd.Timestamp, lang: str) -> str:
    return moment_text(instant, period="day", lang=lang)


def definitions(material: Material, shown: Iterable[str]) -> list[Part] | str:
    """Every metric shown with its formula and the clause it belongs to, and how each target is measured.

    Examples
    --------
    >>> definitions.__name__
    'definitions'
    """
    lang = material.lang
    names = [name for name in dict.fromkeys(shown) if name in METRICS]
    rows = [(name, METRICS[name].formula, METRICS[name].clause) for name in names]
    data = pd.DataFrame(rows, columns=["metric", "formula", "clause"], dtype="str")
    visible = pd.DataFrame(
        {
            phrase("metric", lang): [metric_title(name, lang) for name in names],
            phrase("column", lang): names,
            phrase("formula", lang): data["formula"],
            phrase("clause", lang): data["clause"],
        },
        dtype="str",
    )
    parts: list[Part] = []
    if material.service is not None:
        told = {"threshold": material.service.threshold, "short": material.service.short}
        formula = METRICS[material.definition].formula
        parts.append(Text(phrase("definition_line", lang, definition=material.definition, formula=formula, **told) + "."))
    if len(data):
        note = phrase("formula_names", lang)
        parts += [
            Grid("definitions", phrase("definitions", lang), data, visible, ("metric", "metric", "formula", "clause")),
            Text(note, note=True),
        ]
    if material.scorecard is not None:
        targets = material.scorecard.definitions()
        described = targets.assign(definition=[translate(each, lang) for each in targets["definition"]])
        columns = ("target", "title", "definition", "clause", "source", "as_of", "confidence", "note")
        kept = [name for name in columns if targets[name].ne("").any()]
        heads = {"as_of": phrase("as_of", lang), "confidence": phrase("confidence", lang)}
        visible = described[kept].rename(columns={name: heads.get(name) or column_label(name, lang) for name in kept})
        parts.append(Grid("target_definitions", phrase("targets", lang), targets.drop(columns="title"), visible, tuple(kept)))
    parts.append(Text(phrase("standard_no_targets", lang), note=True))
    return parts


def provenance(material: Material) -> list[Part] | str:
    """What the report was made of and with: inputs with their digests, agreement, options and versions.

    Examples
    --------
    >>> provenance.__name__
    'provenance'
    """
    lang, agreement = material.lang, material.agreement
    facts = {"version": f"ccstats {__version__}", "timezone": material.timezone}
    if agreement is not None:
        facts |= {"client": agreement.client, "agreement": agreement.name}
    called = {name: phrase(name, lang) for name in ("version", "timezone", "client", "agreement")}
    facts |= {**material.options, "Python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    data = pd.DataFrame(facts.items(), columns=["what", "value"], dtype="str")
    heads = {"what": phrase("parameters", lang), "value": phrase("value", lang)}
    shown = data.assign(what=[called.get(name, name) for name in data["what"]]).rename(columns=heads)
    grid = Grid("provenance", phrase("page_provenance", lang), data, shown, ("what", "value"))
    parts: list[Part] = [Text(phrase("page_made_of", lang)), grid]
    trace = None if material.scorecard is None else material.scorecard.trace
    if trace is not None and len(trace):
        inputs = trace.drop_duplicates(["input", "sha256"])[["input", "sha256"]].reset_index(drop=True).astype("str")
    else:
        inputs = pd.DataFrame(material.inputs.items(), columns=["input", "sha256"], dtype="str")
    if len(inputs):
        heads = {"input": phrase("inputs", lang), "sha256": "SHA-256"}
        parts += [
            Grid("inputs", phrase("trace", lang), inputs, inputs.rename(columns=heads), ("input", "sha256")),
            Text(phrase("trace_note", lang), note=True),
        ]
    return parts


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"
