"""Who may talk to the page: this machine's own browser, asking for it by its own name, from the page itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

__all__ = ["LOOPBACK", "protect"]

#: The only address the page is bound to.
LOOPBACK = "127.0.0.1"

#: Everything comes from the page's own server; the browser refuses the rest, whatever a library would like to load. Styles may stand in
#: elements, as Dash sets them.
_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def protect(server: Flask, port: int, *, scripts: Sequence[str]) -> None:
    """Refuse requests under another name or from another page, and let the browser load nothing from elsewhere.

    Parameters
    ----------
    server : flask.Flask
        The server.
    port : int
        The port it listens on.
    scripts : sequence of str
        Hashes of the scripts that stand in the page, as the content security policy writes them.

    Notes
    -----
    A name that somebody else's name server points to this machine (DNS rebinding) is not among the hosts. A page of somebody else in the
    same browser sends its own ``Origin``, or says by ``Sec-Fetch-Site`` that it is not ours; only opening the page by a link is allowed.
    There is no WebSocket: who asks for one gets no more than others.

    Examples
    --------
    >>> server = Flask("example")
    >>> protect(server, 8050, scripts=[])
    >>> [server.test_client().get("/", headers={"Host": host}).status_code for host in ("evil.example", "localhost:8050")]
    [403, 404]
    """
    hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")} | ({LOOPBACK, "localhost"} if port == 80 else set())
    headers = {
        "Content-Security-Policy": _POLICY.format(scripts=" ".join(scripts)),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    server.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @server.before_request
    def check() -> None:
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        opened = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if request.environ.get("HTTP_HOST") not in hosts:
            abort(_refusal(f"this page is http://{LOOPBACK}:{port}/ and has no other name"))
        if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc not in hosts):
            abort(_refusal("asked for by another page"))
        if site not in ("none", "same-origin") and not opened:
            abort(_refusal("asked for by another page"))
        if "upgrade" in request.headers.get("Connection", "").lower():
            abort(_refusal("there is no WebSocket"))

    @server.after_request
    def seal(response: Any) -> Any:
        response.headers.update(headers)
        if request.path.startswith(("/_dash-update", "/chart/")) or request.path in ("/", "/_dash-layout"):
            response.headers["Cache-Control"] = "no-store"  # contacts are nobody else's
        return response


def _refusal(why: str) -> Response:
    return Response(f"refused: {why}\n", status=403, mimetype="text/plain")
