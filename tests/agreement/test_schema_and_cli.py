"""The published JSON Schema, and `ccstats agreement` as a newcomer meets it."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

import ccstats as cc
from ccstats.agreement.presets import preset_names
from command_line import run

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "agreement.schema.json").read_text(encoding="utf-8"))


def as_json(text: str) -> object:
    """A TOML text as a JSON instance: dates become texts."""
    return json.loads(json.dumps(tomllib.loads(text), default=lambda value: value.isoformat()))


def problems(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    return [error.message for error in validator.iter_errors(as_json(text))]


def test_the_published_schema_and_the_table_of_presets_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_agreement_docs", ROOT / "tools" / "make_agreement_docs.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.main(["--check"]) == 0, "run python tools/make_agreement_docs.py"


def test_the_page_explains_every_key() -> None:
    page = (ROOT / "docs" / "agreement.md").read_text(encoding="utf-8")
    for part in [SCHEMA, *SCHEMA["$defs"].values()]:
        for key in part["properties"]:
            assert re.search(rf"`\[*{key}[.`\]]|^{key} = ", page, flags=re.MULTILINE), f"docs/agreement.md does not explain {key}"


def test_the_schema_is_one_and_explains_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in [SCHEMA, *SCHEMA["$defs"].values()]:
        assert part["additionalProperties"] is False
        for key, node in part["properties"].items():
            assert len(node["description"]) > 5, key
            assert ">>>" not in node["description"]


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_valid_by_the_schema(preset: str) -> None:
    assert problems(cc.Agreement.preset(preset).to_toml()) == []


def test_the_sample_and_the_draft_are_valid_by_the_schema() -> None:
    assert problems(cc.sample_file("agreement.toml").read_text(encoding="utf-8")) == []
    assert problems(run("agreement", "new", "--out", "-").stdout.decode()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("client = ", "cleint = "),
        ("value = 0.80", 'value = "80 %"'),
        ('metric = "nps"', 'metric = "npss"'),
        ("margin_adjusted = true", 'margin_adjusted = "yes"'),
        ('op = "<="', 'op = "=<"'),
        ("valid_from = 2025-01-01", 'valid_from = "soon"'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(old: str, new: str) -> None:
    text = cc.sample_file("agreement.toml").read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    assert problems(broken)
    with pytest.raises(cc.errors.FormatError):
        cc.Agreement.from_toml(broken)


def test_a_new_agreement_can_be_checked_at_once(tmp_path: Path) -> None:
    made = run("agreement", "new", "--client", "Ay Elektrik", "--timezone", "Europe/Istanbul", folder=tmp_path)
    assert made.returncode == 0
    assert made.stdout == b""
    agreement = cc.Agreement.from_toml(tmp_path / "agreement.toml")
    assert (agreement.client, agreement.timezone) == ("Ay Elektrik", "Europe/Istanbul")
    checked = run("agreement", "check", "agreement.toml", folder=tmp_path)
    assert checked.returncode == 0
    assert "Ay Elektrik" in checked.stdout.decode()
    assert "at least 80 %" in checked.stdout.decode()
    again = run("agreement", "new", folder=tmp_path)
    assert again.returncode == 2
    assert b"--force" in again.stderr
    assert cc.Agreement.from_toml(tmp_path / "agreement.toml") == agreement
    assert run("agreement", "new", "--force", folder=tmp_path).returncode == 0
    assert run("agreement", "new", "--out", "no/where.toml", folder=tmp_path).returncode == 2


def test_a_new_agreement_with_a_preset_says_it_in_words(tmp_path: Path) -> None:
    words = ("agreement", "new", "--preset", "br_sac_2008", "--reading", "banks", "--clock", "queued", "--out", "banks.toml")
    assert run(*words, "--timezone", "America/Sao_Paulo", folder=tmp_path).returncode == 0
    text = (tmp_path / "banks.toml").read_text(encoding="utf-8")
    assert "#     measured: each queue apart; within 90 s on mon" in text
    expected = cc.Agreement.preset("br_sac_2008", reading="banks", clock="queued", timezone="America/Sao_Paulo", client="Example client")
    assert cc.Agreement.from_toml(tmp_path / "banks.toml") == expected


def test_bad_words_end_with_status_2(tmp_path: Path) -> None:
    for words, said in (
        (("new", "--preset", "tr_btk"), "there is no preset"),
        (("new", "--reading", "banks"), "--preset"),
        (("new", "--timezone", "Nowhere"), "no zone"),
        (("check", "agreement.toml"), "there is no file"),
    ):
        done = run("agreement", *words, folder=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr.decode()
    assert not (tmp_path / "agreement.toml").exists()


def test_a_broken_agreement_is_told_by_file_line_and_key(tmp_path: Path) -> None:
    text = cc.sample_file("agreement.toml").read_text(encoding="utf-8").replace("value = 0.80", "value = 80", 1)
    (tmp_path / "client.toml").write_text(text, encoding="utf-8")
    line = text[: text.index("value = 80")].count("\n") + 1
    done = run("agreement", "check", "client.toml", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == b""
    assert f"client.toml, line {line}, targets[1].value: 80 is out of range" in done.stderr.decode()


def test_presets_and_schema_are_printed() -> None:
    listed = run("agreement", "presets").stdout.decode()
    for preset in preset_names():
        assert preset in listed
    assert "check the current text" in listed
    assert json.loads(run("agreement", "schema").stdout) == SCHEMA
