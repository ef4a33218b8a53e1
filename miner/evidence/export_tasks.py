"""Tasks for annotation tools: does the paper say what the miner read? One task for each paper and proposition.

``answers`` reads what comes back. ``data/tasks/labelstudio.xml`` is the labelling interface for Label Studio.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from miner.evidence.export_json import Object, write_array
from miner.evidence.table import Paper, Quote
from miner.plugins import Exporter, Selection

EVIDENCE = "evidence"
FROM, TO = "evidence", "text"
"""Names of the labels and of the text in ``data/tasks/labelstudio.xml``."""


def _asked(chosen: Selection) -> Iterator[tuple[Paper, str]]:
    """Yield evidence with the text of its paper, by paper, so that no more than one text is held."""
    found: dict[str, list[Paper]] = {}
    for item in chosen.papers():
        found.setdefault(item.pmid, []).append(item)
    for record in chosen.records():
        for item in found.get(record.pmid or record.id, ()):
            yield item, record.text


def apart(quotes: tuple[Quote, ...]) -> list[Quote]:
    """Return quotes by offset, those left out that overlap an earlier one: annotation tools cannot show them."""
    kept: list[Quote] = []
    for quote in sorted(quotes, key=lambda item: (item.start, -item.end)):
        if not kept or quote.start >= kept[-1].end:
            kept.append(quote)
    return kept


def _facts(item: Paper) -> Object:
    return {"source": item.pmid, "claim_type": str(item.claim_type), "level": item.level, "polarity": str(item.polarity)}


def prodigy_task(item: Paper, text: str) -> Object:
    """Return a task of Prodigy: the text with the sentences as spans, the statement as the label to accept or reject."""
    spans = [{"start": quote.start, "end": quote.end, "label": EVIDENCE, "text": quote.text} for quote in apart(item.quotes)]
    return {"text": text, "spans": spans, "label": item.statement, "meta": _facts(item), "key": item.key, "source": item.pmid}


def label_studio_task(item: Paper, text: str) -> Object:
    """Return a task of Label Studio with the sentences as a prediction; its offsets count UTF-16 units, as the tool does."""
    result = [
        {
            "id": f"e{number}",
            "from_name": FROM,
            "to_name": TO,
            "type": "labels",
            "value": {"start": utf16(text, quote.start), "end": utf16(text, quote.end), "text": quote.text, "labels": [EVIDENCE]},
        }
        for number, quote in enumerate(apart(item.quotes))
    ]
    data = {"text": text, "statement": item.statement, "key": item.key, **_facts(item)}
    return {"data": data, "predictions": [{"model_version": "miner", "result": result}]}


def utf16(text: str, offset: int) -> int:
    """Return the offset in UTF-16 units, as JavaScript counts."""
    return offset if text.isascii() else offset + sum(sign > "\uffff" for sign in text[:offset])


def write_prodigy(chosen: Selection, out: TextIO) -> None:
    """Write one task a line."""
    for item, text in _asked(chosen):
        out.write(json.dumps(prodigy_task(item, text), ensure_ascii=False) + "\n")


def write_label_studio(chosen: Selection, out: TextIO) -> None:
    """Write the tasks as one array, which is what Label Studio imports."""
    write_array((label_studio_task(item, text) for item, text in _asked(chosen)), out)


PRODIGY = Exporter(write_prodigy, "tasks for Prodigy: accept or reject each statement; `miner import` takes the answers")
LABEL_STUDIO = Exporter(write_label_studio, "tasks for Label Studio, with data/tasks/labelstudio.xml; `miner import` takes the answers")
