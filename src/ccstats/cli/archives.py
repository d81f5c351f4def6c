"""The command that keeps logs: as Parquet, to which later ones are added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Mapping, read_logs
from ccstats.cli.shell import Zone, app, console, progress_bar
from ccstats.cli.sources import asked_of, names_archive
from ccstats.errors import OptionError

if TYPE_CHECKING:
    from ccstats.readers.contract import Log

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

    The same log twice adds nothing; what was open where an earlier log ended is completed by a later one. Files are read one after
    another, a queue_log's in order of time: name the file that calls began in together with the one they end in.
    """
    from ccstats.engines.converting import convert_parts

    if len(logs) < 2:
        raise OptionError("name the logs and then the folder of the archive: ccstats convert LOG… ARCHIVE")
    *sources, folder = logs
    parts = _parts(sources, format=format, timezone=timezone, clock=clock, mapping=mapping, key=key)
    log, done = convert_parts(parts, folder, customers=key is not None)
    console().print(
        f"{log.count():,} lines: {log.count('used'):,} used, {log.count('ignored'):,} ignored, {log.count('rejected'):,} rejected; "
        f"{log.visits:,} visits, {log.agent_states:,} agent states"
    )
    console().print(
        f"{done.added:,} rows added, {done.completed:,} completed, {done.known:,} were there; "
        f"{done.files:,} files of {escape(folder)} written",
        soft_wrap=True,
    )


def _parts(
    logs: list[str], *, format: str | None, timezone: str | None, clock: str | None, mapping: Path | None, key: str | None
) -> Iterator[Log]:
    """Logs that together are what `read_logs` gives, and need not fit into memory together."""
    from ccstats.readers.file_by_file import read_file_by_file

    if names_archive(logs):
        yield read_logs(logs, format=format, timezone=timezone, clock=clock)
        return
    source, format, options = asked_of(logs, format, mapping, {"key": key})
    with progress_bar("reading") as progress:
        yield from read_file_by_file(source, format=format, timezone=clock or timezone, progress=progress, **options)
