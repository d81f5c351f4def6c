"""What every command needs of the shell: the application, consoles, tables and progress on them, and errors in one message."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ccstats import __version__
from ccstats.errors import CcstatsError, DataWarning

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Lang", "Zone", "app", "console", "error_console", "main", "print_table", "progress_bar"]

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


error_console = Console(stderr=True, highlight=False)

Zone = Annotated[
    str | None,
    typer.Option(
        "--timezone", "-z", envvar="CCSTATS_TIMEZONE", help="Zone of the centre, such as Europe/Istanbul: days, months and wall clocks."
    ),
]


Lang = Annotated[
    str, typer.Option("--lang", envvar="CCSTATS_LANG", help="Language of what people read: en, de, es or tr. CSV columns stay as they are.")
]


def console() -> _Console:
    """Standard output as it is now.

    Examples
    --------
    >>> console().soft_wrap
    False
    """
    return _Console(highlight=False)


def print_table(table: pd.DataFrame, *, title: str = "", period: str | None = None, lang: str = "en") -> None:
    """The table as wide as it is; on a narrower screen in several blocks that repeat the first columns, so that no figure is cut."""
    import pandas as pd
    from rich.table import Table

    from ccstats.report.cells import present, printable

    shown = present(table, period=period, lang=lang).map(printable)
    right = [pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    widths = [max([len(name), *map(len, shown[name])]) + 3 for name in shown.columns]
    keys = next((at for at, number in enumerate(right) if number), len(right))
    room = console().width if sys.stdout.isatty() else None
    if title:
        console().print(f"[bold]{escape(printable(title))}[/]", soft_wrap=True)
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
def progress_bar(what: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error; silent where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=error_console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(what, total=None)

        def report(text: str, share: float) -> None:
            bar.update(task, description=escape(text), total=1.0, completed=share)

        yield report


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ccstats {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    pass


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
        error_console.print(f"[bold red]ccstats:[/] {escape(_printable_lines(str(error)))}", soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:  # of what we write without the console
        _Console().on_broken_pipe()
    except OSError as error:  # standard output cannot be written: a full disk
        error_console.print(f"[bold red]ccstats:[/] {escape(str(error.strerror))}: the output cannot be written", soft_wrap=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)


def _printable_lines(text: str) -> str:
    from ccstats.report.cells import printable

    return "\n".join(map(printable, text.splitlines()))


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    if issubclass(category, DataWarning):
        error_console.print(f"[bold yellow]note:[/] {escape(_printable_lines(str(message)))}", soft_wrap=True)
