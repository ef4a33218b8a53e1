"""What can be in the way of the job: a full disk, a wrong clock, another's database, a bug; and what must not be told."""

from __future__ import annotations

import datetime
import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miner.errors import ConfigError, InputError, MinerError, StoreError, UpstreamError
from miner.evidence.store import Store
from miner.refresh import refresh
from miner.refresh.health import health
from tests.http.bench import FUSED, OTHER, START, TOPIC, Bench, fused
from tests.http.faults import FAULTS, status
from tests.http.records import Fake
from tests.http.server import FakeNcbi

MAY, JUNE = datetime.date(2024, 5, 1), datetime.date(2024, 6, 9)
NEWER = "An NTRK2 fusion drives it after all."
KEY = "5ec2e7c0ffee5ec2e7"


def old(pmid: int, text: str = FUSED, **more: Any) -> Fake:
    return fused(pmid, text, **{"created": MAY, "changed": MAY, **more})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def server() -> Iterator[FakeNcbi]:
    with FakeNcbi([old(n) for n in range(1, 6)]) as running:
        yield running


def night(bench: Bench, server: FakeNcbi, *, days: int = 1, **more: Any) -> Any:
    """The next night's run."""
    bench.later(days=days)
    server.requests.clear()
    return bench.live(server, **more)


def terms(server: FakeNcbi) -> list[str]:
    return [form["term"].removeprefix(f"({TOPIC.query}) AND ") for form in server.forms("esearch.fcgi")]


# the clock


def test_a_clock_that_is_far_from_that_of_pubmed_ends_the_run(bench: Bench, server: FakeNcbi) -> None:
    server.date = START + datetime.timedelta(hours=20)
    assert bench.live(server).outcome == "done"
    before = bench.exported()
    for days in (3, 400):
        server.date = START - datetime.timedelta(days=days)
        with pytest.raises(ConfigError, match=rf"2024-06-1\dT03:0\d:\d\dZ, that of PubMed {server.date:%Y-%m-%d}T03:00:00Z; set it right"):
            night(bench, server)
        assert (bench.exported(), bench.watermark()) == (before, "2024-06-10T03:00:00Z")
        assert server.forms("efetch.fcgi") == []
    assert not (bench.folder / "evidence.db.spool").exists()


def test_a_clock_that_goes_wrong_while_the_job_is_cut_off_is_noticed(bench: Bench, server: FakeNcbi) -> None:
    server.plan = [None, None, *["500"] * 500]
    bench.change(deadline=0.2)
    with pytest.raises(UpstreamError):
        bench.live(server)
    server.reset()
    bench.change(deadline=20.0)
    server.date = START
    with pytest.raises(ConfigError, match="set it right"):
        night(bench, server, days=60)
    assert not bench.settings.db.exists()


def test_a_run_that_takes_days_has_no_wrong_clock(bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 10**9, 86_400))
    monkeypatch.setattr("miner.refresh.live.monotonic", lambda: float(next(moments)))  # a day passes with every look
    server.date = START + datetime.timedelta(days=1.6)
    assert bench.live(server).outcome == "done"


def test_what_came_while_the_clock_was_ahead_is_found_when_it_is_set_right(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    night(bench, server, days=3650)
    server.records[2] = old(2, NEWER, changed=datetime.date(2024, 7, 1))  # no run asks for this while the clock is ahead
    assert night(bench, server).changed == 0
    bench.later(days=-3651 + 90)
    with pytest.raises(ConfigError, match="run with --reconcile"):
        bench.live(server)
    server.requests.clear()
    report = bench.live(server, reconcile=True)
    assert (report.outcome, report.changed, bench.held()["2"][0]) == ("done", 1, NEWER)
    assert terms(server)[:2] == ["2024/06/07:3000/12/31[mdat]", "2024/06/07:3000/12/31[crdt]"]
    assert bench.watermark() == "2024-09-08T03:00:00Z"


def test_a_clock_that_was_ahead_from_the_first_run_on_has_everything_asked_for_again(bench: Bench, server: FakeNcbi) -> None:
    bench.later(days=3650)
    bench.live(server)
    server.records[2] = old(2, NEWER, changed=datetime.date(2024, 6, 11))
    bench.later(days=-3649)
    report = bench.live(server, reconcile=True)
    assert (report.changed, report.fetched) == (1, 5)


def test_a_comparison_made_while_the_clock_was_ahead_puts_no_later_one_off(bench: Bench, server: FakeNcbi) -> None:
    bench.later(days=3650)
    bench.live(server)
    bench.later(days=-3649)
    bench.live(server, reconcile=True)
    server.records[7] = old(7)
    report = night(bench, server, days=30)
    assert (report.new, report.whole) == (1, 1)


@pytest.mark.parametrize("kind", ["live", "files"])
def test_a_base_that_is_complete_up_to_a_day_to_come_is_stale(bench: Bench, server: FakeNcbi, kind: str) -> None:
    def run() -> None:
        bench.live(server) if kind == "live" else bench.refresh(bench.xml(f"{bench.moment:%Y%m%d}.xml", fused(1)))

    def state(moment: datetime.datetime) -> tuple[bool, bool]:
        with Store.open(bench.settings.db, readonly=True) as store:
            found = health(store, TOPIC.name, limit_hours=36, now=moment)
        return found.stale, "still to come" in found.text()

    bench.later(days=900)
    run()
    assert state(START) == (True, True)
    assert state(bench.moment - datetime.timedelta(hours=20)) == (False, False)
    bench.moment = START
    if kind == "files":
        bench.refresh(bench.xml("again.xml", fused(2)))
        assert state(START) == (False, False)


# nothing found


def test_a_query_that_finds_nothing_at_all_is_no_first_run(bench: Bench, server: FakeNcbi) -> None:
    server.records.clear()
    with pytest.raises(ConfigError, match="finds nothing at all for the query of topic ntrk-nsclc"):
        bench.live(server)
    assert not bench.settings.db.exists()


def test_an_index_that_is_empty_for_a_night_is_upstream_trouble(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    before, held = bench.exported(), dict(server.records)
    server.records.clear()
    with pytest.raises(UpstreamError, match="where records are held"):
        night(bench, server, reconcile=True)
    assert (bench.exported(), bench.watermark()) == (before, "2024-06-10T03:00:00Z")
    server.records = held
    assert night(bench, server, reconcile=True).outcome == "done"


# the disk


def grown(server: FakeNcbi) -> None:
    server.records |= {n: old(n, created=JUNE, changed=JUNE, abstract=[(None, "An NTRK1 fusion. " * 12)]) for n in range(10, 40)}


def test_wherever_sqlite_finds_no_room_the_database_stays_as_it_was(
    bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.live(server)
    grown(server)
    before, watermark, connect = bench.exported(), bench.watermark(), sqlite3.connect
    with sqlite3.connect(bench.settings.db) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    bench.later(days=1)
    codes = []
    for more in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 1000):

        def limited(*arguments: Any, most: int = pages + more, **named: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **named)
            connection.execute(f"PRAGMA max_page_count = {most}")
            return connection

        monkeypatch.setattr(sqlite3, "connect", limited)
        try:
            codes.append({"done": 0}.get(bench.live(server).outcome, 3))
        except StoreError as error:
            codes.append(error.exit_code)
            assert "the disk is full; free some space and run again" in str(error)
        finally:
            monkeypatch.setattr(sqlite3, "connect", connect)
        if codes[-1] == 0:
            break
        assert (bench.exported(), bench.watermark()) == (before, watermark)
    assert (set(codes[:-1]), codes[-1], len(codes) > 5) == ({73}, 0, True)
    assert (len(bench.held()), bench.watermark()) == (35, "2024-06-11T03:00:00Z")


def mount(place: Path, size: int, *more: str) -> bool:
    options = ",".join([*more, f"size={size}k"])
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", place], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("held", [False, True])
def test_a_disk_that_is_really_full_ends_the_run_and_with_more_room_the_next_goes_on(bench: Bench, server: FakeNcbi, held: bool) -> None:
    place = bench.folder / "small"
    place.mkdir()
    codes = []
    if held:
        bench.live(server)
        bench.later(days=1)
    grown(server)
    for size in (16, 64, 200, 260, 330, 8192):
        if not mount(place, size):
            pytest.skip("no file system can be mounted here")
        try:
            small = Bench(place)
            small.moment = bench.moment
            if held and size > 160:
                shutil.copy(bench.settings.db, place)
            before = small.exported() if held and size > 160 else None
            codes.append(_code(lambda bench=small: bench.live(server)))  # type: ignore[misc]
            assert mount(place, 8192, "remount")
            if codes[-1] and before:
                assert (small.exported(), small.watermark()) == (before, "2024-06-10T03:00:00Z")
            assert small.live(server).outcome == "done"
            with Store.open(small.settings.db, readonly=True) as store:
                assert (store.integrity(), len(store.digests())) == ([], 35)
        finally:
            subprocess.run(["umount", "-l", place], check=True)
    assert (set(codes), codes[:2], codes[-1]) == ({0, 73}, [73, 73], 0)


def _code(run: Callable[[], Any]) -> int:
    try:
        return {"done": 0}.get(run().outcome, 3)
    except MinerError as error:
        return error.exit_code


# another's database


def test_a_database_of_a_newer_schema_is_left_alone(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    with sqlite3.connect(bench.settings.db) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before, wal = bench.digest(), bench.settings.db.with_name("evidence.db-wal")
    server.requests.clear()
    with pytest.raises(StoreError, match=r"has schema 99.*upgrade"):
        night(bench, server)
    assert (bench.digest(), server.requests, wal.exists() and wal.stat().st_size) == (before, [], 0)


def test_a_database_of_another_topic_takes_this_one_beside_it(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    before = bench.held()
    other = replace(TOPIC, name="another", query="RET[tiab]", digest="another")
    server.records = {**server.records, 6: old(6)}
    bench.later(days=1)
    report = refresh(bench.settings, other, miner=bench.miner, clock=lambda: bench.moment, eutils=bench.client(server))
    assert (report.interval, report.new, report.same) == ("everything", 1, 5)
    with Store.open(bench.settings.db, readonly=True) as store:
        assert [store.watermark(name) for name in (TOPIC.name, "another")] == ["2024-06-10T03:00:00Z", "2024-06-11T03:00:00Z"]
        assert [len(store.digests(name)) for name in (TOPIC.name, "another")] == [5, 6]
    assert bench.held() == {**before, "6": (FUSED, "current", 1)}
    server.records = {**server.records, 7: old(7, created=JUNE, changed=JUNE)}
    assert (night(bench, server).new, bench.watermark()) == (1, "2024-06-12T03:00:00Z")


# what is asked for


@pytest.mark.parametrize("asked", [{"remine": True}, {"reconcile": True}])
def test_a_run_is_one_thing(bench: Bench, asked: dict[str, bool]) -> None:
    with pytest.raises(ConfigError, match=r"--source .* and --re.* are different runs"):
        bench.refresh(bench.xml("a.xml", fused(1)), **asked)
    with pytest.raises(ConfigError, match=r"--remine .* and --reconcile .* are different runs"):
        bench.refresh(remine=True, reconcile=True)
    assert not bench.settings.db.exists()


def test_there_must_be_something_to_read_again(bench: Bench) -> None:
    with pytest.raises(StoreError, match=r"no database at .*evidence\.db; make one with: miner refresh"):
        bench.refresh(remine=True)
    assert list(bench.folder.iterdir()) == []
    bench.refresh(bench.xml("a.xml", fused(1)))
    assert bench.refresh(remine=True).lines() == ["unchanged: every record was read by the present rules and lexicons, nothing written"]


def test_a_folder_is_no_database(bench: Bench) -> None:
    for place in (bench.folder, Path(".")):
        bench.change(db=place)
        with pytest.raises(StoreError, match="is a folder; name a database file with --db"):
            bench.refresh(bench.xml("a.xml", fused(1)))


def test_what_may_not_be_looked_into_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    def refuse(self: Path, **named: Any) -> Any:
        if self.parent == bench.folder:
            raise PermissionError(13, "Permission denied")
        return stat(self, **named)

    path = bench.xml("a.xml", fused(1))
    bench.refresh(path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        with pytest.raises(InputError, match=r"a\.xml: cannot be opened: Permission denied; let it be read"):
            bench.refresh(path)
        with pytest.raises(StoreError, match=r"evidence\.db cannot be opened: Permission denied; let its folder be read"):
            Store.open(bench.settings.db, readonly=True)


# one transaction


@pytest.mark.parametrize("step", ["set_watermark", "finish_run", "set_aside"])
def test_what_fails_at_the_last_step_leaves_nothing_behind(
    bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bench.live(server)
    server.records |= {2: old(2, NEWER, changed=JUNE), 6: old(6, "BROKEN NTRK1 fusion", created=JUNE, changed=JUNE)}
    if step == "set_watermark":
        del server.records[6]
    before, watermark = bench.exported(), bench.watermark()

    def fail(*_: object, **__: object) -> None:
        raise StoreError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(Store, step, fail)
        with pytest.raises(StoreError, match="no more"):
            night(bench, server)
    assert (bench.exported(), bench.watermark()) == (before, watermark)
    server.records[6] = old(6, created=JUNE, changed=JUNE)
    night(bench, server)  # stores what was fetched before
    assert night(bench, server).outcome == "done"
    assert (bench.held()["2"][0], sorted(bench.held())) == (NEWER, ["1", "2", "3", "4", "5", "6"])


def dump(bench: Bench) -> list[str]:
    """Every row of the database but those that tell of runs."""
    with sqlite3.connect(f"file:{bench.settings.db}?mode=ro", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        kept = [name for name in tables if name not in ("runs", "watermarks") and not name.startswith("sqlite_")]
        rows = [f"{name} {row!r}" for name in kept for row in connection.execute(f"SELECT * FROM {name}")]
    connection.close()
    return rows


@pytest.mark.parametrize("more", [{}, {"reconcile": True}])
def test_a_night_that_brings_the_same_writes_no_row_but_that_of_the_run(bench: Bench, server: FakeNcbi, more: dict[str, Any]) -> None:
    server.records[3] = old(3, OTHER)
    server.records[4] = old(4, changed=JUNE)
    bench.live(server)
    rows, exported = dump(bench), bench.exported()
    assert len(rows) > 20
    report = night(bench, server, **more)
    assert (report.outcome, report.fetched, report.same) == ("done", 1, 1)  # the overlap brings record 4 once more
    assert (dump(bench), bench.exported()) == (rows, exported)


# what must not be told


def test_a_key_that_the_server_repeats_stands_nowhere(
    bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = f'{{"error":"API rate limit exceeded","api-key":"{KEY}","count":"11","limit":"10"}}'.encode()
    monkeypatch.setitem(FAULTS, "429 with key", status(429, said))
    bench.change(api_key=KEY, deadline=0.3, log_format="json")
    bench.live(server)
    server.stay = "429 with key"
    with caplog.at_level(logging.DEBUG), pytest.raises(UpstreamError) as told:
        night(bench, server)
    assert "limit exceeded" in str(told.value) and "trying again" in caplog.text
    with Store.open(bench.settings.db, readonly=True) as store:
        assert "limit exceeded" in str(store.runs()[-1].counts["error"])
    held = b"".join(path.read_bytes() for path in bench.folder.rglob("*") if path.is_file())
    assert KEY not in str(told.value) + repr(told.value) + caplog.text + repr(bench.settings)
    assert KEY.encode() not in held


BUG = """
import sys
from miner.sources.eutils import Eutils
from miner.cli import main

def broken(self, *_, **__):
    key = self.settings.api_key
    raise RuntimeError(f"no head or tail of {type(key).__name__}")

Eutils._post = broken
main()
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_bug_is_told_with_exit_code_1_and_without_the_key(bench: Bench, server: FakeNcbi, form: str) -> None:
    bench.live(server)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINER_", "NCBI_"))}
    given = {"NCBI_EMAIL": "you@lab.org", "NCBI_API_KEY": KEY, "MINER_CACHE_DIR": str(bench.folder / "cache"), "MINER_LOG_LEVEL": "debug"}
    arguments = ["--log-format", form, "refresh", "--reconcile", "--db", str(bench.settings.db)]
    done = subprocess.run(
        [sys.executable, "-c", BUG, *arguments], env={**kept, **given}, cwd=bench.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    if form == "json":
        last = json.loads(done.stderr.splitlines()[-1])
        assert (last["level"], last["message"], "RuntimeError: no head or tail of str" in last["error"]) == ("error", "a bug", True)
    assert "RuntimeError: no head or tail of str" in done.stderr
    with Store.open(bench.settings.db, readonly=True) as store:
        run = store.runs()[-1]
    assert (run.outcome, run.counts["error"]) == ("failed", "RuntimeError: no head or tail of str")
    assert KEY not in done.stdout + done.stderr
    assert KEY.encode() not in b"".join(path.read_bytes() for path in bench.folder.rglob("*") if path.is_file())
