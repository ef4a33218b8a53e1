"""A thread unpacks ahead of the reader: the same bytes, the same errors, and an end when it is no longer wanted."""

from __future__ import annotations

import gzip
import threading
from io import BytesIO
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.sources import files, read_records
from miner.sources.ahead import Ahead

ARTICLE = (
    '<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><ArticleTitle>Title {pmid}</ArticleTitle></Article>'
    "</MedlineCitation></PubmedArticle>"
)


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "AHEAD_FROM", 0)
    path = tmp_path / "a.xml.gz"
    articles = "".join(ARTICLE.format(pmid=pmid) for pmid in range(1, 40_001))
    path.write_bytes(gzip.compress(f"<PubmedArticleSet>{articles}</PubmedArticleSet>".encode(), 1))
    return path


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "unpacking"]


def test_records_are_the_same_and_the_thread_ends(packed: Path) -> None:
    assert [record.pmid for record in read_records(packed)] == [str(pmid) for pmid in range(1, 40_001)]
    assert threads() == []


def test_a_reader_that_stops_early_ends_the_thread(packed: Path) -> None:
    records = read_records(packed)
    assert next(records).pmid == "1"
    assert threads() == ["unpacking"]
    records.close()
    assert threads() == []


def test_a_cut_file_is_told_as_ever(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"a\.xml\.gz: cannot be read further after record \d+"):
        list(read_records(packed))
    assert threads() == []


def test_the_end_stays_the_end() -> None:
    ahead = Ahead(BytesIO(b"abcdef").read, 4)
    assert [ahead.read() for _ in range(4)] == [b"abcd", b"ef", b"", b""]
    ahead.close()


def test_an_error_is_raised_where_it_was_met() -> None:
    pieces = iter([b"ab"])
    ahead = Ahead(lambda size: next(pieces), 4)
    assert ahead.read() == b"ab"
    for _ in range(2):
        with pytest.raises(StopIteration):
            ahead.read()
    ahead.close()
