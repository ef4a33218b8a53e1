"""The whole table written by two processes is the table that one writes."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_search import invented, judge, save

from miner.evidence import export_halves, store_split
from miner.evidence.export import export
from miner.evidence.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    pick = random.Random(3)
    with Store.open(tmp_path / "e.db") as filled:
        for number in range(40):
            save(filled, invented(number, pick))
        for _ in range(8):
            judge(filled, pick)
        yield filled


def written(store: Store, form: str) -> str:
    out = io.StringIO()
    export(store, form, out)
    return out.getvalue()


@pytest.mark.parametrize("form", sorted(export_halves.WRITERS))
@pytest.mark.parametrize("python", [None, "/bin/false"])
def test_two_halves_are_the_whole(store: Store, form: str, python: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = written(store, form)
    monkeypatch.setattr(store_split, "LEAST", 1)
    began = []
    start = export_halves.subprocess.Popen
    monkeypatch.setattr(export_halves.subprocess, "Popen", lambda command, **more: began.append(command) or start(command, **more))
    if python:
        monkeypatch.setattr(export_halves.sys, "executable", python)
    assert (written(store, form), len(began)) == (one, 1)
    assert one.count("\n") > 20


def test_a_small_table_and_a_part_of_it_are_written_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_halves.subprocess, "Popen", None)
    assert written(store, "tsv").count("\n") > 20
    monkeypatch.setattr(store_split, "LEAST", 1)
    out = io.StringIO()
    export(store, "tsv", out, gene="AAA1")
    assert out.getvalue().count("\n") > 5


def test_another_state_is_told_by_the_second(store: Store, tmp_path: Path) -> None:
    with store_split.halves(store) as whole, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_split, "LEAST", 1)
        bound, state = whole.middle(), whole.state
        assert (bound, state) != (None, 0)
    task = [str(store.path), "tsv", bound, state, str(tmp_path / "second")]
    assert export_halves.main(json.dumps(task)) == 0
    store.delete(["700001"], run_id=None, reason="test")
    assert export_halves.main(json.dumps(task)) == 3
