"""The fault server itself: it answers as NCBI does, and every fault of the list shows on the wire."""

from __future__ import annotations

import datetime
import json
import socket
import time
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.http.faults import FAULTS
from tests.http.records import Fake
from tests.http.server import FakeNcbi

JUNE = datetime.date(2024, 6, 9)


@pytest.fixture
def server() -> Iterator[FakeNcbi]:
    records = [Fake(11, "One.", version=2), Fake(12, "Two.", created=JUNE, changed=JUNE, version=2), Fake(13, "A chapter.", book=True)]
    with FakeNcbi(records) as running:
        yield running


def ask(server: FakeNcbi, utility: str, *, patience: float = 5.0, **form: str) -> bytes:
    """Return all bytes that come back, or what came until ``patience`` was over or the connection broke."""
    body = urllib.parse.urlencode(form).encode()
    head = f"POST /entrez/eutils/{utility} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    host = urllib.parse.urlsplit(server.url)
    got = b""
    with socket.create_connection((host.hostname, host.port), timeout=patience) as connection:
        until = time.monotonic() + patience
        try:
            connection.sendall(head + body)
            connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < until and (part := connection.recv(65_536)):
                got += part
        except OSError as error:
            got += f" [{type(error).__name__}]".encode()
    return got


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def search(server: FakeNcbi, **form: str) -> dict[str, object]:
    return json.loads(body(ask(server, "esearch.fcgi", term="x", **form)), strict=False)["esearchresult"]


def test_esearch_pages_through_all_records_the_newest_first(server: FakeNcbi) -> None:
    assert search(server, retmax="2") == {"count": "3", "retmax": "2", "retstart": "0", "idlist": ["13", "12"]}
    assert search(server, retmax="2", retstart="2")["idlist"] == ["11"]


def test_beyond_the_wall_a_page_is_an_error_in_a_200_with_a_raw_newline_and_across_it_is_clamped(server: FakeNcbi) -> None:
    server.wall = 2
    answer = ask(server, "esearch.fcgi", term="x", retstart="2")
    assert answer.startswith(b"HTTP/1.1 200 ") and b"Exception:\n'retstart' cannot be larger than 1." in answer
    assert search(server, retstart="1", retmax="20") == {"count": "3", "retmax": "1", "retstart": "1", "idlist": ["12"]}


def test_epost_gives_a_handle_under_which_efetch_and_esummary_find_the_records_until_it_expires(server: FakeNcbi) -> None:
    posted = body(ask(server, "epost.fcgi", id="12,13"))
    assert posted == b"<ePostResult><QueryKey>1</QueryKey><WebEnv>MCID_1</WebEnv></ePostResult>"
    handle = {"WebEnv": "MCID_1", "query_key": "1"}
    fetched = body(ask(server, "efetch.fcgi", **handle))
    assert [b'<PMID Version="2">12<' in fetched, b"NBK13" in fetched, b">11<" in fetched] == [True, True, False]
    assert b"NBK13" in body(ask(server, "efetch.fcgi", retstart="1", retmax="1", **handle))
    assert json.loads(body(ask(server, "esummary.fcgi", **handle)))["result"]["uids"] == ["12", "13"]
    server.posted.clear()
    for utility in ("efetch.fcgi", "esummary.fcgi"):
        answer = ask(server, utility, **handle)
        assert answer.startswith(b"HTTP/1.1 200 ") and b"<ERROR>Unable to obtain query #1</ERROR>" in answer


def test_esummary_tells_what_is_held_and_what_is_not(server: FakeNcbi) -> None:
    assert json.loads(body(ask(server, "esummary.fcgi", id="11,99")))["result"] == {
        "uids": ["11"],
        "11": {"uid": "11", "title": "One."},
        "99": {"uid": "99", "error": "cannot get document summary"},
    }


def test_efetch_leaves_out_what_is_not_available(server: FakeNcbi) -> None:
    server.gone = {12}
    fetched = body(ask(server, "efetch.fcgi", id="11,12,99"))
    assert [b">11<" in fetched, b">12<" in fetched, b">99<" in fetched] == [True, False, False]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_shows_on_the_wire(server: FakeNcbi, name: str) -> None:
    """A fault that changes nothing would let every other test pass."""
    for utility in ("esearch.fcgi", "efetch.fcgi"):
        clean = ask(server, utility, term="x", id="11,12,13")
        server.plan = [name]
        spoilt = ask(server, utility, patience=0.2, term="x", id="11,12,13")
        assert (spoilt != clean) == (FAULTS[name].utility in (None, utility))
        server.reset()


def test_the_limit_is_kept_per_sliding_second(server: FakeNcbi) -> None:
    server.limit = 2
    codes = [ask(server, "esearch.fcgi", term="x").split()[1] for _ in range(3)]
    assert codes == [b"200", b"200", b"429"]
