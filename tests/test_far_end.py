"""Work from both ends gives what work from one end gives, whatever becomes of the other process."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from miner import mine
from miner.config import Settings
from miner.evidence.export import export
from miner.evidence.store import Store
from miner.mine import Miner
from miner.refresh import far_end as module
from miner.refresh import refresh
from miner.refresh.far_end import FarEnd, far_end
from miner.schema import Reading, Record

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_room", lambda: True)


def waited(far: FarEnd[object], least: int) -> None:
    """Wait until the other end has told of so many values."""
    until = time.monotonic() + 30
    while len(far._places) < least and time.monotonic() < until:
        assert far.get(0) is None
        time.sleep(0.01)


def worked_out(count: int, work, near, *, least: int = 0) -> tuple[list[object], list[int]]:  # type: ignore[no-untyped-def]
    """All values in order, and the numbers of those that came from the other end; the first is asked for when ``least`` are there."""
    values, there = [], []
    with far_end(count, work, least=1) as far:
        other = far._other.pid if far._other else None
        waited(far, least)
        for number in range(count):
            found = far.get(number)
            there += [number] * (found is not None)
            values.append(near(number) if found is None else found[0])
    if other is not None:
        with pytest.raises(ChildProcessError):
            os.waitpid(other, os.WNOHANG)  # it has ended, and was waited for
    return values, there


def test_values_come_in_order_and_once_each() -> None:
    squares, there = worked_out(50, lambda number: number**2, lambda number: number**2, least=49)

    assert squares == [number**2 for number in range(50)]
    assert there == list(range(1, 50))  # the first is this end's, which has begun there


def test_what_raises_there_is_worked_out_here() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("no head or tail")
        return number

    assert worked_out(6, work, lambda number: -number, least=4) == ([0, 1, 2, -3, 4, 5], [1, 2, 4, 5])


def test_what_is_logged_there_is_worked_out_here_where_it_is_heard() -> None:
    def work(number: int) -> int:
        if number == 2:
            logging.getLogger("of_a_package").warning("look at this")
        return number

    assert worked_out(5, work, lambda number: -number, least=3) == ([0, 1, -2, 3, 4], [1, 3, 4])


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: time.sleep(600)], ids=["killed", "hung"])
def test_an_end_that_is_gone_or_hangs_costs_nothing(end) -> None:  # type: ignore[no-untyped-def]
    here = os.getpid()

    def work(number: int) -> int:
        if number == 4 and os.getpid() != here:
            end()
        return number

    assert worked_out(8, work, work, least=3) == (list(range(8)), [5, 6, 7])


_KILLED = """
import os, signal, time
from miner.refresh import far_end as module

def work(number):
    time.sleep(0.05)
    return number

module._has_room = lambda: True
with module.far_end(10_000, work) as far:
    time.sleep(0.5)
    far.get(0)
    print(far._other.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_other_end_ends_with_a_process_that_is_killed() -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, text=True, check=False, timeout=60)
    other = int(killed.stdout)
    until = time.monotonic() + 20
    while _runs(other) and time.monotonic() < until:
        time.sleep(0.05)

    assert killed.returncode == -signal.SIGKILL
    assert not _runs(other)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_value_that_cannot_be_read_is_worked_out_here() -> None:
    class Broken:
        def __reduce__(self) -> tuple[object, ...]:
            return int, ("no number",)

    assert worked_out(3, lambda number: Broken() if number == 1 else number, lambda number: -number, least=2) == ([0, -1, 2], [2])


def test_what_has_no_room_is_worked_out_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROOM", 100)

    found, there = worked_out(4, lambda number: "x" * 60, lambda number: "here", least=1)

    assert (found, there) == (["here", "here", "here", "x" * 60], [3])


def test_no_process_where_the_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise OSError("no room")

    monkeypatch.setattr(os, "fork", refused)

    assert worked_out(3, lambda number: number, lambda number: -number) == ([0, -1, -2], [])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files cannot be listed here")
def test_the_other_end_holds_no_file_of_ours(tmp_path: Path) -> None:
    names = lambda _: sorted(os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))  # noqa: E731
    with (tmp_path / "lock").open("w"):
        found, _ = worked_out(2, names, lambda _: None, least=1)

    assert isinstance(found[1], list)
    assert [name for name in found[1] if name.endswith("lock")] == []
    assert found[1].count(os.devnull) == 3


def _record(number: int) -> str:
    body = "BROKEN" if number == 7 else f"Of {number + 20} patients with NTRK fusion-positive tumours, {number} responded to larotrectinib."
    return json.dumps({"id": str(number), "pmid": str(number), "title": f"Larotrectinib in NTRK fusions, {number}", "abstract": body})


def _taken_in(folder: Path, source: Path, loaded: Miner) -> tuple[str, list[object]]:
    settings = Settings(db=folder / "evidence.db")
    report = refresh(settings, loaded.topic, sources=[source], miner=loaded, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    out = io.StringIO()
    with Store.open(settings.db, readonly=True) as store:
        export(store, "jsonl", out)
    return out.getvalue(), [report.new, report.mined, report.claims, report.evidence, report.aside]


def test_a_run_writes_the_same_rows_with_two_ends_as_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = mine.load()
    read = Miner.read

    def reading(self: Miner, record: Record) -> Reading:
        if "BROKEN" in record.text:
            raise RuntimeError("no head or tail")
        return read(self, record)

    monkeypatch.setattr(Miner, "read", reading)
    source = tmp_path / "records.jsonl"
    source.write_text("".join(f"{_record(number)}\n" for number in range(1, 41)), encoding="utf-8")
    there: list[bool] = []
    get = module.FarEnd.get

    def counted(self: FarEnd[object], number: int) -> tuple[object] | None:
        if number == 0 and self._other and not self._places:
            monkeypatch.setattr(module.FarEnd, "get", get)
            waited(self, 3)
            monkeypatch.setattr(module.FarEnd, "get", counted)
        found = get(self, number)
        there.append(found is not None)
        return found

    monkeypatch.setattr(module.FarEnd, "get", counted)
    both = _taken_in(tmp_path / "both", source, loaded)
    shared = sum(there)
    monkeypatch.setattr(module, "_has_room", lambda: False)
    one = _taken_in(tmp_path / "one", source, loaded)

    assert both == one
    assert both[1][:2] == [39, 39]
    assert [(identifier, reason) for _, identifier, reason in both[1][4]] == [("7", "cannot be mined: RuntimeError: no head or tail")]
    assert shared > 0
    assert sum(there) == shared
