"""A text that matters shows a sign of every group that its reading holds; what shows none is not read."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from miner import mine
from miner.config import Models, load_topic
from miner.mine_signs import Signs, signs
from miner.schema import Record, Section
from miner.topic_relevance import RelevanceRule, gather

TOPICS = ("ntrk-nsclc", "ntrk-solid", "ret-nsclc", "ros1-nsclc")
CASES = Path(__file__).parent / "cases"
CORPUS = Path(__file__).parents[1] / "corpora" / "synthetic_ntrk" / "gold.jsonl"


@cache
def miner() -> mine.Miner:
    return mine.load()


@cache
def of_group(topic: str, group: str) -> Signs:
    """The signs of a topic that asks for one of its groups alone."""
    return Signs(replace(load_topic(topic), rules=(RelevanceRule("it holds", (group,)),)), miner().lexicon)


def record(text: str, title: str = "", **other: tuple[str, ...]) -> Record:
    return Record("1", None, title, (Section(None, text),), **other)


def texts() -> list[str]:
    rows = [json.loads(line) for path in sorted(CASES.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [row["text"] for row in rows if isinstance(row.get("text"), str)]
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.append("\n".join([row["title"], *(part["text"] for part in row.get("sections") or ()), row.get("abstract") or ""]))
    return found


def test_every_text_of_the_project_shows_what_its_reading_holds() -> None:
    lost, held = [], 0
    topics = [load_topic(name) for name in TOPICS]
    for text in texts():
        one = record(text)
        found = gather(miner().read(one), miner().lexicon)
        for topic in topics:
            for name, group in topic.groups.items():
                if group.holds(found):
                    held += 1
                    lost += [(name, text)] * (not of_group(topic.name, name).may_matter(one))
    assert lost == []
    assert held > 5000


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("driver or therapy", "The T790M change was seen in five patients."),
        ("driver or therapy", "Cys797Ser was seen."),
        ("driver or therapy", "They were given gefitnib daily."),
        ("driver or therapy", "Blocked by an anti-PD-L1 antibody."),
        ("driver or therapy", "Erlotinib was given."),
        ("driver or therapy", "epidermal growth factor receptor in tissue"),
        ("driver or therapy", "EGFRvIII and EGFRdel19 were seen"),
        ("driver or therapy", "FGFR 1/2/3 were sequenced"),
        ("driver or therapy", "exon-14Δ was seen"),
        ("trk fusion", "An NTRK1 gene rearrangement was seen."),
        ("trk altered", "TRKAG667C arose."),
        ("trk altered", "TrkA/B/C overexpression"),
        ("lung cancer", "Cancers of the breast, colon, and lung were seen."),
        ("lung cancer", "A pulmonary neoplasm was resected."),
        ("lung cancer", "nonsmall\u2010cell lung cancer"),
    ],
)
def test_signs(group: str, text: str) -> None:
    assert of_group("ntrk-nsclc", group).may_matter(record(text))


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("driver or therapy", "They met the criteria of a retrospective study of neutrophils; methods were as ever."),
        ("driver or therapy", "Metabolic rates at discharge. Return to work was rare. Neutral results. G 123 was the code."),
        ("trk fusion", "A fusion of vertebrae."),
        ("lung cancer", "Chronic obstructive pulmonary disease and lung function."),
    ],
)
def test_no_signs(group: str, text: str) -> None:
    assert not of_group("ntrk-nsclc", group).may_matter(record(text))


def test_headings_and_keywords_count() -> None:
    topic = Signs(load_topic("ntrk-nsclc"), miner().lexicon)
    text = "EGFR mutations were found in 12 of 40 patients."
    assert [topic.may_matter(one) for one in (record(text), record(text, mesh=("Lung Neoplasms",)), record(text, keywords=("NSCLC",)))] == [
        False,
        True,
        True,
    ]


def test_a_model_that_finds_names_needs_every_record() -> None:
    assert signs(load_topic("ntrk-nsclc"), models=Models(entities="somewhere")) is None
