"""Listening: on this machine's own address only, until somebody says stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from ccstats.app.guard import LOOPBACK, protect
from ccstats.errors import OptionError

if TYPE_CHECKING:
    from dash import Dash

__all__ = ["serve_page"]


def serve_page(page: Dash, *, port: int = 0, ready: Callable[[str], object]) -> None:
    """Serve a page until the process is interrupted (Ctrl-C).

    Parameters
    ----------
    page : dash.Dash
        As `build_page` makes it.
    port : int
        Where to listen; 0 takes a port that is free.
    ready : callable
        Called with the address as soon as the page can be opened.

    Raises
    ------
    OptionError
        If the port is taken, or none.

    Examples
    --------
    >>> from dash import Dash
    >>> serve_page(Dash("example"), port=70_000, ready=print)
    Traceback (most recent call last):
    ...
    ccstats.errors.OptionError: port=70000: expected a free port from 1 to 65535, or 0 for any: ...
    """
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for every request
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise OptionError(f"port={port}: expected a free port from 1 to 65535, or 0 for any: {error}") from None
        listening.listen()
        port = listening.getsockname()[1]
        protect(page.server, port, scripts=page.csp_hashes())
        server = make_server(LOOPBACK, port, page.server, threaded=True, fd=listening.fileno())
        ready(f"http://{LOOPBACK}:{port}/")
        server.serve_forever()
