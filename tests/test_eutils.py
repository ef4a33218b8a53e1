"""The E-utilities client against a server that misbehaves."""

from __future__ import annotations

import datetime
import gc
import json
import logging
import multiprocessing
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from miner.config import Settings
from miner.errors import ConfigError, StoreError, UpstreamError
from miner.sources.eutils import Eutils, dated
from miner.sources.eutils_answers import check_status, read_search
from miner.sources.eutils_transport import TALKING, Answer, Transient
from tests.http.faults import FAULTS, PASSING, told
from tests.http.records import Fake
from tests.http.server import FakeNcbi, LargeNcbi, sliding_maximum

KEY = "0123456789abcdef"


@pytest.fixture
def server() -> Iterator[FakeNcbi]:
    with FakeNcbi(Fake(pmid, f"Title {pmid}.") for pmid in (11, 12, 13)) as running:
        yield running


def client(server: FakeNcbi, tmp_path: Path, *, key: str | None = KEY, **changes: float) -> Eutils:
    session = requests.Session()
    session.trust_env = False
    given = {"timeout": 1.0, "deadline": 20.0, "batch_size": 2, **changes}
    settings = Settings(email="you@lab.org", api_key=key, base_url=server.url, cache_dir=tmp_path, **given)
    return Eutils(settings, session=session, first_wait=0.01, longest_wait=0.05, window=0.01)


def test_search_gives_every_pmid_in_growing_order(server: FakeNcbi, tmp_path: Path) -> None:
    assert client(server, tmp_path).search("NTRK1[tiab]") == ["11", "12", "13"]


def test_count(server: FakeNcbi, tmp_path: Path) -> None:
    assert client(server, tmp_path).count("NTRK1[tiab]") == 3


def test_an_empty_set_is_an_answer(server: FakeNcbi, tmp_path: Path) -> None:
    server.records.clear()
    server.stay = "nothing found"
    assert client(server, tmp_path).search("NTRK1[tiab]") == []


def test_every_request_is_a_post_that_names_tool_and_email_and_hides_the_key(server: FakeNcbi, tmp_path: Path) -> None:
    eutils = client(server, tmp_path)
    list(eutils.fetch(eutils.search("NTRK1[tiab]")))
    assert Settings().base_url == "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"  # the host that NCBI names
    for request in server.requests:
        assert (request.method, request.form["tool"], request.form["email"]) == ("POST", "ntrk-miner", "you@lab.org")
        assert request.form["api_key"] == KEY
        assert "?" not in request.target


def test_without_an_email_nothing_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--email"):
        Eutils(Settings(cache_dir=tmp_path))


@pytest.mark.parametrize(
    ("datetype", "expected"),
    [("crdt", ["2"]), ("mdat", ["1", "2"])],
)
def test_an_interval_is_asked_by_the_day_of_adding_or_changing(tmp_path: Path, datetype: str, expected: list[str]) -> None:
    may, june = datetime.date(2024, 5, 1), datetime.date(2024, 6, 1)
    records = [Fake(1, created=may, changed=june), Fake(2, created=june, changed=june), Fake(3, created=may, changed=may)]
    with FakeNcbi(records) as server:
        assert client(server, tmp_path).search("x", mindate=june, maxdate=june, datetype=datetype) == expected


def test_dated_keeps_the_query_in_brackets() -> None:
    day = datetime.date(2024, 5, 1)
    assert dated("a OR b", day, None, "crdt") == "(a OR b) AND 2024/05/01:3000/12/31[crdt]"
    assert dated("a OR b", None, None, "crdt") == "a OR b"
    with pytest.raises(ValueError, match="pdat"):
        dated("a", day, None, "pdat")


def test_beyond_the_wall_the_walk_over_uids_finds_each_pmid_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.sources.eutils.PAGE", 7)
    skewed = [*range(1, 4), *range(30_000_000, 30_000_040), 41_000_000]
    with FakeNcbi(map(Fake, skewed)) as server:
        server.wall = 7
        found = client(server, tmp_path, deadline=30).search("x")
    assert found == [str(pmid) for pmid in skewed]


def test_a_record_that_comes_during_the_walk_does_not_confuse_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.sources.eutils.PAGE", 7)
    with FakeNcbi(map(Fake, range(1, 11))) as server:
        find, asked = server.find, 0

        def find_and_grow(term: str) -> list[int]:
            nonlocal asked
            asked += 1
            if asked == 3:
                server.records[900_000_000] = Fake(900_000_000)
            return find(term)

        server.find = find_and_grow  # type: ignore[method-assign]
        assert client(server, tmp_path, deadline=30).search("x") == [*map(str, range(1, 11)), "900000000"]


def test_a_count_that_never_holds_still_is_upstream_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.sources.eutils.PAGE", 7)
    with FakeNcbi(map(Fake, range(1, 11))) as server:
        find = server.find

        def find_more(term: str) -> list[int]:
            found = find(term)
            return found if "UID" in term else [*found, *range(10_000 + len(server.requests), 11_000)]

        server.find = find_more  # type: ignore[method-assign]
        with pytest.raises(UpstreamError, match="did not hold still"):
            client(server, tmp_path, deadline=30).search("x")


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("phrase dropped", "'blorptinib'"),
        ("field dropped", "'tiabx'"),
        ("phrase ignored", "'the'"),
        ("quotes dropped", "fusion of nothing"),
        ("wildcard cut", "first 600"),
        ("brackets mended", "Unbalanced parentheses"),
        ("something new", "'oddity' (novelty)"),
        ("bare warning", "the query was shortened"),
    ],
)
def test_a_query_that_pubmed_changed_fails_and_names_the_phrase(server: FakeNcbi, tmp_path: Path, fault: str, named: str) -> None:
    server.stay = fault
    with pytest.raises(ConfigError, match=re.escape(named)):
        client(server, tmp_path).search("blorptinib[tiab]")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [*PASSING, "hang", "drip headers", "drip body", "search error", "no count", "no ids", "count is text", "short page", "double id"],
)
def test_a_search_fault_that_passes_ends_in_success(server: FakeNcbi, tmp_path: Path, fault: str) -> None:
    server.plan = [fault]
    eutils = client(server, tmp_path)
    assert eutils.search("x") == ["11", "12", "13"]
    assert (eutils.traffic.requests, eutils.traffic.retries) == (2, 1)


@pytest.mark.parametrize(
    "fault",
    [
        *PASSING,
        "hang",
        "drip headers",
        "drip body",
        "error in 200",
        "error in set",
        "cut in a tag",
        "cut between records",
        "one missing",
        "one extra",
    ],
)
def test_a_fetch_fault_that_passes_ends_in_success(server: FakeNcbi, tmp_path: Path, fault: str) -> None:
    server.plan = [fault]
    bodies = list(client(server, tmp_path, batch_size=3).fetch(["11", "12", "13"]))
    assert len(bodies) == 1
    assert [f"Title {pmid}." in bodies[0].decode() for pmid in (11, 12, 13)] == [True, True, True]
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", ["doubled", "reordered"])
def test_doubles_and_order_do_not_matter(server: FakeNcbi, tmp_path: Path, fault: str) -> None:
    server.plan = [fault]
    assert len(list(client(server, tmp_path, batch_size=3).fetch(["11", "12", "13"]))) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", sorted(set(PASSING) | {"hang", "drip headers", "drip body", "429 long"}))
def test_a_fault_that_stays_is_upstream_trouble_within_the_deadline(server: FakeNcbi, tmp_path: Path, fault: str) -> None:
    server.stay = fault
    eutils = client(server, tmp_path, timeout=0.2, deadline=0.3)
    with pytest.raises(UpstreamError, match=r"EFetch of PMID 11 to 12.* tries in ") as told:
        list(eutils.fetch(["11", "12"]))
    assert KEY not in str(told.value)


def test_a_long_retry_after_ends_the_run_at_once(server: FakeNcbi, tmp_path: Path) -> None:
    server.stay = "429 long"
    with pytest.raises(UpstreamError, match="HTTP 429"):
        client(server, tmp_path).count("x")
    assert len(server.requests) == 1


def test_retry_after_is_waited_for(server: FakeNcbi, tmp_path: Path) -> None:
    server.plan = ["429 retry-after"]
    client(server, tmp_path).count("x")
    first, second = (request.arrived for request in server.requests)
    assert second - first >= 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:30 GMT", 0.0), ("soon", None), ("", None)],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(monkeypatch: pytest.MonkeyPatch, header: str, seconds: float | None) -> None:
    monkeypatch.setattr("miner.sources.eutils_answers.time.time", lambda: 100.0)
    with pytest.raises(Transient, match="HTTP 503") as told:
        check_status(Answer(503, b"", {"retry-after": header}))
    assert told.value.retry_after == seconds


def test_a_name_server_that_does_not_answer_does_not_escape_the_deadline(
    server: FakeNcbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, answered, waiting = socket.getaddrinfo, threading.Event(), []

    def slowly(*arguments: Any, **named: Any) -> Any:
        waiting.append(threading.current_thread())
        answered.wait(60)
        return look_up(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    started = time.monotonic()
    with pytest.raises(UpstreamError, match="no whole answer within"):
        client(server, tmp_path, timeout=0.2, deadline=0.3).count("x")
    assert time.monotonic() - started < 30  # the name server would take 60
    answered.set()
    for thread in waiting:
        thread.join(10)
        assert not thread.is_alive()
    assert server.requests == []  # what connects too late sends nothing


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files cannot be counted here")
def test_a_client_that_is_closed_leaves_no_connection_open(server: FakeNcbi, tmp_path: Path) -> None:
    def connections() -> int:
        held = (os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
        return sum(1 for target in held if target.startswith("socket:"))

    gc.collect()
    gc.disable()  # what only the collector closes stays open in a job that makes little garbage
    try:
        before = connections()
        for _ in range(10):
            with client(server, tmp_path) as eutils:
                eutils.count("x")
        until = time.monotonic() + 10
        while connections() > before and time.monotonic() < until:
            time.sleep(0.01)  # the server's side closes a moment later
        assert connections() <= before
    finally:
        gc.enable()


def test_a_refused_key_is_a_matter_of_configuration(server: FakeNcbi, tmp_path: Path) -> None:
    server.stay = "bad key"
    with pytest.raises(ConfigError, match="API key") as told:
        client(server, tmp_path).count("x")
    assert KEY not in str(told.value)


def test_nobody_listening_is_upstream_trouble(server: FakeNcbi, tmp_path: Path) -> None:
    eutils = client(server, tmp_path, deadline=0.3)
    server.__exit__()
    with pytest.raises(UpstreamError, match=r"ESearch: NewConnectionError: 127\.0\.0\.1:\d+: Failed to establish"):
        eutils.count("x")


def test_the_key_is_in_no_log(server: FakeNcbi, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server.plan = ["429", "reset"]
    with caplog.at_level(logging.DEBUG):
        client(server, tmp_path).count("x")
    assert "trying again" in caplog.text
    assert KEY not in caplog.text


def test_a_record_that_stays_missing_is_named(server: FakeNcbi, tmp_path: Path) -> None:
    server.gone = {12}
    with pytest.raises(UpstreamError, match="PMID 12"):
        list(client(server, tmp_path).fetch(["11", "12", "13"]))


def test_a_record_that_stays_missing_can_be_accounted_for(server: FakeNcbi, tmp_path: Path) -> None:
    server.gone = {12}
    missing: list[str] = []
    bodies = b"".join(client(server, tmp_path).fetch(["11", "12", "13"], on_missing=missing.append))
    assert missing == ["12"]
    assert [f"Title {pmid}.".encode() in bodies for pmid in (11, 12, 13)] == [True, False, True]


def test_books_count_as_records(tmp_path: Path) -> None:
    with FakeNcbi([Fake(5, "A chapter.", book=True), Fake(6)]) as server:
        assert len(list(client(server, tmp_path).fetch(["5", "6"]))) == 1


def test_xml_that_declares_entities_is_refused(server: FakeNcbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = b'<!DOCTYPE PubmedArticleSet [<!ENTITY a "x">]><PubmedArticleSet><PubmedArticle/></PubmedArticleSet>'
    monkeypatch.setitem(FAULTS, "entities", FAULTS["empty"].__class__(answer=lambda a: a.__class__(body=bomb)))
    server.stay = "entities"
    with pytest.raises(UpstreamError, match="declares entities"):
        list(client(server, tmp_path, deadline=0.3).fetch(["11"]))


def test_a_million_records_with_skewed_dates_are_walked_exactly(tmp_path: Path) -> None:
    chance = random.Random(7)
    dense, thin = range(30_000_000, 30_700_000), chance.sample(range(1, 30_000_000), 250_000)
    pmids = sorted({*dense, *thin, *chance.sample(range(40_000_000, 2**30 - 1), 50_000)})
    assert len(pmids) == 1_000_000
    one, other = datetime.date(2000, 1, 1), datetime.date(2024, 6, 1)
    # Two thirds were added on one day, as when an archive is loaded; the rest on days far apart.
    days = {pmid: one if pmid % 3 else other - datetime.timedelta(days=pmid % 7_000) for pmid in pmids}
    with LargeNcbi(days) as server:
        eutils = client(server, tmp_path, timeout=60, deadline=300)
        assert eutils.search("x") == list(map(str, pmids))
        walked = len(server.requests)
        on_that_day = eutils.search("x", mindate=one, maxdate=one)
        assert on_that_day == [str(pmid) for pmid in pmids if days[pmid] == one]
        assert len(on_that_day) > 666_000
        late = eutils.search("x", mindate=other)
        assert late == [str(pmid) for pmid in pmids if days[pmid] >= other]
    assert walked < 500


def test_existing_tells_the_known_from_the_unknown(server: FakeNcbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.sources.eutils.EXISTING_AT_ONCE", 2)
    eutils = client(server, tmp_path)
    assert eutils.existing(["10", "11", "12", "14", "13"]) == {"11", "12", "13"}
    assert [form["term"] for form in server.forms("esearch.fcgi")] == [
        "(10:10[UID] OR 11:11[UID])",
        "(12:12[UID] OR 14:14[UID])",
        "(13:13[UID])",
    ]


def test_a_range_that_finds_nothing_widens_no_query_of_ranges(server: FakeNcbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "empty range", told("errorlist", "phrasesnotfound", "10:10[UID]"))
    server.stay = "empty range"
    assert client(server, tmp_path).existing(["10", "11"]) == {"11"}
    with pytest.raises(ConfigError, match="10:10"):
        client(server, tmp_path).search("x")


@pytest.mark.parametrize(
    "phrase",
    ["5:9[UID]", "2024/06/07:3000/12/31[crdt]", '"2024/06/07"[Date - Create] : "3000/12/31"[Date - Create]', '("5"[UID] : "9"[UID])'],
)
def test_a_range_in_which_nothing_lies_drops_nothing_where_nothing_is_found(phrase: str) -> None:
    def answer(count: int) -> Answer:
        result = {"count": str(count), "idlist": ["1"] * count, "errorlist": {"phrasesnotfound": [phrase]}}
        return Answer(200, json.dumps({"esearchresult": result}).encode())

    assert read_search(answer(0), retmax=9).pmids == ()
    with pytest.raises(ConfigError, match="phrasesnotfound"):
        read_search(answer(1), retmax=9)


def test_a_connection_that_comes_late_does_not_escape_the_deadline(
    server: FakeNcbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = urllib3.util.connection.create_connection

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.4)
        return connect(*args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.create_connection", slowly)
    server.stay = "drip body"
    started = time.monotonic()
    with pytest.raises(UpstreamError):
        client(server, tmp_path, timeout=0.2, deadline=0.3).count("x")
    assert time.monotonic() - started < 20  # the body would drip for 200


@pytest.mark.parametrize("fault", ["drip body", "drip headers", "hang"])
def test_a_request_that_had_its_time_keeps_no_connection_and_no_thread(server: FakeNcbi, tmp_path: Path, fault: str) -> None:
    server.stay = fault
    with pytest.raises(UpstreamError):
        client(server, tmp_path, timeout=0.1, deadline=0.15).count("x")
    for thread in [thread for thread in threading.enumerate() if thread.name == TALKING]:
        thread.join(10)
        assert not thread.is_alive()


def test_no_free_slot_before_the_deadline_is_upstream_trouble(server: FakeNcbi, tmp_path: Path) -> None:
    eutils = client(server, tmp_path, key=None, deadline=0.3)
    (tmp_path / "eutils-address.slots").write_text(
        json.dumps([{"token": str(n), "start": time.monotonic(), "end": None, "pid": os.getppid()} for n in range(3)])
    )
    with pytest.raises(UpstreamError, match="no free slot"):
        eutils.count("x")
    assert server.requests == []


def test_slots_that_cannot_be_written_are_told(server: FakeNcbi, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"name another cache_dir \(MINER_CACHE_DIR"):
        client(server, tmp_path / "file")


def _ask(url: str, folder: str, times: int, key: str | None) -> None:
    session = requests.Session()
    session.trust_env = False
    eutils = Eutils(Settings(email="you@lab.org", base_url=url, cache_dir=Path(folder), api_key=key), session=session)
    for _ in range(times):
        eutils.count("x")


@pytest.mark.parametrize(("key", "limit", "times"), [(None, 3, 3), (KEY, 10, 8)])
def test_four_processes_share_the_limit_in_every_sliding_second(
    server: FakeNcbi, tmp_path: Path, key: str | None, limit: int, times: int
) -> None:
    server.limit = limit
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_ask, args=(server.url, str(tmp_path), times, key)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    arrivals = [request.arrived for request in server.requests]
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(arrivals) == 4 * times  # none was answered 429 and asked again
    assert sliding_maximum(arrivals) <= limit


def test_slots_of_a_dead_process_come_free(tmp_path: Path) -> None:
    from miner.sources.politeness import Politeness

    now = 100.0
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    path = tmp_path / "slots"
    path.write_text('[{"token": "a", "start": 99.0, "end": null, "pid": 999999999}]')
    with Politeness(path, 1, clock=lambda: now, sleep=sleep).slot():
        assert 1.0 <= sum(waits) <= 1.1
