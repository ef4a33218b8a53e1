"""BioC, PubTator and DocBin: read back by the libraries that their users read them with, offsets held against the text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import bioc
import pytest
import spacy
from bioc import biocjson, pubtator
from export_cases import all_records, fill, written
from spacy.tokens import Doc, DocBin

from miner.evidence.export_bioc import plain_line
from miner.evidence.store import Store
from miner.nlp.docbin import SPANS_KEY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


IDS = ["900001", "900002", "900003", "900004", "syn-005"]


def held(store: Store) -> list[tuple[str, int, str]]:
    """(record, start, text) of every mention in the database."""
    return [(name, mention.start, mention.text) for name in IDS for mention in store.mentions(name)]


def test_bioc_reads_the_collection_and_its_validator_passes(store: Store) -> None:
    collection = biocjson.loads(written(store, "bioc").decode())
    bioc.validate(collection)
    assert [document.id for document in collection.documents] == IDS
    assert collection.documents[0].infons["pmid"] == "900001"


def test_bioc_passages_are_the_records_text_at_its_offsets(store: Store) -> None:
    for document in biocjson.loads(written(store, "bioc").decode()).documents:
        record = store.record(document.id)
        assert record is not None
        assert [record.text[p.offset : p.offset + len(p.text)] for p in document.passages] == [p.text for p in document.passages]
        assert [(p.offset, p.offset + len(p.text)) for p in document.passages] == [(start, end) for _, start, end in record.spans]


def test_bioc_annotations_are_the_mentions_and_stand_in_the_text(store: Store) -> None:
    found = []
    for document in biocjson.loads(written(store, "bioc").decode()).documents:
        record = store.record(document.id)
        assert record is not None
        for passage in document.passages:
            for annotation in passage.annotations:
                place = annotation.locations[0]
                assert record.text[place.offset : place.end] == annotation.text
                found.append((document.id, place.offset, annotation.text))
        found += [(document.id, a.locations[0].offset, a.text) for a in document.annotations]
    assert [name for name, _, text in found if text == "{less}\n=A"] == ["900004"]
    assert sorted(found) == sorted(held(store))


def test_bioc_says_title_section_identifier_and_polarity(store: Store) -> None:
    (document,) = biocjson.loads(written(store, "bioc", pmid="900001").decode()).documents
    assert [p.infons["type"] for p in document.passages] == ["title", "abstract", "abstract"]
    assert document.passages[1].infons["section"] == "BACKGROUND"
    drug = next(a for a in document.passages[0].annotations if a.infons["type"] == "DRUG")
    assert drug.infons == {"type": "DRUG", "polarity": "asserted", "identifier": "unii:PF9462I9HX", "name": "larotrectinib"}


def test_pubtator_is_read_and_every_annotation_stands_in_its_text(store: Store) -> None:
    documents = pubtator.loads(written(store, "pubtator").decode())
    assert [document.pmid for document in documents] == IDS
    for document in documents:
        pubtator.validate(document)
    assert sum(len(document.annotations) for document in documents) == len(held(store))


def test_pubtator_offsets_are_the_records_own(store: Store) -> None:
    for document in pubtator.loads(written(store, "pubtator").decode()):
        record = store.record(document.pmid)
        assert record is not None
        shift = 0 if record.title else 1
        assert len(document.text) == len(record.text) + shift
        assert [a.start - shift for a in document.annotations] == [m.start for m in store.mentions(document.pmid)]


def test_a_mark_of_pubtator_inside_the_text_does_not_end_it(store: Store) -> None:
    document = next(d for d in pubtator.loads(written(store, "pubtator").decode()) if d.pmid == "900004")
    assert "and ¦t| stand here" in document.abstract
    assert plain_line("a\tb\u2028c |a| d|t") == "a b c ¦a| d|t"


def docs(data: bytes) -> list[Doc]:
    return list(DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab))


def test_spacy_reads_the_docbin_with_text_and_spans_as_stored(store: Store) -> None:
    read = docs(written(store, "docbin"))
    assert [doc.user_data["id"] for doc in read] == IDS
    for doc in read:
        record = store.record(doc.user_data["id"])
        assert record is not None and doc.text == record.text
        mentions = store.mentions(doc.user_data["id"])
        assert [(s.start_char, s.end_char, s.text, s.label_) for s in doc.spans[SPANS_KEY]] == [
            (m.start, m.end, m.text, str(m.label)) for m in mentions
        ]
        assert [s.kb_id_ for s in doc.spans[SPANS_KEY]] == [m.curie or "" for m in mentions]
        assert list(doc.user_data["polarity"]) == [str(m.polarity) for m in mentions]


def test_records_without_evidence_are_written_unless_a_filter_asks_for_rows(store: Store) -> None:
    assert [d["id"] for d in json.loads(written(store, "bioc", gene="ROS1"))["documents"]] == ["900004"]
    assert len(json.loads(written(store, "bioc", topic="t"))["documents"]) == len(IDS)
    assert json.loads(written(store, "bioc", topic="other"))["documents"] == []


def test_a_withdrawn_record_is_not_written(store: Store) -> None:
    store.delete(["900002"], run_id=None, reason="deleted")
    assert [d["id"] for d in json.loads(written(store, "bioc"))["documents"]] == [name for name in IDS if name != "900002"]


def test_docbin_is_found_by_its_entry_point() -> None:
    from miner.evidence.export import EXPORTERS, exporter

    assert "docbin" not in EXPORTERS
    assert exporter("docbin").binary


def test_docbin_on_an_empty_selection_is_readable(store: Store) -> None:
    assert docs(written(store, "docbin", gene="TP53")) == []
    assert io.BytesIO(written(store, "docbin", gene="TP53")).getbuffer().nbytes > 0
