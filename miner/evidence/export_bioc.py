"""Records with their mentions as BioC JSON and as PubTator; offsets count characters of the record's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from miner.evidence.export_json import Object, write_array
from miner.plugins import Exporter, Selection
from miner.schema import Label, Mention, Record

TYPES = {
    Label.GENE: "Gene",
    Label.DRUG: "Chemical",
    Label.DRUG_CLASS: "ChemicalClass",
    Label.DISEASE: "Disease",
    Label.VARIANT: "Mutation",
    Label.FUSION: "Fusion",
    Label.ALTERATION: "Alteration",
    Label.ASSAY: "Assay",
    Label.MEASURE: "Measure",
    Label.COHORT: "Cohort",
}
"""PubTator's word for a label, where it has one."""
_BREAKS = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MARK = re.compile(r"\|(?=[ta]\|)")


def write_bioc(chosen: Selection, out: TextIO) -> None:
    """Write one BioC collection: a passage for the title and for each section."""
    out.write('{"source": "PubMed", "date": "", "key": "miner", "infons": {}, "documents": ')
    write_array((document(record, chosen.mentions(record)) for record in chosen.records()), out)
    out.write("}\n")


def document(record: Record, mentions: Iterable[Mention]) -> Object:
    """Return a record as a BioC document; a mention stands in its passage, or in the document where it crosses from one to the next."""
    held = list(enumerate(mentions))
    across = [
        (n, mention) for n, mention in held if not any(start <= mention.start and mention.end <= end for _, start, end in record.spans)
    ]
    passages = [
        {
            "offset": start,
            "infons": {"type": "title" if label == "TITLE" and start == 0 else "abstract", **({"section": label} if label else {})},
            "text": record.text[start:end],
            "sentences": [],
            "annotations": [annotation(n, mention) for n, mention in held if start <= mention.start and mention.end <= end],
            "relations": [],
        }
        for label, start, end in record.spans
    ]
    infons = {name: value for name, value in (("pmid", record.pmid), ("doi", record.doi), ("pmcid", record.pmcid)) if value}
    crossing = [annotation(n, mention) for n, mention in across]
    return {"id": record.pmid or record.id, "infons": infons, "passages": passages, "annotations": crossing, "relations": []}


def annotation(number: int, mention: Mention) -> Object:
    """Return a mention as a BioC annotation."""
    infons = {"type": str(mention.label), "polarity": str(mention.polarity)}
    infons |= {name: value for name, value in (("identifier", mention.curie), ("name", mention.name)) if value}
    place = {"offset": mention.start, "length": mention.end - mention.start}
    return {"id": str(number), "infons": infons, "text": mention.text, "locations": [place]}


def write_pubtator(chosen: Selection, out: TextIO) -> None:
    """Write each record as PubTator: title, abstract, one line for each mention, an empty line."""
    for record in chosen.records():
        name = record.pmid or record.id
        title, abstract = _lines(record)
        shift = 0 if record.title else 1
        text = f"{title}\n{abstract}"
        out.write(f"{name}|t|{title}\n{name}|a|{abstract}\n")
        for mention in chosen.mentions(record):
            start, end = mention.start + shift, mention.end + shift
            if start < len(title) < end:
                end = len(title)  # An annotation cannot hold the break between title and abstract.
            words = _BREAKS.sub(" ", text[start:end])
            out.write(f"{name}\t{start}\t{end}\t{words}\t{TYPES[mention.label]}\t{mention.curie or mention.name or '-'}\n")
        out.write("\n")


def _lines(record: Record) -> tuple[str, str]:
    """Title and abstract, each on one line, every character at its place; what a reader would take for a mark is changed."""
    cut = len(record.title) + 1 if record.title else 0
    return plain_line(record.title), plain_line(record.text[cut:])


def plain_line(text: str) -> str:
    """Write breaks as spaces and ``|t|`` as ``¦t|``, one character for one; space at the end, which readers cut, as it stands."""
    return _MARK.sub("¦", _BREAKS.sub(" ", text))


BIOC = Exporter(write_bioc, "records and mentions as BioC JSON")
PUBTATOR = Exporter(write_pubtator, "records and mentions as PubTator")
