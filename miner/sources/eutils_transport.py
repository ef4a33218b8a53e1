"""One POST to NCBI with a clock on the whole of it: connecting, headers and body."""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

MAX_BODY = 512 * 1024 * 1024
CHUNK = 64 * 1024
SHUT_EVERY = 0.05


class Transient(Exception):
    """An answer that is none and may be one on the next try; ``retry_after`` is what the server asks for, in seconds."""

    def __init__(self, problem: str, *, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """Status, headers and whole body of an answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """Send a form to NCBI and return the answer, within ``timeout`` seconds by the wall.

    The timeouts of requests run anew with every byte that arrives, so that a server that drips would hold it for ever.
    Here a watcher shuts the sockets down, again and again until the request has ended: one that connects late has none yet.
    """

    def __init__(self, session: requests.Session | None = None) -> None:
        self._adapter = WatchedAdapter()
        self._session = session or requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def post(self, url: str, form: Mapping[str, str], *, timeout: float, on_headers: Callable[[], object] = lambda: None) -> Answer:
        """Post a form and call ``on_headers`` when the answer begins; whatever goes wrong below HTTP is Transient."""
        done = threading.Event()
        started = time.monotonic()
        threading.Thread(target=self._watch, args=(done, timeout), daemon=True).start()
        try:
            return self._post(url, form, timeout, on_headers)
        except (requests.RequestException, OSError, ValueError, AttributeError) as error:
            late = time.monotonic() - started >= timeout
            raise Transient(f"no whole answer within {timeout:g} s" if late else _reason(error)) from None
        finally:
            done.set()

    def _watch(self, done: threading.Event, timeout: float) -> None:
        wait = timeout
        while not done.wait(wait):
            self._adapter.shut()
            wait = SHUT_EVERY

    def _post(self, url: str, form: Mapping[str, str], timeout: float, on_headers: Callable[[], object]) -> Answer:
        with self._session.post(url, data=dict(form), timeout=timeout, stream=True, allow_redirects=False) as response:
            on_headers()
            parts, size = [], 0
            for part in response.iter_content(CHUNK):
                parts.append(part)
                size += len(part)
                if size > MAX_BODY:
                    raise OSError(f"the answer is longer than {MAX_BODY} bytes")
            body = b"".join(parts)
            return Answer(response.status_code, body, dict(response.headers))


def _reason(error: Exception) -> str:
    """Say what went wrong without the addresses of objects that urllib3 puts in."""
    inner = error
    while inner.args and isinstance(inner.args[0], Exception):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    if isinstance(reason, Exception):
        inner = reason
    return f"{type(inner).__name__}: {str(inner).split('>: ')[-1]}"


class WatchedAdapter(HTTPAdapter):
    """An adapter that knows its open connections and can shut them all."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections report to this adapter."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool.ConnectionCls, "watched"):
            pool.ConnectionCls = _watched(HTTPSConnection if pool.scheme == "https" else HTTPConnection, self._note)
        return pool

    def _note(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connections.add(connection)

    def shut(self) -> None:
        """Shut every open socket down, so that whoever waits on it wakes up."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            sock = connection.sock
            if sock is not None:
                with suppress(Exception):  # whatever one socket says, the watch goes on
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _watched(base: type[HTTPConnection], report: Callable[[HTTPConnection], None]) -> type[HTTPConnection]:
    class Watched(base):  # type: ignore[misc,valid-type]
        watched = True

        def connect(self) -> None:
            report(self)
            super().connect()

    return Watched
