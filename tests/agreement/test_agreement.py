"""The agreement as a whole: what its parts say together, TOML there and back, and errors with file, line and key."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

import ccstats as cc
from ccstats.agreement.describing import _against
from ccstats.agreement.drafting import draft_agreement
from ccstats.agreement.positions import line_of, lines_of_keys
from ccstats.agreement.presets import _rows
from ccstats.errors import FormatError, OptionError, SourceMissingError

TEXT = """\
client = "Example"
name = "Hotline"
timezone = "Europe/Berlin"
currency = "EUR"
hours = "office"

[service_level]
definition = "sl_excl_short"
threshold_s = 20
short_s = 5
inclusive = false

[queues.sales]
threshold_s = 10
short_s = 3

[queues.chat]
channel = "chat"
hours = { hours = { "mon-sun" = ["00:00-24:00"] } }

[calendars.office]
holidays = "DE-BE"
exceptions = { 2026-12-24 = [], 2026-12-31 = ["08:00-12:00"] }
[calendars.office.hours]
"mon-fri" = ["08:00-18:00"]

[index.weights]
level = 3

[[targets]]
name = "level"
metric = "service_level"
op = ">="
value = 0.8
[[targets.exclude]]
start = 2026-03-02
end = 2026-03-03
reason = "storm"
[[targets.money]]
per = 0.01
from = 0.8
amount = -100

[[targets]]
name = "chat"
metric = "asa_s"
op = "between"
value = [10, 60]
channels = ["chat"]
clock = "arrived"
weight = 0.5
"""


def test_the_parts_speak_for_each_other() -> None:
    agreement = cc.Agreement.from_toml(TEXT)
    level, chat = agreement.targets
    assert (agreement.threshold_of("sales"), agreement.threshold_of("chat")) == (10, 20)
    assert (agreement.short_of("sales"), agreement.short_of("chat")) == (3, 5)
    assert agreement.definition_of(level) == "sl_excl_short"
    assert agreement.definition_of(chat) == "asa_s"
    assert (agreement.clock_of(level), agreement.clock_of(chat)) == ("queued", "arrived")
    assert (agreement.queues_of(level), agreement.queues_of(chat)) == (("sales", "chat"), ("chat",))
    assert (agreement.weight_of(level), agreement.weight_of(chat)) == (3.0, 0.5)
    assert agreement.hours_of("sales") == agreement.calendars["office"]
    assert agreement.hours_of("chat").always
    assert agreement.calendar("sales").timezone == "Europe/Berlin"
    assert level.exclude[0].span() == (dt.datetime(2026, 3, 2), dt.datetime(2026, 3, 4))  # noqa: DTZ001 - local time
    with pytest.raises(OptionError, match=r"queue 'sale' is not in the agreement.*Did you mean sales"):
        agreement.threshold_of("sale")


def test_working_days_are_those_of_their_own_calendar() -> None:
    agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    assert agreement.hours_of() is None
    # 2025-04-18 is Good Friday; the shop is open, the office is not. Saturdays are no working days.
    friday, saturday = pd.Timestamp("2025-04-18 12:00", tz="Europe/Berlin"), pd.Timestamp("2025-04-12 12:00", tz="Europe/Berlin")
    assert agreement.calendar().is_open(pd.DatetimeIndex([friday, saturday])).tolist() == [False, False]
    assert agreement.calendar("sales").is_open(pd.DatetimeIndex([friday, saturday])).tolist() == [True, True]
    brazil = cc.Agreement.preset("br_sac_2008", reading="banks", timezone="America/Sao_Paulo")
    days = pd.to_datetime(["2026-01-02 12:00", "2026-01-06 12:00", "2026-01-08 12:00"]).tz_localize("America/Sao_Paulo")
    found = brazil.targets[0].thresholds_at(days, calendar=brazil.calendar("any queue"), threshold_s=20)
    assert found.tolist() == [90, 45, 90]


def test_a_target_has_a_threshold_of_its_own() -> None:
    agreement = cc.Agreement.from_toml(TEXT)
    own = cc.Target(name="t", metric="service_level", op=">=", value=0.9, threshold_s=60, formula="sl_answered_only")
    assert agreement.threshold_of("sales", own) == 60
    assert agreement.definition_of(own) == "sl_answered_only"


def test_toml_there_and_back() -> None:
    agreement = cc.Agreement.from_toml(TEXT)
    assert cc.Agreement.from_toml(agreement.to_toml()) == agreement
    assert cc.Agreement.from_toml(cc.Agreement.from_toml(agreement.to_toml()).to_toml()).to_toml() == agreement.to_toml()


numbers = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 6))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text
)


@given(
    st.dictionaries(texts, st.tuples(numbers, st.sampled_from([None, 5.0]), st.booleans()), min_size=1, max_size=4),
    texts,
    st.sampled_from(["UTC", "Asia/Kathmandu"]),
)
def test_any_agreement_comes_back(targets: dict, client: str, zone: str) -> None:
    made = cc.Agreement(
        client=client,
        name=client,
        timezone=zone,
        currency="EUR",
        queues={name: {"threshold_s": short} for name, (_, short, _) in targets.items()},
        targets=[
            cc.Target(
                name=name,
                metric="service_level",
                op=">=",
                value=value,
                threshold_s=short,
                queues=[name] if flag else [],
                by_queue=flag,
                money=[{"when": "below", "value": value, "amount": -1.5}],
            )
            for name, (value, short, flag) in targets.items()
        ],
    )
    assert cc.Agreement.from_toml(made.to_toml()) == made


BASE = 'client = "a"\nname = "n"\ntimezone = "UTC"\n'
TARGET = '[[targets]]\nname = "t"\nmetric = "service_level"\nop = ">="\nvalue = 0.8\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        (BASE + TARGET.replace("service_level", "servise_level"), 6, "targets[1].metric", "Did you mean service_level"),
        (BASE + TARGET.replace("0.8", "80"), 8, "targets[1].value", "write 0.8 for 80 %"),
        (BASE + TARGET.replace("0.8", "'high'"), 8, "targets[1].value", "valid number"),
        (BASE + TARGET + "k = 4\nn = 3\n", 9, "targets[1].k", "k <= n"),
        (BASE + TARGET + TARGET, 10, "targets[2].name", "two targets are called 't'"),
        (BASE + TARGET + 'money = [\n  { when = "below", value = 0.7, amount = -1 },\n]\n', 9, "targets[1].money", "without a currency"),
        (
            BASE + 'currency = "EUR"\n' + TARGET + 'money = [\n{ when = "below", value = 0.7, amount = -1 },\n'
            '{ when = "at_most", value = 0.7, amount = -2 },\n]\n',
            12,
            "targets[1].money[2]",
            "two steps begin",
        ),
        (BASE + TARGET + 'queues = ["a",\n"sale"]\n[queues.sales]\n[queues.a]\n', 10, "targets[1].queues[2]", "Did you mean sales"),
        (BASE.replace("UTC", "Europe/Berln"), 3, "timezone", "Did you mean Europe/Berlin"),
        (BASE + "curency = 'EUR'\n", 4, "curency", "Did you mean currency"),
        (BASE + "[queues.sales]\ntreshold_s = 3\n", 5, "queues.sales.treshold_s", "Did you mean threshold_s"),
        (
            BASE + "[queues.sales]\nhours = 'off'\n[calendars.office.hours]\nmon = ['08:00-12:00']\n",
            5,
            "queues.sales.hours",
            "there are: office",
        ),
        (BASE + "[calendars.a.hours]\nmon = ['08:00-12:00']\n'mon-tue' = ['11:00-12:00']\n", 6, "calendars.a.hours.mon-tue", "overlap"),
        (BASE + "[calendars.a.hours]\nmon = ['08:00-12:00',\n'13-15']\n", 6, "calendars.a.hours.mon[2]", "no span"),
        (BASE + "[calendars.a]\nholidays = 'ATL'\nhours = { mon = ['08:00-12:00'] }\n", 5, "calendars.a.holidays", "ATL"),
        (
            BASE + "[calendars.a]\nexceptions = { 2026-13-24 = [] }\nhours = { mon = ['08:00-12:00'] }\n",
            5,
            "calendars.a.exceptions",
            "month value",
        ),
        (BASE + "[service_level]\ndefinition = 'sl_best'\n", 5, "service_level.definition", "none of the nine"),
        (BASE + "[service_level]\nthreshold_s = '20'\n", 5, "service_level.threshold_s", "valid number"),
        (BASE + "[index.weights]\nlevel = 2\n", 5, "index.weights.level", "no target is called"),
        (BASE + "valid_from = 2026-02-01\nvalid_until = 2026-01-01\n", 5, "valid_until", "before it begins"),
        (BASE.replace('name = "n"\n', ""), 1, "name", "missing"),
        (BASE + TARGET.replace('op = ">="\n', ""), 4, "targets[1].op", "missing"),
        (BASE + TARGET + 'calendar = "working_days"\n', 9, "targets[1].calendar", "give working_days"),
        (
            BASE + TARGET + "threshold_rules = [\n{ threshold_s = 9, days = ['mon'] },\n{ threshold_s = 9, working_day_of_month = 5 }]\n",
            11,
            "targets[1].threshold_rules[2]",
            "give working_days",
        ),
        (BASE + 'working_days = "office"\n', 4, "working_days", r"there is none: describe it in \[calendars.office\]"),
        (BASE + "client = 3\n", 4, "", "no TOML"),
        (BASE + "x = [1,\n", None, "", "no TOML"),
        (BASE + "x y\n", 4, "", "no TOML"),
    ],
)
def test_errors_name_file_line_and_key(tmp_path: Path, text: str, line: int | None, key: str, said: str) -> None:
    path = tmp_path / "client.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        cc.Agreement.from_toml(path)
    told = str(caught.value)
    assert re.search(said, told), told
    assert str(path) in told
    assert line is None or f"line {line}" in told, told
    assert key in told


def test_every_problem_is_told_at_once() -> None:
    text = BASE.replace("UTC", "Nowhere") + TARGET.replace("0.8", "80") + TARGET.replace('"t"', '"u"').replace(">=", "=>")
    with pytest.raises(FormatError) as caught:
        cc.Agreement.from_toml(text)
    lines = str(caught.value).splitlines()
    assert [re.search(r"line (\d+)", each)[1] for each in lines] == ["3", "8", "12"]


def test_too_many_problems_are_counted() -> None:
    with pytest.raises(FormatError, match="and 10 more"):
        cc.Agreement.from_toml(BASE + "".join(f"key{at} = {at}\n" for at in range(30)))


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "agreement.toml").write_text(BASE, encoding="utf-8")
    with pytest.raises(SourceMissingError, match="Did you mean agreement.toml"):
        cc.Agreement.from_toml(tmp_path / "agrement.toml")
    with pytest.raises(SourceMissingError):
        cc.Agreement.from_toml(tmp_path)
    (tmp_path / "latin.toml").write_bytes('client = "Müller"\n'.encode("latin-1"))
    with pytest.raises(FormatError, match="no UTF-8"):
        cc.Agreement.from_toml(tmp_path / "latin.toml")
    (tmp_path / "windows.toml").write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    assert cc.Agreement.from_toml(str(tmp_path / "windows.toml")).client == "a"


def test_the_sample_agreement_is_said_in_words() -> None:
    agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    told = agreement.describe()
    for target in agreement.targets:
        assert target.name in told
    assert "at most 8 %" in told
    assert "-200 EUR for every full 1 percentage points below 80 %, at most -2,000 EUR" in told
    assert "10 working days" in told
    assert cc.Agreement.from_toml(agreement.to_toml()) == agreement
    assert set(agreement.queues) == {"sales", "support", "roadside"}
    assert agreement.hours_of("roadside").always


def test_the_draft_is_an_agreement_and_so_are_its_comments() -> None:
    draft = draft_agreement(client='A "B" \\ {C}', timezone="Europe/Berlin")
    assert cc.Agreement.from_toml(draft).client == 'A "B" \\ {C}'
    opened = re.sub(r"(?m)^# (?=[\[a-z\"][\w.\"\-\[\]]* *(=|\]|$))|^# (?=\[)|^# (?=\"(mon|sat))", "", draft)
    full = cc.Agreement.from_toml(opened)
    assert full.queues["sales"].threshold_s == 10
    assert full.targets[0].money_for(0.78) == -200.0
    assert full.calendars["office"].exceptions[dt.date(2026, 12, 24)] == ()


leaves = st.integers(10_000, 99_999)
keys = st.sampled_from(["a", "b", "c d", "e.f", "g", "'h"])
tables = st.recursive(
    leaves,
    lambda inner: st.dictionaries(keys, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, tables, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_every_value_is_found_on_its_line(data: dict, random) -> None:
    taken: set[int] = set()

    def relabel(value):
        if isinstance(value, dict):
            return {key: relabel(each) for key, each in value.items()}
        if isinstance(value, list):
            return [relabel(each) for each in value]
        while (found := random.randint(10_000, 99_999)) in taken:
            pass
        taken.add(found)
        return found

    def walk(value, path=()):
        if isinstance(value, dict | list):
            for key, each in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk(each, (*path, key))
        else:
            yield path, value

    data = relabel(data)
    text = tomli_w.dumps(data)
    assert tomllib.loads(text) == data
    lines, rows = lines_of_keys(text), text.splitlines()
    for path, value in walk(data):
        line, known = line_of(path, lines)
        assert known == path
        # An element of an array that stands on one line with others is known by that line.
        assert str(value) in rows[line - 1]


def test_lines_of_strings_that_look_like_keys() -> None:
    text = '# a = 1\nx = """\n[y]\nb = 1 # no\n"""\nz = \'[[n]]\' # c = 2\n[t]\n"k=" = { p = 1, "q r" = [ # d = 3\n 1, { s = 2 } ] }\n'
    lines = lines_of_keys(text)
    assert tomllib.loads(text)["t"]["k="]["q r"][1] == {"s": 2}
    assert lines == {
        ("x",): 2,
        ("z",): 6,
        ("t",): 7,
        ("t", "k="): 8,
        ("t", "k=", "p"): 8,
        ("t", "k=", "q r"): 8,
        ("t", "k=", "q r", 0): 9,
        ("t", "k=", "q r", 1): 9,
        ("t", "k=", "q r", 1, "s"): 9,
    }


@pytest.mark.parametrize(
    ("metric", "op", "told"),
    [
        ("abandonment_rate", ">=", "of this metric less is better, and the target asks for the opposite"),
        ("csat_top2", "<", "of this metric more is better, and the target asks for the opposite"),
        ("abandonment_rate", "<=", None),
        ("csat_top2", ">", None),
        ("occupancy", "<=", None),
    ],
)
def test_a_sign_turned_round_is_pointed_out(metric: str, op: str, told: str | None) -> None:
    target = f'[[targets]]\nname = "x"\nmetric = "{metric}"\nop = "{op}"\nvalue = 0.1\n'
    said = cc.Agreement.from_toml(BASE + target).describe()
    assert ("look again" in said) == (told is not None)
    assert told is None or f"look again: {told}" in said


def test_no_preset_asks_for_what_is_worse() -> None:
    for preset, reading, _, target in _rows():
        assert not _against(target.metric, target.op), (preset, reading, target.name)
