"""Study type and evidence level, on cases a person can judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner.claims import study
from miner.claims.phrases import PhraseFinder
from miner.errors import LexiconError
from miner.schema import Reading, Record, Section, StudyType

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "study.jsonl").read_text(encoding="utf-8").splitlines()]
RULES = (Path(study.__file__).parents[1] / "data" / "rules" / study.RULES).read_text(encoding="utf-8")


def record(case: dict) -> Record:
    sections = (Section(None, case["text"]),) if case["text"] else ()
    types = tuple(case.get("publication_types", ()))
    return Record(id=case["id"], pmid=None, title=case["title"], sections=sections, publication_types=types)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_type_and_level(case):
    reading = Reading(record(case), (), ())
    assert study.classify(reading) == (StudyType(case["study_type"]), case["level"])


@pytest.mark.parametrize("title", ["Approved by all guidelines: consensus recommendations", "FDA approval summary"])
@pytest.mark.parametrize(("kind", "limit"), [(StudyType.CASE_REPORT, "C"), (StudyType.PRECLINICAL, "D"), (StudyType.OTHER, "E")])
def test_no_title_lifts_a_case_or_a_cell_line(title, kind, limit):
    assert study.level_of(Record(id="1", pmid="1", title=title), kind) == limit


def test_headings_and_labels_add_up():
    plain = Record(id="1", pmid="1", title="ALK in lung cancer", sections=(Section("METHODS", "Cells were grown."),))
    mice = Record(id="1", pmid="1", title="ALK in lung cancer", sections=plain.sections, mesh=("Mice/genetics", "Cell Line, Tumor"))
    gained = study.score(mice)[StudyType.PRECLINICAL] - study.score(plain)[StudyType.PRECLINICAL]
    assert gained == 3.0


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("case of", "A Case  of X", True),
        ("case of", "showcase of X", False),
        ("real world", "real\u2010world data", True),
        ("# patients", "thirty-two patients", True),
        ("# patients", "1,068 patients", True),
        ("# patients", "some patients", False),
        ("report* ... case", "reported a very rare case", True),
        ("report* ... case", "reported it. A case", False),
    ],
)
def test_phrases(phrase, text, found):
    assert (0 in PhraseFinder([(0, phrase)]).find(text)) is found


def test_overlapping_phrases_count_once():
    finder = PhraseFinder([(1, "phase ii"), (1, "phase ii trial"), (2, "trial")])
    assert finder.find("A Phase-II trial, then a phase II trial") == {1: {"phase ii trial"}, 2: {"trial"}}


def test_a_phrase_needs_a_word():
    with pytest.raises(ValueError, match="has no word of its own"):
        PhraseFinder([(0, "# ...")])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('zone = "label"', 'zone = "footer"', r"study\.toml:\d+: unknown zone 'footer'; known are title, text, label"),
        ('"Case Reports" = "case_report"', '"Case Reports" = "story"', r"study\.toml:\d+: 'story' is not a valid StudyType"),
        ("no_figures =", "no_pictures =", r"study\.toml:\d+: unknown shape 'no_pictures'"),
        ("least = 1.5", "least = ", r"study\.toml:\d+: Invalid value"),
    ],
)
def test_a_slip_in_the_rules_is_named(old, new, message):
    with pytest.raises(LexiconError, match=message):
        study.parse_rules(RULES.replace(old, new))
