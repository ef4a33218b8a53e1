"""What stands between the browser and the pages: host, size and origin checks, tokens for writes, headers on every answer."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "[::1]")
MAX_URL = 6_000
MAX_BODY = 64_000
SESSION, CURATOR = "miner_session", "miner_curator"
MAX_NAME = 80
_YEAR = 365 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Under "no-referrer" a browser sends the forms of these pages with a null origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Refuse what no page should see, and put the headers on whatever is answered."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), broken: Callable[[Request, Exception], Response] | None = None) -> None:
        self.app = app
        self.broken = broken
        self.hosts = frozenset(host.casefold() for host in (*LOCAL, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        refused = self._refused(scope)
        try:
            await (refused or self.app)(scope, receive, answer)
        except Exception as error:
            if begun or self.broken is None:
                raise
            await self.broken(Request(scope), error)(scope, receive, answer)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if hostname(headers.get("host", "")) not in self.hosts:
            return PlainTextResponse("This server does not go by that name; start it with --allow-host NAME.\n", 400)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL:
            if scope["path"].startswith("/api/"):
                return JSONResponse({"detail": "the address is too long"}, 400)
            return PlainTextResponse("The address is too long.\n", 414)
        if scope["method"] in ("GET", "HEAD"):
            return None
        length = headers.get("content-length", "0" if "transfer-encoding" not in headers else "")
        if not length.isdigit():
            return PlainTextResponse("How long the request is must be told.\n", 411)
        return PlainTextResponse("The request is too large.\n", 413) if int(length) > MAX_BODY else None


def hostname(value: str) -> str:
    """Return the name in a Host header, without its port."""
    value = value.strip().casefold()
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Tokens:
    """Tokens for writes: each is bound to the session's cookie and to this process."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def session(self, request: Request) -> str | None:
        """Return the session that the browser holds, where it is of the right shape."""
        held = request.cookies.get(SESSION, "")
        return held if len(held) == 32 and held.isalnum() and held.isascii() else None

    def token(self, session: str) -> str:
        """Return the token of a session."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def fits(self, request: Request, token: str) -> bool:
        """Tell whether a token belongs to the session of a request."""
        session = self.session(request)
        return session is not None and hmac.compare_digest(self.token(session).encode(), token.encode("utf-8", "replace"))


def new_session() -> str:
    """Return the name of a new session."""
    return secrets.token_hex(16)


def is_same_origin(request: Request) -> bool:
    """Tell whether a request to write comes from a page of this server, as far as the browser says; programs say nothing."""
    if (site := request.headers.get("sec-fetch-site")) is not None and site not in ("same-origin", "none"):
        return False
    told = request.headers.get("origin") or request.headers.get("referer")
    return told is None or urlsplit(told).netloc.casefold() == request.headers.get("host", "").casefold()


def curator_of(request: Request) -> str:
    """Return the name that the curator gave, or nothing."""
    return clean_name(unquote(request.cookies.get(CURATOR, ""), errors="replace"))


def clean_name(name: str) -> str:
    """Return a name in one line without what cannot be printed, at most ``MAX_NAME`` characters long."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())[:MAX_NAME].strip()


def keep_session(response: Response, session: str) -> None:
    """Hand the session to the browser."""
    response.set_cookie(SESSION, session, httponly=True, samesite="lax")


def keep_curator(response: Response, name: str) -> None:
    """Have the browser remember who curates, or forget it."""
    if name:
        response.set_cookie(CURATOR, quote(name), max_age=_YEAR, httponly=True, samesite="lax")
    else:
        response.delete_cookie(CURATOR, httponly=True, samesite="lax")
