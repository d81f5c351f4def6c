"""The shell's face: arguments in, tables and files out, and no logic of its own.

Exit status: 0 done, 1 findings (``check``), 2 bad input. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ccstats import __version__
from ccstats.errors import CcstatsError, DataWarning, OptionError, ZoneError

if TYPE_CHECKING:
    import pandas as pd

    from ccstats.readers.contract import Log

__all__ = ["app", "main"]

app = typer.Typer(
    name="ccstats",
    help="Call-centre logs into decisions: read them, measure the service, and say which definition was used.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader of our output (head, less) has seen enough: that is no finding."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


_err = Console(stderr=True, highlight=False)

Logs = Annotated[list[str], typer.Argument(metavar="LOG…", help="Log files or globs (.gz, .bz2, .xz, .zst too); - is standard input.")]
Format = Annotated[
    str | None, typer.Option("--format", "-f", help="The log's format; see [bold]ccstats formats[/]. Recognised if left out.")
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--timezone", "-z", envvar="CCSTATS_TIMEZONE", help="Zone of the centre, such as Europe/Istanbul: days, months and wall clocks."
    ),
]
Clock = Annotated[str | None, typer.Option("--clock", help="Zone the log's own wall clock stood in, where it is another than --timezone.")]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", "-m", help="TOML mapping for --format mapped; draft one with [bold]ccstats map[/].")
]
Period = Annotated[str, typer.Option("--period", "-p", help="interval, hour, day, week, month, weekday, slot, or all.")]
By = Annotated[str, typer.Option("--by", "-b", help="Columns to group by, comma separated; empty for totals only.")]
Threshold = Annotated[
    list[str], typer.Option("--threshold", "-t", help="Service-level threshold in seconds; repeat as QUEUE=SECONDS for single queues.")
]


def _console() -> _Console:
    return _Console(highlight=False)


def _print_table(table: pd.DataFrame, *, title: str = "", period: str | None = None) -> None:
    """The table as wide as it is; on a narrower screen in several blocks that repeat the first columns, so that no figure is cut."""
    import pandas as pd
    from rich.table import Table

    from ccstats.report.cells import present, printable

    shown = present(table, period=period).map(printable)
    right = [pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    widths = [max([len(name), *map(len, shown[name])]) + 3 for name in shown.columns]
    keys = next((at for at, number in enumerate(right) if number), len(right))
    room = _console().width if sys.stdout.isatty() else None
    if title:
        _console().print(f"[bold]{escape(printable(title))}[/]", soft_wrap=True)
    for block in _blocks(widths, keys, room):
        grid = Table(header_style="bold")
        for at in block:
            grid.add_column(escape(shown.columns[at]), justify="right" if right[at] else "left", overflow="fold")
        for row in shown.iloc[:, block].itertuples(index=False):
            grid.add_row(*map(escape, row))
        _Console(highlight=False, width=room or sum(widths) + 1).print(grid)


def _blocks(widths: list[int], keys: int, room: int | None) -> list[list[int]]:
    """Columns to print side by side: all where there is room, else as many as fit beside the first ``keys``."""
    if room is None or sum(widths) < room or keys == len(widths):
        return [list(range(len(widths)))]
    blocks: list[list[int]] = []
    for at in range(keys, len(widths)):
        if not blocks or sum(widths[each] for each in [*blocks[-1], at]) >= room:
            blocks.append(list(range(keys)))
        blocks[-1].append(at)
    return blocks


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error; silent where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=_err, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(what, total=None)

        def report(text: str, share: float) -> None:
            bar.update(task, description=escape(text), total=1.0, completed=share)

        yield report


def _read(
    logs: list[str], *, format: str | None, timezone: str | None, clock: str | None, mapping: Path | None = None, **options: Any
) -> Log:
    from ccstats.readers import read

    source: Any = [sys.stdin.buffer if name == "-" else name for name in logs]
    if mapping is not None:
        options["mapping"] = mapping
        format = format or "mapped"
    with _progress("reading") as progress:
        return read(source[0] if len(source) == 1 else source, format=format, timezone=clock or timezone, progress=progress, **options)


def _needed(timezone: str | None) -> str:
    if timezone is None:
        raise ZoneError("--timezone is missing: days and months need the zone of the centre, for example --timezone Europe/Istanbul")
    return timezone


def _thresholds(given: list[str], option: str, queues: list[str]) -> float | dict[str, float] | None:
    """``20`` and ``sales=30`` in words of the library: one number, or a number per queue."""
    default: float | None = None
    single: dict[str, float] = {}
    for text in given:
        queue, equals, seconds = text.rpartition("=")
        try:
            value = float(seconds)
        except ValueError:
            raise OptionError(f"{option} {text!r}: expected seconds such as 20, or QUEUE=SECONDS such as sales=30") from None
        if equals:
            single[queue] = value
        else:
            default = value
    unknown = sorted(set(single) - set(queues))
    if unknown:
        raise OptionError(f"{option}: no queue {', '.join(unknown)} in the log; it has: {', '.join(queues)}")
    if not single:
        return default
    return {queue: single.get(queue, default) for queue in queues if queue in single or default is not None}  # type: ignore[misc]


def _columns(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ccstats {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    pass


@app.command()
def report(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    period: Period = "month",
    by: By = "queue",
    threshold: Threshold = ["20"],  # noqa: B006 - Typer reads defaults as they stand
    short: Annotated[list[str], typer.Option("--short", "-s", help="Short-abandon threshold in seconds; repeat as QUEUE=SECONDS.")] = [],  # noqa: B006
    definition: Annotated[
        str, typer.Option("--definition", "-d", help="Which service level stands first, such as sl_excl_short.")
    ] = "service_level",
    every: Annotated[str, typer.Option("--every", help="Length of the intervals beneath.")] = "30min",
    out: Annotated[str | None, typer.Option("--out", "-o", help="Folder for report.md and CSV tables; - prints the table as CSV.")] = None,
) -> None:
    """The service-level table of a log: by queue and month unless asked otherwise."""
    from ccstats.report import build_service_report, write_service_report
    from ccstats.report.files import csv_text

    zone = _needed(timezone)
    log = _read(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    queues = [str(queue) for queue in log.contacts["queue"].cat.categories]
    with _progress("counting"):
        made = build_service_report(
            log,
            timezone=zone,
            period=None if period == "all" else period,
            by=_columns(by),
            every=every,
            threshold_s=_thresholds(threshold, "--threshold", queues),
            short_s=_thresholds(short, "--short", queues),
            definition=definition,
        )
    if out == "-":
        sys.stdout.write(csv_text(made.groups))
        return
    _print_table(made.headline(), title=f"Service level of {', '.join(made.sources)} ({zone})", period=made.period)
    from ccstats.metrics import METRICS
    from ccstats.report.cells import printable

    said = f"{definition} = {METRICS[definition].formula}; threshold {made.threshold}, inclusive; short-abandon rule {made.short}"
    _console().print(escape(printable(said)), soft_wrap=True)
    findings = {"rejected lines": log.count("rejected"), "repaired or assumed": int(log.notes["count"].sum())}
    if any(findings.values()):
        said = "; ".join(f"{what}: {number:,}" for what, number in findings.items() if number)
        _err.print(f"{said}. [bold]ccstats check[/] says which and why.", soft_wrap=True)
    if out is not None:
        for path in write_service_report(made, out):
            _err.print(f"wrote {escape(str(path))}")


@app.command()
def check(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    show: Annotated[int, typer.Option("--show", min=0, help="How many rejected lines to list.")] = 20,
    text: Annotated[bool, typer.Option("--text", help="Show the rejected lines themselves: they may hold personal data.")] = False,
) -> None:
    """What became of every line: used, ignored by rule, or rejected and why; sums and oddities. Exit status 1 if there are findings."""
    from ccstats.service.reconciliation import reconcile

    log = _read(logs, format=format, timezone=timezone, clock=clock, mapping=mapping, keep_text=text)
    _print_table(log.summary(), title=f"Lines of {', '.join(dict.fromkeys(log.lines['source'].astype(str)))} (format {log.format})")
    _console().print(
        f"{log.count():,} lines = {log.count('used'):,} used + {log.count('ignored'):,} ignored + {log.count('rejected'):,} rejected; "
        f"{len(log.contacts):,} visits of {log.contacts['contact_id'].nunique():,} contacts, {len(log.agent_states):,} agent states"
    )
    outcomes = log.contacts["outcome"].value_counts()
    _print_table(outcomes[outcomes > 0].rename_axis("outcome").reset_index(name="visits"), title="Outcomes")
    checks = reconcile(log)
    _print_table(checks, title="Sums")
    if len(log.notes):
        _print_table(log.notes, title="Repaired or assumed")
    if len(log.rejected):
        _print_table(log.rejected.head(show), title=f"Rejected ({min(show, len(log.rejected)):,} of {len(log.rejected):,})")
    if len(log.rejected) or not checks["ok"].all():
        raise typer.Exit(1)


@app.command()
def stats(
    logs: Logs,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    at_least: Annotated[int, typer.Option("--at-least", min=0, help="Blank agents with fewer answered contacts than this.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the tables as CSV.")] = None,
) -> None:
    """Waits, agents, transfers, who hung up and why contacts went unanswered."""
    from ccstats.report.files import write_tables
    from ccstats.report.statistics import build_statistics

    zone = _needed(timezone)
    log = _read(logs, format=format, timezone=zone, clock=clock, mapping=mapping)
    with _progress("counting"):
        tables = build_statistics(log, timezone=zone, at_least=at_least)
    for name, table in tables.items():
        _print_table(table, title=name.replace("_", " ").capitalize())
    if out is not None:
        for path in write_tables(tables, out):
            _err.print(f"wrote {escape(str(path))}")


@app.command()
def formats() -> None:
    """The log formats that can be read, what they yield, and how sure we are."""
    from ccstats.readers import formats as known

    _print_table(known())


@app.command(name="map")
def draft(
    file: Annotated[str, typer.Argument(help="A table: CSV, TSV, Excel or Parquet.")],
    timezone: Zone = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write the draft; standard output if left out.")] = None,
) -> None:
    """Draft a mapping from a file's header and first rows, for you to finish."""
    from ccstats.readers.drafting import draft_mapping
    from ccstats.report.files import write_text

    text = draft_mapping(sys.stdin.buffer if file == "-" else file, timezone=timezone)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(out, text)
        _err.print(f"wrote {escape(str(out))}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path("ccstats-demo"),
) -> None:
    """The main job on a bundled log: a three-queue centre over two months, of our own making."""
    from ccstats.readers.bundled import sample_log

    log = sample_log()
    _err.print(f"reading the bundled log {escape(log.name)}")
    with contextlib.suppress(typer.Exit):
        check([str(log)])
    report([str(log)], timezone="Europe/Berlin", out=str(out))
    stats([str(log)], timezone="Europe/Berlin", out=out)
    _err.print(f"The same by hand: ccstats report {escape(str(log))} --timezone Europe/Berlin --threshold 20 --out {escape(str(out))}")


def main() -> None:
    """Run the command line; errors of ours become one message and exit status 2.

    Examples
    --------
    >>> main.__name__
    'main'
    """
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    warnings.simplefilter("always", DataWarning)
    try:
        app()
    except CcstatsError as error:
        _err.print(f"[bold red]ccstats:[/] {escape(_printable_lines(str(error)))}", soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:  # of what we write without the console
        _Console().on_broken_pipe()
    except OSError as error:  # standard output cannot be written: a full disk
        _err.print(f"[bold red]ccstats:[/] {escape(str(error.strerror))}: the output cannot be written", soft_wrap=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)


def _printable_lines(text: str) -> str:
    from ccstats.report.cells import printable

    return "\n".join(map(printable, text.splitlines()))


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    if issubclass(category, DataWarning):
        _err.print(f"[bold yellow]note:[/] {escape(_printable_lines(str(message)))}", soft_wrap=True)


if __name__ == "__main__":
    main()
