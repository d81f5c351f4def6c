"""The planner's and analyst's page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ccstats.cli.logs import Clock, Format, Mapping, needed_zone
from ccstats.cli.shell import Lang, Zone, app, console, error_console, progress_bar
from ccstats.cli.staffing import share_of
from ccstats.errors import CcstatsError, OptionError

__all__ = ["serve"]

_EXAMPLES = """[bold]Examples[/]

ccstats serve queue_log* --timezone Europe/Istanbul

ccstats serve archive --timezone Europe/Istanbul

ccstats serve forecast.csv --timezone Europe/Berlin --service-level 90/10 --shrinkage 32% --port 8050

ccstats serve plan.csv --timezone Europe/Berlin --lang de"""

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG_OR_FORECAST…",
        help="Log files or globs; an archive; a table of intervals, forecast or plan; or a folder of ours that holds one.",
    ),
]


@app.command(epilog=_EXAMPLES)
def serve(
    sources: Sources,
    format: Format = None,
    timezone: Zone = None,
    clock: Clock = None,
    mapping: Mapping = None,
    service_level: Annotated[
        str, typer.Option("--service-level", "-s", metavar="SHARE/SECONDS", help="What the page begins with, such as 80/20.")
    ] = "80/20",
    shrinkage: Annotated[str, typer.Option("--shrinkage", help="What the page begins with, such as 30%.")] = "30%",
    every: Annotated[str, typer.Option("--every", help="Length of the intervals that contacts of a log are counted in.")] = "30min",
    aht: Annotated[float | None, typer.Option("--aht", help="Handle time in seconds, where a file of counts has none.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Where to listen; 0 takes a port that is free.")] = 8050,
    agent_names: Annotated[bool, typer.Option("--agent-names", help="Show the agents of contacts; they are left out otherwise.")] = False,
    lang: Lang = "en",
) -> None:
    """Open a page to plan with and to look into what happened, for the browser of this machine only. Ctrl-C ends it.

    Needs the extra [bold]app[/].
    """
    from ccstats.labels import check_language
    from ccstats.report.cells import printable

    zone, lang = needed_zone(timezone), check_language(lang)
    target, threshold = _asked(service_level)
    begins = _share(shrinkage)
    try:
        from ccstats.app.centre import open_centre
        from ccstats.app.page import build_page
        from ccstats.app.server import serve_page
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ccstats"):
            raise
        raise CcstatsError(f"the page needs {error.name}, which is not installed: pip install 'ccstats[app]'") from None
    with progress_bar("reading") as progress:
        centre = open_centre(
            sources,
            timezone=zone,
            format=format,
            clock=clock,
            mapping=mapping,
            every=every,
            threshold_s=threshold,
            aht_s=aht,
            progress=progress,
        )
    for said in centre.notes:
        error_console.print(f"[bold yellow]note:[/] {escape(printable(said))}", soft_wrap=True)

    def ready(address: str) -> None:
        console().print(address)
        error_console.print("open it in a browser on this machine; Ctrl-C ends it")

    serve_page(build_page(centre, target=target, shrinkage=begins, agent_names=agent_names, lang=lang), port=port, ready=ready)


def _asked(text: str) -> tuple[float, float]:
    share, _, seconds = text.partition("/")
    try:
        target, threshold = share_of(share, "--service-level"), float(seconds)
    except ValueError:
        target = threshold = None
    if target is None or threshold is None or not 0 < target < 1 or not 0 <= threshold <= 86_400:
        raise OptionError(f"--service-level {text!r}: expected SHARE/SECONDS such as 80/20")
    return target, threshold


def _share(text: str) -> float:
    share = share_of(text, "--shrinkage")
    if share is None or not 0 <= share <= 0.95:
        raise OptionError(f"--shrinkage {text!r}: expected a share from 0% to 95%")
    return share
