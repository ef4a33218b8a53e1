"""A fake of the E-utilities on raw sockets, over any set of records, with faults that can be switched."""

from __future__ import annotations

import bisect
import datetime
import email.utils
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.http.faults import FAULTS, Answer, Fault
from tests.http.records import Fake, document

_ANY_OF = re.compile(r"\((\d+:\d+\[UID\](?: OR \d+:\d+\[UID\])+)\)", re.IGNORECASE)
_UIDS = re.compile(r"(\d+):(\d+)\[UID\]", re.IGNORECASE)
_DATES = re.compile(r"(\d{4})/(\d\d)/(\d\d):(\d{4})/(\d\d)/(\d\d)\[(crdt|mdat|edat)\]", re.IGNORECASE)
EXPIRED = b"<?xml version='1.0'?><eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>"
WALL = 9_999
DRIP = 0.02


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    arrived: float
    method: str
    target: str
    utility: str
    form: dict[str, str] = field(default_factory=dict)


class FakeNcbi:
    """Answers ESearch, EPost, EFetch and ESummary on a port of its own; a context manager.

    ``plan`` names the faults of the next requests (None is an answer as it should be); when it is over, ``stay`` is the
    fault of every request, or None. ``limit`` answers 429 to more requests than that in a sliding second. What EPost takes
    is kept under a handle until ``posted`` is emptied, which is how a handle expires. ``date`` is what the Date header says.
    """

    def __init__(self, records: Iterable[Fake] = (), *, limit: int | None = None) -> None:
        self.records = {fake.pmid: fake for fake in records}
        self.plan: list[str | None] = []
        self.stay: str | None = None
        self.limit = limit
        self.wall = WALL
        self.requests: list[Request] = []
        self.gone: set[int] = set()
        self.posted: dict[str, list[int]] = {}
        self.date: datetime.datetime | None = None
        self.refusing = threading.Lock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/entrez/eutils/"

    def __enter__(self) -> FakeNcbi:
        self._listen()
        return self

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def refuse(self, seconds: float) -> None:
        """Take no connections for a while."""
        address = self._socket.getsockname()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        time.sleep(seconds)
        if not self._closing.is_set():
            self._socket = socket.create_server(address, backlog=64)
            self._listen()

    def reset(self) -> None:
        """Forget the requests and whatever was to go wrong."""
        self.plan, self.stay, self.requests = [], None, []

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def forms(self, utility: str) -> list[dict[str, str]]:
        """Forms of the requests to one utility, in order."""
        return [request.form for request in self.requests if request.utility == utility]

    # talking

    def _accept(self, listening: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError, ValueError):
            while not self._closing.is_set():
                request = _read_request(stream)
                if request is None:
                    return
                fault = self._note(request)
                WIRES[fault.wire](self, connection, self._dated(fault.answer(self._answer(request, fault))))
                if fault.wire != "whole":
                    return

    def _note(self, request: Request) -> Fault:
        """Record a request and return what shall go wrong with it."""
        with self._lock:
            self.requests.append(request)
            recent = [r for r in self.requests if request.arrived - r.arrived < 1.0]
            if self.limit is not None and len(recent) > self.limit:
                return FAULTS["429"]
            name = self.stay
            if self.plan and FAULTS.get(self.plan[0] or "", Fault()).utility in (None, request.utility):
                name = self.plan.pop(0)
            fault = FAULTS[name] if name else Fault()
            return fault if fault.utility in (None, request.utility) else Fault()

    def _answer(self, request: Request, fault: Fault) -> Answer:
        match request.utility:
            case "esearch.fcgi":
                return self._search(request.form, fault)
            case "epost.fcgi":
                return self._post(_ids(request.form))
            case "efetch.fcgi" | "esummary.fcgi":
                pmids = self._meant(request.form)
                if pmids is None:
                    return Answer(body=EXPIRED)
                if request.utility == "esummary.fcgi":
                    return _json({"result": self._summaries(pmids)})
                found = [self.records[pmid] for pmid in pmids if pmid in self.records and pmid not in self.gone]
                return Answer(body=document(fault.records(found)))
        return Answer(404, (), b"no such utility")

    def _dated(self, answer: Answer) -> Answer:
        if self.date is None:
            return answer
        return replace(answer, headers=(*answer.headers, ("Date", email.utils.format_datetime(self.date, usegmt=True))))

    def _search(self, form: dict[str, str], fault: Fault) -> Answer:
        start, size = int(form.get("retstart", "0")), int(form.get("retmax", "20"))
        found = self.find(form["term"])
        if start >= self.wall:
            result: dict[str, object] = {"ERROR": f"Search Backend failed: Exception:\n'retstart' cannot be larger than {self.wall - 1}."}
        else:
            page = found[start : min(start + size, self.wall)]
            result = {"count": str(len(found)), "retmax": str(len(page)), "retstart": str(start), "idlist": [str(p) for p in page]}
        return _json({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": fault.result(result)})

    def _post(self, pmids: list[int]) -> Answer:
        handle = f"MCID_{len(self.posted) + 1}"
        self.posted[handle] = pmids
        return Answer(body=f"<ePostResult><QueryKey>1</QueryKey><WebEnv>{handle}</WebEnv></ePostResult>".encode())

    def _meant(self, form: dict[str, str]) -> list[int] | None:
        """The PMIDs that a request names, or that lie under the handle it names; None where that has expired."""
        if "WebEnv" not in form:
            return _ids(form)
        held = self.posted.get(form["WebEnv"])
        start, size = int(form.get("retstart", "0")), int(form.get("retmax", "20"))
        return None if held is None else held[start : start + size]

    def _summaries(self, pmids: list[int]) -> dict[str, object]:
        held: dict[str, object] = {str(p): {"uid": str(p), "title": self.records[p].title} for p in pmids if p in self.records}
        unknown = {str(p): {"uid": str(p), "error": "cannot get document summary"} for p in pmids if p not in self.records}
        return {"uids": list(held), **held, **unknown}

    def find(self, term: str) -> list[int]:
        """PMIDs of the records within every range of the term, the newest first; the words of the term do not matter."""
        found: Iterable[Fake] = (self.records[pmid] for pmid in sorted(self.records, reverse=True))
        for group in _ANY_OF.findall(term):
            ranges = [(int(low), int(high)) for low, high in _UIDS.findall(group)]
            found = [fake for fake in found if any(low <= fake.pmid <= high for low, high in ranges)]
        for low, high in _UIDS.findall(_ANY_OF.sub("", term)):
            found = [fake for fake in found if int(low) <= fake.pmid <= int(high)]
        for first, last, kind in dates(term):
            found = [fake for fake in found if first <= fake.day(kind) <= last]
        return [fake.pmid for fake in found]


def dates(term: str) -> list[tuple[datetime.date, datetime.date, str]]:
    """The intervals of days that a term asks for: first, last, kind."""
    found = [(numbers, kind.lower()) for *numbers, kind in _DATES.findall(term)]
    return [(datetime.date(*map(int, numbers[:3])), datetime.date(*map(int, numbers[3:])), kind) for numbers, kind in found]


class LargeNcbi(FakeNcbi):
    """An index of very many PMIDs with the day on which each was added; no records behind it."""

    def __init__(self, created: Mapping[int, datetime.date]) -> None:
        super().__init__()
        self._days = created
        self._found: dict[tuple[tuple[datetime.date, datetime.date, str], ...], list[int]] = {(): sorted(created)}

    def find(self, term: str) -> list[int]:
        """PMIDs within every range of the term, the newest first."""
        wanted = tuple(dates(term))
        if wanted not in self._found:
            self._found[wanted] = [pmid for pmid in self._found[()] if all(a <= self._days[pmid] <= b for a, b, _ in wanted)]
        pmids, low, high = self._found[wanted], 0, 2**62
        for start, end in _UIDS.findall(term):
            low, high = max(low, int(start)), min(high, int(end))
        return pmids[bisect.bisect_left(pmids, low) : bisect.bisect_right(pmids, high)][::-1]


def _ids(form: dict[str, str]) -> list[int]:
    return [int(pmid) for pmid in form.get("id", "").split(",") if pmid.strip().isdigit()]


def _json(document: object) -> Answer:
    # Real answers hold raw newlines inside strings; json.dumps would escape them.
    return Answer(body=json.dumps(document).replace("\\n", "\n").encode(), content_type="application/json; charset=UTF-8")


def _read_request(stream: Iterator[bytes]) -> Request | None:
    line = stream.readline()  # type: ignore[attr-defined]
    if not line.strip():
        return None
    method, target, _ = line.decode("ascii").split(" ", 2)
    length = 0
    while (header := stream.readline().strip()) != b"":  # type: ignore[attr-defined]
        name, _, value = header.decode("latin-1").partition(":")
        length = int(value) if name.lower() == "content-length" else length
    content = stream.read(length)  # type: ignore[attr-defined]
    if len(content) < length:  # whoever asked is gone
        return None
    body = content.decode("utf-8")
    address = urllib.parse.urlsplit(target)
    form = dict(urllib.parse.parse_qsl(address.query) + urllib.parse.parse_qsl(body))
    return Request(time.monotonic(), method, target, address.path.rsplit("/", 1)[-1], form)


# what can happen on the wire


def _head(answer: Answer, length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Fake", f"Content-Type: {answer.content_type}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _whole(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, len(answer.body)) + answer.body)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _reset_at_once(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    _reset(connection)


def _refuse(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    _reset(connection)
    with server.refusing:
        server.refuse(DRIP)


def _reset_in_body(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, len(answer.body)) + answer.body[: len(answer.body) // 2])
    time.sleep(DRIP)
    _reset(connection)


def _hang(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.settimeout(60)
    with suppress(OSError):
        connection.recv(1)  # until whoever asked has gone


def _drip(server: FakeNcbi, connection: socket.socket, content: bytes) -> None:
    for position in range(len(content)):
        if server._closing.wait(DRIP):
            return
        connection.sendall(content[position : position + 1])


def _drip_headers(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(b"HTTP/1.1 200 Fake\r\n")
    _drip(server, connection, b"X-Slow: " + b"a" * 10_000)


def _drip_body(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, 10_000))
    _drip(server, connection, b" " * 10_000)


def _too_long(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, len(answer.body) + 100) + answer.body)


def _too_short(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, max(0, len(answer.body) - 10)) + answer.body)


def _no_last_chunk(server: FakeNcbi, connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_head(answer, None) + f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n")


WIRES: dict[str, Callable[[FakeNcbi, socket.socket, Answer], None]] = {
    "whole": _whole,
    "reset": _reset_at_once,
    "refuse": _refuse,
    "reset in the body": _reset_in_body,
    "hang": _hang,
    "drip headers": _drip_headers,
    "drip body": _drip_body,
    "length too long": _too_long,
    "length too short": _too_short,
    "last chunk missing": _no_last_chunk,
}


def sliding_maximum(times: Sequence[float], window: float = 1.0) -> int:
    """Return the largest number of moments within any half-open window."""
    ordered = sorted(times)
    return max((sum(1 for t in ordered[i:] if t - start < window) for i, start in enumerate(ordered)), default=0)
