"""Objects to database rows and back; JSON is written one way only, so that equal things are equal bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from miner.errors import StoreError
from miner.evidence import store_facets
from miner.evidence.merge import disease_key, is_background, patients, source_id
from miner.evidence.support import weigh
from miner.evidence.table import Paper, Quote
from miner.schema import (
    Alteration,
    Claim,
    ClaimType,
    Cohort,
    Concept,
    Direction,
    Evidence,
    Fusion,
    Label,
    Measure,
    Mention,
    Mined,
    Polarity,
    Record,
    Referent,
    Section,
    Status,
    Variant,
)

Row = dict[str, Any]
_REFERENTS: dict[str, Callable[..., Referent]] = {kind.__name__: kind for kind in (Concept, Fusion, Variant, Alteration, Measure, Cohort)}
TYPE_RANK = {claim_type: rank for rank, claim_type in enumerate(ClaimType)}


def dumps(value: object) -> str:
    """Write compact JSON; equal values give equal text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def record_row(mined: Mined) -> Row:
    """Return the record's columns."""
    record = mined.record
    year = (record.pub_date or "")[:4]
    return {
        "pmid": source_id(mined),
        "sha256": record.sha256,
        "id": record.id,
        "has_pmid": int(record.pmid is not None),
        "title": record.title,
        "sections": dumps([[part.label, part.text] for part in record.sections]),
        "text": record.text,
        "doi": record.doi,
        "pmcid": record.pmcid,
        "journal": record.journal,
        "pub_date": record.pub_date,
        "year": int(year) if year.isdigit() else None,
        "publication_types": dumps(record.publication_types),
        "mesh": dumps(record.mesh),
        "keywords": dumps(record.keywords),
        "authors": dumps(record.authors),
        "nct_ids": dumps(record.nct_ids),
        "language": record.language,
        "status": str(record.status),
        "notices": dumps(record.notices),
        "other_abstracts": dumps([[part.label, part.text] for part in record.other_abstracts]),
        "copyright": record.copyright,
        "version": record.version,
        "revised": record.revised,
        "source": record.source,
        "fetched_at": record.fetched_at,
        "study_type": str(mined.study_type),
        "evidence_level": mined.evidence_level,
    }


def record_of(row: Mapping[str, Any]) -> Record:
    """Return the record that a row holds."""
    return Record(
        id=row["id"],
        pmid=row["pmid"] if row["has_pmid"] else None,
        title=row["title"],
        sections=_sections(row["sections"]),
        doi=row["doi"],
        pmcid=row["pmcid"],
        journal=row["journal"],
        pub_date=row["pub_date"],
        publication_types=tuple(json.loads(row["publication_types"])),
        mesh=tuple(json.loads(row["mesh"])),
        keywords=tuple(json.loads(row["keywords"])),
        authors=tuple(json.loads(row["authors"])),
        nct_ids=tuple(json.loads(row["nct_ids"])),
        language=row["language"],
        status=Status(row["status"]),
        notices=tuple((kind, reference) for kind, reference in json.loads(row["notices"])),
        other_abstracts=_sections(row["other_abstracts"]),
        copyright=row["copyright"],
        version=row["version"],
        revised=row["revised"],
        source=row["source"],
        fetched_at=row["fetched_at"],
    )


def _sections(text: str) -> tuple[Section, ...]:
    return tuple(Section(label, body) for label, body in json.loads(text))


def mention_rows(mined: Mined) -> list[Row]:
    """Return the mentions' columns, in order of offset."""
    pmid = source_id(mined)
    return [
        {
            "pmid": pmid,
            "seq": seq,
            "start": mention.start,
            "end": mention.end,
            "text": mention.text,
            "label": str(mention.label),
            "curie": mention.curie,
            "name": mention.name,
            "polarity": str(mention.polarity),
            "referent": _referent_text(mention.referent),
        }
        for seq, mention in enumerate(mined.reading.mentions)
    ]


def _referent_text(referent: Referent | None) -> str | None:
    return None if referent is None else dumps({"is": type(referent).__name__} | asdict(referent))


def mention_of(row: Mapping[str, Any]) -> Mention:
    """Return the mention that a row holds."""
    return Mention(row["start"], row["end"], row["text"], Label(row["label"]), _referent_of(row["referent"]), Polarity(row["polarity"]))


def _referent_of(text: str | None) -> Referent | None:
    if text is None:
        return None
    held = json.loads(text)
    kind = _REFERENTS[held.pop("is")]
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in held.items()})


def claim_rows(mined: Mined) -> list[Row]:
    """Return the claims' columns with the text of every sentence used."""
    pmid, text = source_id(mined), mined.reading.text
    return [_claim_row(claim, seq, pmid, text) for seq, claim in enumerate(mined.claims)]


def _claim_row(claim: Claim, seq: int, pmid: str, text: str) -> Row:
    spans = claim.spans or ((claim.start, claim.end),)
    if (claim.start, claim.end) not in spans:
        spans = ((claim.start, claim.end), *spans)
    return {
        "pmid": pmid,
        "seq": seq,
        "type": str(claim.type),
        "start": claim.start,
        "end": claim.end,
        "sentence": text[claim.start : claim.end],
        "spans": dumps([[start, end, text[start:end]] for start, end in spans]),
        "rule": claim.rule,
        "genes": dumps(claim.genes),
        "fusion": claim.fusion,
        "variant": claim.variant,
        "alteration": claim.alteration,
        "therapies": dumps(claim.therapies),
        "disease_curie": claim.disease.curie if claim.disease else None,
        "disease": claim.disease.name if claim.disease else None,
        "significance": claim.significance,
        "direction": str(claim.direction),
        "polarity": str(claim.polarity),
        "population_n": claim.population_n,
        "figures": dumps(claim.figures),
        "background": int(claim.background),
        "confidence": float(claim.confidence),
        "warnings": dumps(claim.warnings),
    }


def evidence_row(evidence: Evidence, text: str) -> Row:
    """Return the columns of a piece of evidence."""
    best = evidence.claims[0]
    return {
        "key": evidence.key,
        "pmid": evidence.pmid,
        "claim_type": str(evidence.claim_type),
        "type_rank": TYPE_RANK[evidence.claim_type],
        "evidence_type": evidence.evidence_type,
        "molecular_profile": evidence.molecular_profile,
        "genes": dumps(store_facets.genes_of(evidence)),
        "disease": evidence.disease,
        "disease_key": disease_key(best.disease),
        "therapies": dumps(evidence.therapies),
        "therapy_interaction_type": evidence.therapy_interaction_type,
        "significance": evidence.significance,
        "direction": str(evidence.evidence_direction),
        "polarity": str(evidence.polarity),
        "level": evidence.evidence_level,
        "study_type": str(evidence.study_type),
        "statement": evidence.statement,
        "source": evidence.source,
        "status": evidence.status,
        "figures": dumps(evidence.figures),
        "warnings": dumps(evidence.warnings),
        "n_patients": patients(evidence),
        "background": int(is_background(evidence)),
        "sentence": text[best.start : best.end],
    }


def standing_row(row: Row, evidence: Evidence, record: Row) -> Row:
    """Return the columns of evidence with those that follow from them and from the record, before any curation."""
    following = {"proposition": row["key"], "year": record["year"], "rule": evidence.claims[0].rule, "machine": None}
    return row | following | {"weight": row_weight(row, record["status"])}


def row_weight(row: Mapping[str, Any], record_status: str) -> float:
    """Return what a row of evidence adds to the support of its proposition."""
    return weigh(row["level"], row["polarity"], bool(row["background"]), record_status)


def claim_order(evidence: Evidence, claims: Sequence[Claim]) -> list[int]:
    """Return the positions in ``claims`` of the evidence's claims, best first."""
    places: dict[int, int] = {id(claim): position for position, claim in enumerate(claims)}
    return [places[id(claim)] if id(claim) in places else claims.index(claim) for claim in evidence.claims]


def paper_of(row: Mapping[str, Any], quotes: Iterable[tuple[Any, ...]], claimed: Iterable[Mapping[str, Any]]) -> Paper:
    """Return the evidence that a joined row of evidence and record holds, with the sentences and figures of its claims."""
    return Paper(
        key=row["key"],
        pmid=row["pmid"],
        claim_type=_claim_type(row["claim_type"]),
        evidence_type=row["evidence_type"],
        molecular_profile=row["molecular_profile"],
        genes=_listed(row["genes"]),
        disease=row["disease"],
        disease_key=row["disease_key"],
        therapies=_listed(row["therapies"]),
        therapy_interaction_type=row["therapy_interaction_type"],
        significance=row["significance"],
        direction=_DIRECTIONS[row["direction"]],
        polarity=_POLARITIES[row["polarity"]],
        level=row["level"],
        study_type=row["study_type"],
        statement=row["statement"],
        source=row["source"],
        status=row["status"],
        figures=(figures := json.loads(text) if (text := row["figures"]) != "{}" else {}),
        cohorts=_cohorts(figures, claimed),
        warnings=_listed(row["warnings"]),
        n_patients=row["n_patients"],
        background=bool(row["background"]),
        quotes=tuple(Quote(*quote) for quote in quotes),
        record_status=_STATUSES[row["record_status"]],
        notices=tuple((kind, reference) for kind, reference in _listed(row["notices"])),
        title=row["title"],
        journal=row["journal"],
        year=row["year"],
        proposition=row["proposition"],
        rule=row["rule"],
        machine=_changed(row),
        pub_date=row["pub_date"],
        doi=row["doi"],
        authors=_listed(row["authors"]),
        trials=tuple(sorted(_listed(row["trials"]))) if row["trials"] != "[]" else (),
    )


def _claim_type(value: str) -> ClaimType:
    try:
        return ClaimType(value)
    except ValueError:
        told = f"the database holds claims of the type {value!r}, which no installed package brings"
        raise StoreError(f"{told}; install its package again (miner plugins lists those that are there)") from None


_CLAIM_TYPES = {str(item): item for item in ClaimType}
_DIRECTIONS = {str(item): item for item in Direction}
_POLARITIES = {str(item): item for item in Polarity}
_STATUSES = {str(item): item for item in Status}


@lru_cache(maxsize=16_384)
def _listed(text: str) -> tuple[Any, ...]:
    """Return a list that is written as JSON; most rows hold one of a few."""
    return tuple(json.loads(text))


def _changed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the miner read in the fields that a curator changed."""
    if not row["machine"]:
        return {}
    held = json.loads(row["machine"])
    return {name: _plain_column(name, held[name]) for name in SHOWN if name in held and held[name] != row[name]}


def _plain_column(name: str, value: Any) -> Any:
    return json.loads(value) if name in ("genes", "therapies", "figures") and isinstance(value, str) else value


SHOWN = (
    "claim_type",
    "molecular_profile",
    "genes",
    "disease",
    "therapies",
    "therapy_interaction_type",
    "significance",
    "direction",
    "polarity",
    "level",
    "study_type",
    "figures",
    "n_patients",
    "background",
    "statement",
)
"""The columns that a curator may change."""


_RATES = ("ORR_percent", "n_resp", "value_percent", "n_pos")


def _cohorts(merged: Mapping[str, Any], claimed: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, float | int | str], ...]:
    """The merged figures, then those of other cohorts of the same paper that give a rate of their own."""
    found = [merged]
    for figures in claimed:
        rated = any(key in figures for key in _RATES)
        if rated and not any(all(held[key] == figures[key] for key in _RATES if key in held and key in figures) for held in found):
            found.append(figures)
    return tuple(found)


def digest(*rows: object) -> str:
    """Digest rows, to tell whether anything changed."""
    return hashlib.sha256(dumps(rows).encode("utf-8", "surrogatepass")).hexdigest()
