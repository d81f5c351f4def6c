"""The commands about agreements: write a first one, check one, list presets, print the schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ccstats.cli.shell import app, console, error_console
from ccstats.errors import OptionError

__all__ = ["check", "new", "presets", "schema"]

commands = typer.Typer(
    no_args_is_help=True,
    help="What was promised to a client: a first agreement to edit, whether one is sound, the presets of regulators.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(commands, name="agreement")


@commands.command()
def new(
    preset: Annotated[
        str | None, typer.Option("--preset", help="With the targets of a preset: `ccstats agreement presets` lists them.")
    ] = None,
    client: Annotated[str, typer.Option("--client", help="Whom it is with.")] = "Example client",
    timezone: Annotated[
        str, typer.Option("--timezone", "-z", envvar="CCSTATS_TIMEZONE", help="Zone of the centre, such as Europe/Istanbul.")
    ] = "UTC",
    reading: Annotated[str | None, typer.Option("--reading", help="Which reading or variant of the preset, where it has several.")] = None,
    clock: Annotated[
        str | None, typer.Option("--clock", help="queued or arrived, in place of a preset's clock that the logs do not have.")
    ] = None,
    out: Annotated[str, typer.Option("--out", "-o", help="File to write; - prints it.")] = "agreement.toml",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write an agreement to edit, with comments, or with the targets of a preset."""
    from ccstats.agreement import Agreement
    from ccstats.agreement.drafting import draft_agreement, draft_from_preset

    if preset is None:
        if reading is not None or clock is not None:
            raise OptionError("--reading and --clock belong to a preset; give --preset too")
        text = draft_agreement(client=client, timezone=timezone)
    else:
        text = draft_from_preset(Agreement.preset(preset, timezone=timezone, client=client, reading=reading, clock=clock))
    if out == "-":
        sys.stdout.write(text)
        return
    path = Path(out)
    if path.exists() and not force:
        raise OptionError(f"--out {out!r} is there already; choose another name, or --force to write over it")
    if not path.parent.is_dir():
        raise OptionError(f"--out {out!r}: there is no folder {str(path.parent)!r}; make it first")
    path.write_text(text, encoding="utf-8")
    error_console.print(f"written: {escape(out)}; edit it, then: ccstats agreement check {escape(out)}", soft_wrap=True)


@commands.command()
def check(file: Annotated[str, typer.Argument(help="The agreement, a TOML file.")]) -> None:
    """Print an agreement in words; exit status 2, with file, line and key, where it is none."""
    from ccstats.agreement import Agreement
    from ccstats.report.cells import printable

    for line in Agreement.from_toml(Path(file)).describe().splitlines():
        console().print(escape(printable(line)), soft_wrap=True)


@commands.command()
def presets() -> None:
    """List the targets of all presets, with source, date and confidence."""
    from ccstats.agreement import Agreement
    from ccstats.agreement.describing import describe_target
    from ccstats.report.cells import printable

    table = Agreement.presets()
    for preset, rows in table.groupby("id", sort=False):
        for reading in sorted(set(rows["reading"]) - {""}) or [None]:
            agreement = Agreement.preset(str(preset), reading=reading)
            lines = [f"{preset}{f', --reading {reading}' if reading else ''}", f"  {agreement.note}"]
            for line in [*lines, *(line for target in agreement.targets for line in describe_target(agreement, target)), ""]:
                console().print(escape(printable(line)), soft_wrap=True)


@commands.command()
def schema() -> None:
    """Print the JSON Schema of an agreement, with which editors complete and check it."""
    from ccstats.agreement import Agreement

    sys.stdout.write(json.dumps(Agreement.json_schema(), indent=2, ensure_ascii=False) + "\n")
