"""What evidence can be filtered by: (kind, folded value, name as it is shown)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from miner.schema import Evidence

Facet = tuple[str, str, str]
COLUMNS = ("claim_type", "direction", "polarity", "level", "study_type", "year", "status")
KINDS = ("gene", "fusion", "variant", "drug", "disease", "disease_id", *COLUMNS)
"""Kinds of facet; their order is part of the schema, new ones come last."""
FACETS_A_KIND = 1_000_000_000
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*[A-Z0-9]|[A-Z]\d*orf\d+")
_CONNECTIVES = re.compile(r" (?:AND|OR) |[()]")


def genes_of(evidence: Evidence) -> tuple[str, ...]:
    """Return the genes that a piece of evidence is about, fusion partners among them, sorted."""
    found: set[str] = set()
    for claim in evidence.claims:
        found.update(claim.genes)
        found.update(side for side in (claim.fusion or "").split("::") if side not in ("", "?", "v"))
        if claim.variant and " " in claim.variant and not claim.variant.startswith("?"):
            found.add(claim.variant.split(" ", 1)[0])
    return tuple(sorted(found))


def genes_of_profile(profile: str) -> tuple[str, ...]:
    """Return the genes that a molecular profile names, sorted."""
    found: set[str] = set()
    for part in _parts(profile):
        head = part.split(" ", 1)[0]
        found.update(side for side in head.split("::") if _SYMBOL.fullmatch(side))
    return tuple(sorted(found))


def _parts(profile: str) -> list[str]:
    return [part.strip() for part in _CONNECTIVES.split(profile) if part.strip()]


def facets(row: Mapping[str, Any]) -> list[Facet]:
    """Return everything that a row of evidence can be filtered by, sorted."""
    return sorted({(kind, name.casefold()): (kind, name.casefold(), name) for kind, name in _named(row) if name}.values())


def _named(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("gene", gene) for gene in json.loads(row["genes"]))
    yield from (("drug", therapy) for therapy in json.loads(row["therapies"]))
    yield from (("disease", row["disease"] or ""), ("disease_id", row["disease_key"] if ":" in row["disease_key"] else ""))
    for part in _parts(row["molecular_profile"]):
        if "::" in part.split(" ", 1)[0]:
            yield "fusion", part.split(" ", 1)[0]
        elif any(sign.isdigit() for sign in part.partition(" ")[2]):
            yield "variant", part
    yield from ((name, str(row[name])) for name in COLUMNS if row[name] is not None)
