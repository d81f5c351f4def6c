"""The labels: complete in every language, the same placeholders, no English left over, no two columns of a table under one heading."""

from __future__ import annotations

import ast
import re
import string
from functools import cache
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.labels import LANGUAGES, column_label, metric_title, phrase, table_title, unit_label, vocabulary_word
from ccstats.labels.words import book_of
from ccstats.metrics import METRICS
from ccstats.report.cells import heading
from ccstats.report.statistics import build_statistics
from ccstats.schema import TABLES

SRC = Path(__file__).parents[2] / "src" / "ccstats"
OTHERS = [lang for lang in LANGUAGES if lang != "en"]

#: English words that are the trade's own in the language, or are spelt alike in both.
EVERYWHERE = (
    "h min ivr kappa icc nps csat ces enps rona aht sha wape mape rmse csv ccstats en id utc s t p k n c z cohen fleiss kaplan meier "
    "erlang a key"  # Erlang A; CCSTATS_KEY
)
LOANS = {
    lang: set(f"{EVERYWHERE} {own}".split())
    for lang, own in {
        "de": "agent bonus chat definition details dialer format in index intern malus median name net neutral parameter pause phase "
        "promoter score scorecard service signal status system ticket trend version voicemail was",
        "es": "a chat error inclusive neutral no net plan promoter score total variable variables",
        "tr": "model net",
    }.items()
}


def sections(lang: str) -> dict[str, dict[str, str]]:
    """Every section by its name, those of the words each on its own."""
    book = dict(book_of(lang))
    words = book.pop("words", {})
    return book | {f"words.{column}": values for column, values in words.items()}


@cache
def shown_columns() -> dict[str, set[str]]:
    """Columns that the functions behind the reports show on the bundled log, by what shows them."""
    log = cc.read(cc.sample_log())
    zone = "Europe/Berlin"
    intervals = cc.to_intervals(log.contacts, timezone=zone, threshold_s=20)
    days = {"period": "day", "timezone": zone}
    target = {"metric": "service_level", "target": 0.8, **days}
    start = intervals["interval_start"].min() + pd.Timedelta("5D")
    outages = pd.DataFrame({"started_at": [start], "ended_at": [start + pd.Timedelta("2h")]})
    continuity = cc.measure_continuity(intervals, outages, timezone=zone)
    tables = {
        "measure_service": cc.measure_service(intervals, by="queue", period="month", timezone=zone),
        "measure_waits": cc.measure_waits(log.contacts, by="queue", timezone=zone, quantiles=(0.5, 0.9, 0.99), within_s=(7.5, 20)),
        "measure_agents": cc.measure_agents(log.contacts, log.agent_states, timezone=zone, at_least=3),
        "measure_pauses": cc.measure_pauses(log.agent_states, timezone=zone),
        "measure_compliance": cc.measure_compliance(intervals, **target),
        "list_breaches": cc.list_breaches(intervals, **target),
        "list_contacts": cc.list_contacts(log.contacts),
        "list_abandoned": cc.list_abandoned(log.contacts),
        "reconcile": cc.reconcile(log),
        "outages": continuity.outages,
        "continuity": continuity.totals,
        "summary": log.summary(),
        "notes": log.notes,
        "rejected": log.rejected,
        **build_statistics(log, timezone=zone),
    }
    return {name: set(map(str, table.columns)) for name, table in tables.items()}


@pytest.mark.parametrize("lang", OTHERS)
def test_every_metric_table_and_column_has_a_label(lang: str) -> None:
    book = book_of(lang)
    assert set(book["metrics"]) == set(METRICS)
    assert set(TABLES) <= set(book["tables"])
    labelled = set(book["columns"]) | set(METRICS)
    assert {name for table in TABLES.values() for name in table.names()} <= labelled
    for name in METRICS:
        limit = column_label(f"{name}_low", lang)
        assert limit.startswith(column_label(name, lang))
        assert limit != column_label(f"{name}_high", lang) != column_label(name, lang)


@pytest.mark.parametrize("lang", OTHERS)
def test_every_column_that_is_shown_has_a_label(lang: str) -> None:
    missing = {
        f"{source}: {name}"
        for source, names in shown_columns().items()
        for name in names
        if column_label(name, lang) == column_label(name, "en") and name.replace("_", " ") not in LOANS[lang]
    }
    assert not missing


@pytest.mark.parametrize("lang", OTHERS)
def test_every_word_of_a_vocabulary_has_a_label(lang: str) -> None:
    words = book_of(lang)["words"]
    for table in TABLES.values():
        for column in table.columns:
            assert set(column.vocabulary) <= set(words.get(column.name, {})), (table.name, column.name)
    assert {metric.unit for metric in METRICS.values()} <= set(words["unit"])
    assert {metric.direction for metric in METRICS.values()} <= set(words["direction"])
    assert {"used", "ignored", "rejected"} <= set(words["fate"])


def test_all_languages_have_the_same_sections_and_keys_and_nothing_is_empty() -> None:
    first = sections("de")
    for lang in OTHERS:
        found = sections(lang)
        assert {name: set(values) for name, values in found.items()} == {name: set(values) for name, values in first.items()}, lang
    english = sections("en")
    for name in ("formats", "phrases", "reasons"):
        assert set(english[name]) == set(first[name])
    for lang in LANGUAGES:
        for name, values in sections(lang).items():
            for key, text in values.items():
                assert text.strip() == text != "", (lang, name, key)
                assert "|" not in text, (lang, name, key)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def keys_of(node: ast.expr) -> list[str]:
    """The texts an argument can be: one, or either of two."""
    if isinstance(node, ast.IfExp):
        return keys_of(node.body) + keys_of(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def asked_for(function: str) -> list[tuple[str, set[str] | None]]:
    """Every key that the source asks ``phrase`` or ``reason`` for, with the placeholders it fills (None: it hands on a mapping)."""
    found = []
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and function in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
                given = {each.arg for each in node.keywords} - {"lang"}
                found += [(key, None if None in given else given) for key in keys_of(node.args[0])]
    return found


@pytest.mark.parametrize(("function", "section"), [("phrase", "phrases"), ("reason", "reasons")])
def test_every_sentence_used_in_the_source_is_there_and_filled(function: str, section: str) -> None:
    used = asked_for(function)
    assert len(used) > 10
    for lang in LANGUAGES:
        known = book_of(lang)[section]
        assert {key for key, _ in used} <= set(known), lang
        for key, given in used:
            assert given is None or placeholders(known[key]) <= given, (lang, key)


@pytest.mark.parametrize("lang", OTHERS)
def test_placeholders_agree_between_languages(lang: str) -> None:
    for section in ("phrases", "reasons"):
        for key, text in book_of("en")[section].items():
            assert placeholders(text) == placeholders(book_of(lang)[section][key]), key
    for key, text in book_of("de")["patterns"].items():
        assert placeholders(text) == placeholders(book_of(lang)["patterns"][key]), key


@pytest.mark.parametrize("lang", OTHERS)
def test_no_english_is_left_over(lang: str) -> None:
    book, left = book_of(lang), {}
    english = {
        "tables": lambda key: table_title(key),
        "metrics": lambda key: METRICS[key].title,
        "columns": lambda key: f"{column_label(key)} {METRICS[key].title if key in METRICS else ''}",
        "phrases": lambda key: book_of("en")["phrases"][key],
        "reasons": lambda key: book_of("en")["reasons"][key],
    }
    for column, words in book["words"].items():
        english[f"words.{column}"] = lambda key: key.replace("_", " ")
        book = book | {f"words.{column}": words}
    for section, told in english.items():
        for key, text in book[section].items():
            plain = re.sub(r"\{\w+\}|`[^`]*`", "", text)  # placeholders, and names of options
            tokens = set(re.findall(r"[^\W\d_]+", plain.lower()))
            same = tokens & set(re.findall(r"[^\W\d_]+", re.sub(r"\{\w+\}", "", told(key)).lower()))
            if same - LOANS[lang]:
                left[section, key] = same - LOANS[lang]
    assert not left


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_two_columns_of_a_table_share_a_heading(lang: str) -> None:
    for table in TABLES.values():
        labels = [heading(name, lang) for name in table.names()]
        assert len(set(labels)) == len(labels), (table.name, sorted(label for label in labels if labels.count(label) > 1))
    for source, names in shown_columns().items():
        labels = [heading(name, lang) for name in names]
        assert len(set(labels)) == len(labels), (source, sorted(label for label in labels if labels.count(label) > 1))
    titles = [metric_title(name, lang) for name in METRICS]
    assert len(set(titles)) == len(titles)


def test_the_words_are_the_trades() -> None:
    said = {
        "de": ("Servicelevel", "Annahmequote", "Durchschnittliche Antwortzeit", "Abbruchquote", "Erstlösungsquote"),
        "es": (
            "Nivel de servicio",
            "Tasa de atención",
            "Velocidad media de respuesta",
            "Tasa de abandono",
            "Resolución en el primer contacto",
        ),
        "tr": ("Hizmet seviyesi", "Yanıtlama oranı", "Ortalama yanıtlama hızı", "Kaçan çağrı oranı", "İlk temasta çözüm"),
    }
    for lang, words in said.items():
        names = ("service_level", "answer_rate", "asa_s", "abandonment_rate", "fcr_gross")
        assert all(metric_title(name, lang).startswith(word) for name, word in zip(names, words, strict=True))


def test_english_is_made_from_the_names() -> None:
    assert [column_label(name) for name in ("asa_s", "asa_s_low", "service_level", "queued_at")] == [
        "ASA",
        "ASA low",
        "service level",
        "queued at",
    ]
    assert metric_title("asa_s") == METRICS["asa_s"].title
    assert vocabulary_word("exited_key", "outcome") == "exited key"


@pytest.mark.parametrize("lang", OTHERS)
def test_steps_quantiles_and_limits_are_made_by_rule(lang: str) -> None:
    steps = [
        column_label(name, lang) for name in ("answered_within_7.5s", "answered_within_90s", "abandoned_share_within_90s", "wait_p99_s")
    ]
    assert len(set(steps)) == 4
    assert "7.5" in steps[0]
    assert all("90" in label for label in steps[1:3])
    assert "99" in steps[3]
    assert "75" in column_label("first_response_p75_s", lang)
    assert len({column_label(f"backlog_age{kind}_s", lang) for kind in ("", "_max", "_working", "_p90")}) == 4
    assert column_label("csat_top2_ci_low", lang) == column_label("csat_top2_low", lang)
    assert column_label("mean_time_between_s_high", lang).startswith(column_label("mean_time_between_s", lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_the_datas_own_stays_as_it_is(lang: str) -> None:
    assert column_label("team_colour", lang) == "team colour"
    assert vocabulary_word("Met_Office", "queue", lang) == "Met_Office"
    assert vocabulary_word("other_vendor_word", "outcome", lang) == "other_vendor_word"
    assert vocabulary_word("talk+wrap", "aht_parts", lang).count("+") == 1
    assert vocabulary_word("talk+strange", "aht_parts", lang) == "talk+strange"
    assert unit_label("furlongs", lang) == "furlongs"
    assert table_title("own_table", lang) == "Own table"


def test_what_is_not_known_is_named_with_what_is_near() -> None:
    with pytest.raises(OptionError, match=r"lang='fr' is no language of the labels; expected one of: en, de, es, tr"):
        phrase("scorecard", "fr")
    for function in (column_label, table_title):
        with pytest.raises(OptionError, match="lang='ger'"):
            function("queue", "ger")
    with pytest.raises(OptionError, match=r"there is no metric 'servce_level'. Did you mean service_level"):
        metric_title("servce_level")
    with pytest.raises(OptionError, match=r"there is no phrase 'scorcard'. Did you mean scorecard"):
        phrase("scorcard")
    with pytest.raises(OptionError, match=r"phrase 'days_covered' needs all: it reads"):
        phrase("days_covered", days=3)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_file_begins_with_its_glossary(lang: str) -> None:
    lines = (SRC / "labels" / f"{lang}.toml").read_text(encoding="utf-8").splitlines()
    head = lines[: next(at for at, line in enumerate(lines) if not line.startswith("#"))]
    assert sum("=" in line or "contact" in line for line in head) >= 1
    order = [line for line in lines if line.startswith("[")]
    assert len(order) == len(set(order))
    assert all(left != right for left, right in pairwise(lines) if left)
