"""The command that keeps logs: as Parquet, to which later ones are added."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Mapping, read_logs
from ccstats.cli.shell import Zone, app, console
from ccstats.errors import OptionError

__all__ = ["convert"]

_EXAMPLES = """[bold]Examples[/]

ccstats convert 'logs/queue_log*' archive

CCSTATS_KEY=secret ccstats convert march.csv archive --format vicidial --timezone America/Chicago

ccstats report archive --timezone Europe/Berlin --agreement agreement.toml --out report"""


@app.command(epilog=_EXAMPLES)
def convert(
    logs: Annotated[
        list[str], typer.Argument(metavar="LOG… ARCHIVE", help="Log files or globs of one log, and the folder they are added to.")
    ],
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    key: Annotated[
        str | None,
        typer.Option("--key", envvar="CCSTATS_KEY", help="Secret for customers' pseudonyms; without one customers are not kept."),
    ] = None,
) -> None:
    """Logs into an archive: Parquet by month and queue, that ccstats report, cc.scan and other programs read.

    The same log twice adds nothing; what was open where an earlier log ended is completed by a later one. Name the file that calls began
    in together with the one they end in.
    """
    from ccstats.engines.archive import write_archive

    if len(logs) < 2:
        raise OptionError("name the logs and then the folder of the archive: ccstats convert LOG… ARCHIVE")
    *sources, folder = logs
    log = read_logs(sources, format=format, timezone=timezone, clock=clock, mapping=mapping, key=key)
    done = write_archive(log, folder, customers=key is not None)
    console().print(
        f"{log.count():,} lines: {log.count('used'):,} used, {log.count('ignored'):,} ignored, {log.count('rejected'):,} rejected; "
        f"{len(log.contacts):,} visits, {len(log.agent_states):,} agent states"
    )
    console().print(
        f"{done.added:,} rows added, {done.completed:,} completed, {done.known:,} were there; "
        f"{done.files:,} files of {escape(folder)} written",
        soft_wrap=True,
    )
