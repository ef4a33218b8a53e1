"""JSON arrays written item by item, and the concepts of GA4GH's models with their identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from miner.lexicon import Lexicon, load_lexicon
from miner.schema import Concept, Label

Object = dict[str, Any]
SYSTEMS = {
    "hgnc": "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/",
    "doid": "https://disease-ontology.org/?id=",
    "oncotree": "https://oncotree.mskcc.org/?code=",
    "mesh": "https://meshb.nlm.nih.gov/record/ui?ui=",
    "unii": "https://precision.fda.gov/uniisearch/srs/unii/",
    "ncbigene": "https://www.ncbi.nlm.nih.gov/gene/",
}
"""Where an identifier leads, by its prefix."""
_WITH_PREFIX = {"hgnc", "doid"}  # Their codes are written with the prefix: HGNC:8031, DOID:3908.


def write_array(items: Iterable[Object], out: TextIO) -> None:
    """Write a JSON array, one item after the other, so that no more than one is held."""
    out.write("[")
    for number, item in enumerate(items):
        out.write((",\n" if number else "\n") + json.dumps(item, ensure_ascii=False))
    out.write("\n]\n")


def extension(name: str, value: object) -> Object:
    """Return what a standard has no place for, as its models take it."""
    return {"name": name, "value": value}


def concept(kind: str, name: str, curie: str | None) -> Object:
    """Return a GA4GH MappableConcept; an identifier that no known system gives stays out."""
    made: Object = {"conceptType": kind, "name": name}
    prefix, _, local = (curie or "").partition(":")
    if prefix in SYSTEMS and local:
        code = f"{prefix.upper()}:{local}" if prefix in _WITH_PREFIX else local
        made["primaryCoding"] = {"id": curie, "code": code, "system": SYSTEMS[prefix]}
    return made


class Identifiers:
    """Identifiers of genes and drugs by their names, as the lexicon has them."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or load_lexicon()
        self._held: dict[tuple[Label, str], str | None] = {}

    def gene(self, symbol: str) -> str | None:
        """Return the identifier of a gene symbol, or None."""
        found = self._lexicon.gene(symbol, lenient=True)
        return found.curie if found and found.name == symbol else None

    def members(self, family: str) -> tuple[str, ...]:
        """Return the symbols of a family, or a gene itself."""
        return self._lexicon.members(family)

    def therapy(self, name: str) -> str | None:
        """Return the identifier of a drug or class, or None."""
        return self._find(Label.DRUG, name) or self._find(Label.DRUG_CLASS, name)

    def _find(self, label: Label, name: str) -> str | None:
        key = (label, name)
        if key not in self._held:
            whole = (hit.concept for hit in self._lexicon.find(name) if hit.label is label and (hit.start, hit.end) == (0, len(name)))
            self._held[key] = next((found.curie for found in whole if isinstance(found, Concept)), None)
        return self._held[key]
