"""Fusions as FUSOR's CategoricalFusion objects (VICC's model of gene fusions), with the papers that assert each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from miner.evidence.export_json import Identifiers, Object, concept, extension, write_array
from miner.plugins import Exporter, Selection
from miner.schema import Fusion, Mention, Polarity

_OPEN = {"?", "v", ""}  # A category of fusions that leaves a partner open may have any.
_Pair = tuple[str, str]


def write_fusor(chosen: Selection, out: TextIO) -> None:
    """Write one object for each fusion that a record asserts, by genes."""
    identifiers = Identifiers()
    write_array((categorical(pair, found, identifiers) for pair, found in sorted(fusions(chosen).items())), out)


def fusions(chosen: Selection) -> dict[_Pair, list[tuple[str, Mention]]]:
    """Return (5', 3') → (record, mention) of what is asserted, hedged mentions beside; both partners open is no fusion."""
    found: dict[_Pair, list[tuple[str, Mention]]] = {}
    for name, mention, fusion in _named(chosen):
        pair = (_partner(fusion.five_prime), _partner(fusion.three_prime))
        if pair[0] != pair[1] and mention.polarity in (Polarity.ASSERTED, Polarity.HEDGED):
            found.setdefault(pair, []).append((name, mention))
    return {pair: held for pair, held in found.items() if any(mention.polarity is Polarity.ASSERTED for _, mention in held)}


def _named(chosen: Selection) -> Iterator[tuple[str, Mention, Fusion]]:
    for record in chosen.records():
        for mention in chosen.mentions(record):
            if isinstance(mention.referent, Fusion):
                yield record.pmid or record.id, mention, mention.referent


def _partner(symbol: str) -> str:
    return "v" if symbol in _OPEN else symbol


def categorical(pair: _Pair, found: list[tuple[str, Mention]], identifiers: Identifiers) -> Object:
    """Return a CategoricalFusion; what names a family or an unlisted gene has a name and no identifier."""
    curies = [None if symbol == "v" else identifiers.gene(symbol) for symbol in pair]
    made: Object = {
        "type": "CategoricalFusion",
        "structure": [_element(symbol, curie) for symbol, curie in zip(pair, curies, strict=True)],
        "viccNomenclature": "::".join(_written(symbol, curie) for symbol, curie in zip(pair, curies, strict=True)),
        "extensions": [extension("mentions", [_place(name, mention) for name, mention in found])],
    }
    if None in (curie for symbol, curie in zip(pair, curies, strict=True) if symbol != "v"):
        del made["viccNomenclature"]  # The nomenclature asks for the identifier of each gene.
    return made


def _element(symbol: str, curie: str | None) -> Object:
    if symbol == "v":
        return {"type": "MultiplePossibleGenesElement"}
    return {"type": "GeneElement", "gene": concept("Gene", symbol, curie)}


def _written(symbol: str, curie: str | None) -> str:
    return "v" if symbol == "v" else f"{symbol}({curie})"


def _place(name: str, mention: Mention) -> Object:
    detail = mention.referent.detail if isinstance(mention.referent, Fusion) else None
    told: Object = {"source": name, "start": mention.start, "end": mention.end, "text": mention.text, "polarity": str(mention.polarity)}
    return {**told, "detail": detail} if detail else told


FUSOR = Exporter(write_fusor, "asserted fusions as FUSOR's CategoricalFusion objects")
