"""Searches go to a prepared state; the next is prepared beside it, and whoever wrote sees what was written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from evidence_cases import trial
from web_cases import fill, run

from miner.errors import StoreError
from miner.evidence import store_web
from miner.evidence.store import Store
from miner.web import searcher
from miner.web.searcher import Holder, Searcher


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "e.db")


def count(store: Store) -> int:
    return store.counts()["records"]


def now(path: Path) -> tuple[Any, tuple[int, int]]:
    with Store.open(path, readonly=True) as store:
        return store_web.stamp(store), (path.stat().st_dev, path.stat().st_ino)


def add(path: Path, pmid: str) -> None:
    with Store.open(path) as store:
        run(store, 3, trial(pmid))


def test_a_holder_sees_one_state_whatever_is_written(path: Path) -> None:
    holder = Holder(path, store_web.prepare).opened()
    before = holder.ask(count).result()
    add(path, "900030")
    assert (before, holder.ask(count).result()) == (6, 6)
    holder.close()
    holder.join(5)
    assert not holder.is_alive()


def test_a_state_that_is_cheap_is_always_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher, "CHEAP_SECONDS", float("inf"))
    asked = Searcher(path, lambda store: None)
    assert asked.ask(count, *now(path)) == 6
    add(path, "900030")
    assert asked.ask(count, *now(path)) == 7


@pytest.mark.parametrize("beside", [-1.0, float("inf")])
def test_a_state_that_is_dear_is_waited_for_by_those_who_ask_for_it(path: Path, beside: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher, "CHEAP_SECONDS", -1.0)
    monkeypatch.setattr(searcher, "BESIDE_SECONDS", beside)
    monkeypatch.setattr(searcher, "LOOK_SECONDS", 3600.0)
    asked = Searcher(path, store_web.prepare)
    assert asked.ask(count, *now(path)) == 6
    add(path, "900030")
    asked._rested = asked._looked = float("inf")
    assert asked.ask(count, *now(path)) == 6
    assert asked.ask(count, *now(path), newest=True) == 7


def test_a_state_that_cannot_be_taken_up_is_told_and_tried_again(path: Path) -> None:
    fails: list[Exception] = []

    def prepare(_: Store) -> None:
        if fails:
            raise fails.pop()

    asked = Searcher(path, prepare)
    assert asked.ask(count, *now(path)) == 6
    add(path, "900030")
    fails.append(StoreError("not now"))
    with pytest.raises(StoreError, match="not now"):
        asked.ask(count, *now(path), newest=True)
    assert asked.ask(count, *now(path), newest=True) == 7


def test_what_a_search_raises_reaches_the_reader(path: Path) -> None:
    asked = Searcher(path, store_web.prepare)

    def fail(_: Store) -> None:
        raise ValueError("of the search")

    with pytest.raises(ValueError, match="of the search"):
        asked.ask(fail, *now(path))
    assert asked.ask(count, *now(path)) == 6


def test_an_index_that_does_not_fit_is_made_again(path: Path) -> None:
    asked = Searcher(path, store_web.prepare)
    calls = []

    def once(store: Store) -> int:
        calls.append(store)
        if len(calls) == 1:
            raise IndexError("beyond the index")
        return count(store)

    assert asked.ask(once, *now(path)) == 6
    assert calls[0] is not calls[1]


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        Holder(tmp_path / "none.db", store_web.prepare).opened()


WRITER = "import sys; from pathlib import Path; from web_cases import run, trial; from miner.evidence.store import Store\n"
WRITER += "with Store.open(Path(sys.argv[1])) as store: run(store, 3, trial('900031'))"


def test_a_reader_keeps_its_log_when_the_database_is_opened_beside_it(path: Path) -> None:
    """Closing any file of the database would drop the locks of this process, and a writer would then remove the log."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])}
    with Store.open(path, readonly=True) as held, store_web.snapshot(held):
        assert count(held) == 6
        Store.open(path, readonly=True).close()
        subprocess.run([sys.executable, "-c", WRITER, str(path)], check=True, env=environment)
        assert path.with_name(path.name + "-wal").stat().st_size > 0
        assert count(held) == 6
    with Store.open(path, readonly=True) as after:
        assert count(after) == 7
