"""One POST to NCBI with a clock on the whole of it: connecting, headers and body."""

from __future__ import annotations

import math
import queue
import re
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
GRACE = 1.0
TALKING = "eutils"
_CONNECTION = re.compile(r"^\w+\(host='([^']*)', port=(\d+)\): ")


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

    The timeouts of requests run anew with every byte that arrives, so that a server that drips would hold it for ever, and
    looking up the host's address knows none at all. So a thread of its own does the talking. When the time is over its
    sockets are shut down, again and again until it has ended; where it does not end (it waits for a name server) it is
    left behind, and should it ever connect, it sends nothing.
    """

    def __init__(self, session: requests.Session | None = None) -> None:
        self._adapter = WatchedAdapter()
        self._session = session or requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._session.close()

    def post(self, url: str, form: Mapping[str, str], *, timeout: float, on_headers: Callable[[], object] = lambda: None) -> Answer:
        """Post a form and call ``on_headers`` when the answer begins; whatever goes wrong below HTTP is Transient."""
        told: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        until = time.monotonic() + timeout

        def talk() -> None:
            self._adapter.until.value = until
            try:
                told.put(self._post(url, form, timeout, on_headers))
            except Exception as error:
                told.put(error)

        threading.Thread(target=talk, name=TALKING, daemon=True).start()
        outcome = self._outcome(told, until)
        late = time.monotonic() >= until
        if isinstance(outcome, Answer):
            return outcome
        if outcome is None or isinstance(outcome, (requests.RequestException, OSError, ValueError, AttributeError)):
            raise Transient(f"no whole answer within {timeout:g} s" if late or outcome is None else _reason(outcome)) from None
        raise outcome

    def _outcome(self, told: queue.SimpleQueue[Answer | Exception], until: float) -> Answer | Exception | None:
        """Return what came of a request; None where it does not even end when its sockets are shut."""
        wait, last = until - time.monotonic(), until + GRACE
        while time.monotonic() < last:
            try:
                return told.get(timeout=max(wait, 0.0))
            except queue.Empty:
                self._adapter.shut()
                wait = SHUT_EVERY
        return None

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
    said = _CONNECTION.sub(r"\1:\2: ", str(inner).split(">: ")[-1])
    return f"{type(inner).__name__}: {said}"


class WatchedAdapter(HTTPAdapter):
    """An adapter that knows its open connections and can shut them all."""

    def __init__(self) -> None:
        self.until = threading.local()
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections report to this adapter."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool.ConnectionCls, "watched"):
            pool.ConnectionCls = _watched(HTTPSConnection if pool.scheme == "https" else HTTPConnection, self)
        return pool

    def note(self, connection: HTTPConnection) -> None:
        """Know a connection."""
        with self._lock:
            self._connections.add(connection)

    def check_time(self) -> None:
        """Raise where the request of this thread has had its time."""
        if time.monotonic() >= getattr(self.until, "value", math.inf):
            raise TimeoutError("connected too late")

    def shut(self) -> None:
        """Shut every open socket down, so that whoever waits on it wakes up."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            sock = connection.sock
            if sock is not None:
                with suppress(Exception):  # whatever one socket says, the watch goes on
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _watched(base: type[HTTPConnection], adapter: WatchedAdapter) -> type[HTTPConnection]:
    class Watched(base):  # type: ignore[misc,valid-type]
        watched = True

        def connect(self) -> None:
            adapter.note(self)
            super().connect()
            try:
                adapter.check_time()
            except TimeoutError:
                self.close()
                raise

    return Watched
