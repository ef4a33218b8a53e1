"""A process that reads along changes nothing but the time: the same items, errors and counts, whatever becomes of it."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.schema import Record, Section, Status
from miner.sources import Deleted, Reject, Tally, beside, medline
from miner.sources.beside import Mate
from miner.sources.items import Screen
from miner.sources.prescreen import Prescreen

ARTICLE = (
    '<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><ArticleTitle>Title {pmid} of {word}</ArticleTitle>'
    "<Abstract><AbstractText Label='AIM'>Größe &lt; 5 μm</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
)
BAD = "<PubmedArticle><MedlineCitation><PMID>12</PMID></MedlineCitation></PubmedArticle>"
DELETED = "<DeleteCitation><PMID Version='1'>4</PMID></DeleteCitation>"
WORDS = ("larotrectinib", "water")
ARTICLES = [ARTICLE.format(pmid=pmid, word=WORDS[pmid % 2]) for pmid in range(1, 3001)]
SET = f"<PubmedArticleSet>{''.join([*ARTICLES[:1500], BAD, DELETED, *ARTICLES[1500:]])}</PubmedArticleSet>".encode()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "BATCH", 4096)
    monkeypatch.setattr(beside, "_has_room", lambda: True)


@pytest.fixture
def mates(monkeypatch: pytest.MonkeyPatch) -> list[Mate]:
    """The processes that were started, each waited for until it is there."""
    begun, begin = [], Mate.begin

    def noted(source: str, screen: Screen | None) -> Mate | None:
        mate = begin(source, screen)
        if mate is not None:
            begun.append(mate)
            mate._notes.poll(60)
        return mate

    monkeypatch.setattr(Mate, "begin", noted)
    return begun


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many elements each answer held."""
    sizes, answer = [], Mate.answer

    def noted(mate: Mate) -> list[beside.Answer] | None:
        found = answer(mate)
        sizes.append(len(found or ()))
        return found

    monkeypatch.setattr(Mate, "answer", noted)
    return sizes


def read(data: bytes = SET, *, two: bool, screen: Screen | None = None) -> tuple[list[Record | Deleted], list[Reject], Tally, str]:
    """Items, rejects, counts, and the error that ended the reading."""
    rejects: list[Reject] = []
    items, tally, error = [], Tally(), ""
    try:
        for item in medline.read_stream(io.BytesIO(data), "set.xml", on_reject=rejects.append, tally=tally, two=two, screen=screen):
            items.append(item)
    except InputError as raised:
        error = str(raised)
    return items, rejects, tally, error


def ended(mate: Mate) -> bool:
    return mate._process.returncode is not None


def test_two_processes_read_what_one_reads(mates: list[Mate], answered: list[int]) -> None:
    items, rejects, tally, error = read(two=True)
    assert (items, rejects, tally, error) == read(two=False)
    assert (len(items), [reject.identifier for reject in rejects], tally.deleted, error) == (3001, ["12"], 1, "")
    assert sum(answered) > 100
    assert [ended(mate) for mate in mates] == [True]


def test_two_processes_pass_over_what_one_passes_over(mates: list[Mate], answered: list[int]) -> None:
    def screen() -> Prescreen:
        return Prescreen(["larotrectinib"], keep=["2", "7"], may_matter=lambda record: record.pmid != "9")

    items, _, tally, _ = found = read(two=True, screen=screen())
    assert found == read(two=False, screen=screen())
    assert (len(items), tally.read, tally.skipped) == (1502, 1501, 1500)
    assert sum(answered) > 100


def test_a_process_that_dies_loses_nothing(mates: list[Mate]) -> None:
    records = medline.read_stream(io.BytesIO(SET), "set.xml", two=True, on_reject=lambda reject: None)
    items = [next(records) for _ in range(500)]
    os.kill(mates[0]._process.pid, signal.SIGKILL)
    items += records
    assert items == read(two=False)[0]


def test_a_process_that_stands_still_is_given_up(mates: list[Mate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "SECONDS", 0.2)
    records = medline.read_stream(io.BytesIO(SET), "set.xml", two=True, on_reject=lambda reject: None)
    items = [next(records)]
    os.kill(mates[0]._process.pid, signal.SIGSTOP)
    items += records
    assert items == read(two=False)[0]
    assert ended(mates[0])


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false"])
def test_a_process_that_cannot_begin_loses_nothing(executable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read(two=False)
    monkeypatch.setattr(sys, "executable", executable)
    assert read(two=True) == alone


def test_what_cannot_be_written_is_read_here(mates: list[Mate], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(beside, "_write", full)
    assert read(two=True) == read(two=False)


@pytest.mark.parametrize("at", [50, 5000, len(SET) // 2, len(SET) - 10])
def test_a_cut_set_is_told_as_ever(at: int, mates: list[Mate]) -> None:
    found = read(SET[:at], two=True)
    assert found == read(SET[:at], two=False)
    assert "cut" in found[3]
    assert all(map(ended, mates))


def test_a_reader_that_stops_early_ends_the_process(mates: list[Mate]) -> None:
    records = medline.read_stream(io.BytesIO(SET), "set.xml", two=True)
    assert isinstance(next(records), Record)
    assert not ended(mates[0])
    assert isinstance(records, Iterator)
    records.close()
    assert ended(mates[0])


def test_a_screen_of_another_kind_stays_in_its_process(mates: list[Mate]) -> None:
    class Even:
        def might_match(self, xml: bytes) -> bool:
            return b"water" in xml

        def matches(self, record: Record) -> bool:
            return True

    assert read(two=True, screen=Even()) == read(two=False, screen=Even())
    assert mates == []


def test_no_worker_starts_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(beside.multiprocessing, "parent_process", lambda: object())
    assert Mate.begin("set.xml", None) is None


def test_every_field_of_a_record_comes_back() -> None:
    record = Record(
        id="7", pmid="7", title="Größe", sections=(Section(None, "One"), Section("AIM", "Two")), doi="10.1000/x", pmcid="PMC1",
        journal="J", pub_date="2020-01", publication_types=("Review",), mesh=("A/B",), keywords=("k",), authors=("Doe J",),
        nct_ids=("NCT00000001",), language="eng", status=Status.RETRACTED, notices=(("RetractionIn", "8"),),
        other_abstracts=(Section("publisher", "Texte"),), copyright="©", version=2, revised="2021", source="s", fetched_at="f",
    )  # fmt: skip
    came = beside._unpacked(beside.marshal.loads(beside.marshal.dumps(beside._packed(record), 2)))
    assert came == record
    assert (type(came.status), type(came.sections[0])) == (Status, Section)


def test_a_batch_of_many_pieces_is_written_whole(tmp_path: Path) -> None:
    pieces = [str(number).encode() for number in range(2000)]
    with (tmp_path / "batch").open("w+b") as file:
        beside._write(file.fileno(), pieces, 5)
        assert os.pread(file.fileno(), 1 << 20, 5) == b"".join(pieces)
