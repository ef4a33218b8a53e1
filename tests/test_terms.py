"""Mentions of terms: the cases of ``cases/terms.jsonl``, short forms, and the pipeline component."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import scispacy.abbreviation  # noqa: F401
import spacy

from miner.lexicon import Lexicon, load_lexicon
from miner.nlp.doc import mentions
from miner.nlp.terms import Abbreviation, abbreviations, find_definitions, find_terms

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "terms.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(lexicon: Lexicon, case: dict[str, object]) -> None:
    text = str(case["text"])
    found = find_terms(text, lexicon)
    assert [[m.text, str(m.label), m.name] for m in found] == case["mentions"]
    assert all(text[m.start : m.end] == m.text for m in found)


def test_case_ids_are_unique() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("infantile fibrosarcoma (IFS)", [("IFS", "infantile fibrosarcoma")]),
        ("the overall response rate (ORR; 75%)", [("ORR", "overall response rate")]),
        ("a secretory carcinoma [SC]", [("SC", "secretory carcinoma")]),
        ("non-small-cell lung cancers (NSCLCs)", [("NSCLCs", "non-small-cell lung cancers")]),
        ("two patients (USA)", []),
        ("First line.\nSecond (FL)", []),
    ],
)
def test_definitions(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(text[a.start : a.end], text[a.long_start : a.long_end]) for a in find_definitions(text)] == expected


def test_a_given_definition_holds_throughout(lexicon: Lexicon) -> None:
    text = "Fused sarcoma, called QS here. QS grew."
    given = [Abbreviation(22, 24, 0, 13)]
    assert [(m.text, m.start, m.name) for m in find_terms(text, lexicon, given)] == [
        ("sarcoma", 6, "sarcoma"),
    ]
    whole = [Abbreviation(22, 24, 6, 13)]
    assert [(m.text, m.start) for m in find_terms(text, lexicon, whole)] == [("sarcoma", 6), ("QS", 22), ("QS", 31)]


def test_component_uses_the_abbreviation_detector() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("abbreviation_detector", config={"make_serializable": True})
    nlp.add_pipe("miner_terms")
    doc = nlp("Congenital mesoblastic nephroma (CMN) carries ETV6-NTRK3. CMN is renal.")
    assert [(m.text, m.name) for m in mentions(doc)] == [
        ("Congenital mesoblastic nephroma", "congenital mesoblastic nephroma"),
        ("CMN", "congenital mesoblastic nephroma"),
        ("ETV6", "ETV6"),
        ("NTRK3", "NTRK3"),
        ("CMN", "congenital mesoblastic nephroma"),
    ]
    assert {(a.start, a.end) for a in abbreviations(doc)} == {(33, 36), (58, 61)}
