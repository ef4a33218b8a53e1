"""A database for the tests of the exports: the records of ``evidence_cases`` and two that are hard to write; all texts are invented."""

from __future__ import annotations

import io
from pathlib import Path

from evidence_cases import FAMILIES, LUNG, claim, mention, mined, record, resistance, small_series, trial

from miner.evidence.export import Selection, exporter, write
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.schema import ClaimType, Concept, Direction, Fusion, Label, Mined, Polarity, StudyType


def fill(path: Path, *found: Mined) -> Store:
    """Make a database of mined records."""
    store = Store.open(path)
    for item in found:
        store.save(item, merge(item, FAMILIES), run_id=None, mining_version="m1", topic="t")
    return store


def driver(pmid: str = "900004") -> Mined:
    """A case in which every kind of awkward sign stands: tab, astral sign, formula, marks of PubTator, LaTeX and Markdown."""
    item = record(
        pmid,
        "A \U0001f9ec case of CD74-ROS1: 50% & more_or {less}",
        ("CASE", "=A tab\tand |t| stand here. CD74-ROS1 drives this lung tumour \U0001f9ec <b>alone</b> | *always*."),
        ("OUTCOME", "It may also fuse EZR-ROS1 with a better outcome."),
        authors=("O'Neill-Smith AB Jr", "van der Berg C", "Invented Fusion Study Group"),
        doi="10.1000/inv.2021(4)",
        keywords=("ROS1", "lung"),
        language="eng",
        pub_date="2021-05-04",
        nct_ids=("NCT00000001",),
    )
    text = item.text
    claims = [
        claim(text, "CD74-ROS1 drives this lung tumour \U0001f9ec <b>alone</b> | *always*.", ClaimType.DRIVER_ROLE, genes=("ROS1",),
              fusion="CD74::ROS1", disease=LUNG),
        claim(text, "It may also fuse EZR-ROS1 with a better outcome.", ClaimType.CLINICAL_FEATURES_ASSOCIATION, genes=("ROS1",),
              fusion="EZR::ROS1", disease=LUNG, polarity=Polarity.HEDGED, significance="Better Outcome"),
    ]  # fmt: skip
    mentions = [
        mention(text, "CD74-ROS1", Label.FUSION, Fusion("CD74", "ROS1")),
        mention(text, "EZR-ROS1", Label.FUSION, Fusion("EZR", "ROS1"), Polarity.HEDGED),
        mention(text, "lung tumour", Label.DISEASE, LUNG),
        mention(text, "tab\tand", Label.ASSAY, Concept("assay:tab", "tab and")),
        mention(text, "{less}\n=A", Label.ASSAY),
    ]
    return mined(item, claims, mentions, StudyType.CASE_REPORT, "C")


def untitled(pmid: str = "syn-005") -> Mined:
    """A record without a title, a PMID, a date or an author; its fusion leaves the partner open, another is negated."""
    item = record(pmid, "", (None, "RET fusion was found, but no KIF5B-RET. RET fusion is sensitive to selpercatinib plus osimertinib."))
    item = type(item)(id=pmid, pmid=None, title="", sections=item.sections, source="tests")
    text = item.text
    claims = [
        claim(text, "RET fusion is sensitive to selpercatinib plus osimertinib.", ClaimType.COMBINATION_THERAPY, genes=("RET",),
              alteration="fusion", therapies=("selpercatinib", "osimertinib"), disease=LUNG, direction=Direction.SUPPORTS),
    ]  # fmt: skip
    mentions = [
        mention(text, "RET fusion", Label.FUSION, Fusion("?", "RET")),
        mention(text, "KIF5B-RET", Label.FUSION, Fusion("KIF5B", "RET"), Polarity.NEGATED),
    ]
    return mined(item, claims, mentions, StudyType.OTHER, "E")


def all_records() -> tuple[Mined, ...]:
    """Every record, the awkward ones too."""
    return trial(), resistance(), small_series(), driver(), untitled()


def written(store: Store, form: str, **filters: object) -> bytes:
    """Return what an export writes."""
    out = io.BytesIO()
    if exporter(form).binary:
        write(form, Selection(store, filters), out)
        return out.getvalue()
    text = io.TextIOWrapper(out, encoding="utf-8", newline="\n")
    write(form, Selection(store, filters), text)
    text.flush()
    return out.getvalue()
