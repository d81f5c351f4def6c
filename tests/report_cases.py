"""The bundled centre as a report, and a small log full of names that are up to no good."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

import ccstats as cc
from ccstats.report import build_service_report
from ccstats.report.material import Material
from ccstats.report.page import build_page
from ccstats.report.parts import Page
from ccstats.report.scorecard_report import ScorecardReport

ZONE = "Europe/Berlin"
LONG = "q" * 10_000
#: A formula, markup, writing from right to left with a letter that turns the rest around, mathematics, a picture, and no end.
HOSTILE = ['=cmd()|"x"', "<script>alert(1)</script>", "\u202eمرحبا <b>", "$x^", "🔥 'a' & \"b\"\n# c", LONG]


@cache
def read() -> tuple[cc.Log, cc.Agreement, dict[str, pd.DataFrame]]:
    log = cc.read(cc.sample_log(), key="a secret", timezone=ZONE)
    tables = {
        name: getattr(cc, f"read_{name}")(cc.sample_file(f"{name}.csv"), timezone=ZONE, key="a secret").table
        for name in ("surveys", "evaluations", "complaints")
    }
    tables["forecast"] = cc.read_forecast(str(cc.sample_file("forecast.csv")), timezone=ZONE)
    return log, cc.Agreement.from_toml(cc.sample_file("agreement.toml")), tables


@cache
def judged() -> tuple[pd.DataFrame, pd.DataFrame]:
    log, agreement, tables = read()
    given = {"contacts": log.contacts, "agent_states": log.agent_states, **tables}
    kpis = cc.build_scorecard(agreement, period="month", **given)
    return kpis, cc.trace_scorecard(kpis, agreement, files={"contacts": cc.sample_log()}, **given)


@cache
def material(lang: str = "en", **options: Any) -> Material:
    log, agreement, tables = read()
    kpis, trace = judged()
    service = build_service_report(log, timezone=ZONE, threshold_s=20, lang=lang)
    scorecard = ScorecardReport(kpis, agreement, trace, lang)
    return Material(lang, ZONE, log, service, scorecard, tables, threshold_s=20, **options)


@cache
def page(lang: str = "en") -> Page:
    return build_page(material(lang))


@cache
def hostile() -> tuple[Material, Page]:
    """A fortnight of the centre with hostile queues, agents, reasons, client and targets."""
    log, agreement, tables = read()
    end = log.contacts["queued_at"].min() + pd.Timedelta("14D")
    contacts = log.contacts[log.contacts["queued_at"] < end].reset_index(drop=True)
    states = log.agent_states[log.agent_states["started_at"] < end].reset_index(drop=True)
    queues = dict(zip(contacts["queue"].cat.categories, (HOSTILE[0], HOSTILE[1], LONG), strict=True))
    names = sorted({*contacts["agent"].dropna().astype("str"), *states["agent"].astype("str")})
    agents = {name: f"{HOSTILE[at % len(HOSTILE)]}{at}" for at, name in enumerate(names)}

    def named(table: pd.DataFrame) -> pd.DataFrame:
        made = table.copy()
        for column, words in (("queue", queues), ("agent", agents)):
            if column in made:
                made[column] = pd.Categorical(made[column].astype("object").map(words))
        return made

    complaints = tables["complaints"].copy()
    reasons = {reason: HOSTILE[at % len(HOSTILE)] for at, reason in enumerate(complaints["reason"].dropna().unique())}
    complaints["reason"] = pd.Categorical(complaints["reason"].astype("object").map(reasons))
    evil = cc.Log(named(contacts), named(states), log.rejected, log.lines, log.notes, log.format)
    targets = tuple(each.model_copy(update={"name": HOSTILE[at], "queues": ()}) for at, each in enumerate(agreement.targets[:3]))
    deal = agreement.model_copy(update={"client": HOSTILE[1], "name": HOSTILE[4], "queues": {}, "targets": targets})
    kpis = cc.build_scorecard(deal, contacts=evil.contacts, agent_states=evil.agent_states, period="week")
    given = {"surveys": named(tables["surveys"]), "complaints": complaints}
    service = build_service_report(evil, timezone=ZONE, period="week", threshold_s=20)
    made = Material("en", ZONE, evil, service, ScorecardReport(kpis, deal), given, threshold_s=20, agent_names=True)
    return made, build_page(made)
