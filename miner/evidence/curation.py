"""What a curator may write: the fields of a row, their legal values, and what a row becomes by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from miner.evidence import civic, figures
from miner.evidence.merge import make_key
from miner.evidence.statement import compose
from miner.evidence.store_facets import genes_of_profile
from miner.evidence.store_rows import TYPE_RANK, Row, dumps
from miner.evidence.support import LEVEL_WEIGHTS
from miner.evidence.table import CURATOR
from miner.schema import Action, ClaimType, Direction, Polarity, StudyType

Problem = tuple[str, str]
"""(field, what is wrong with it)."""

INTERACTIONS = ("Combination", "Sequential", "Substitutes")
_CHOICES: dict[str, tuple[str, ...]] = {
    "claim_type": tuple(ClaimType),
    "direction": tuple(Direction),
    "polarity": tuple(Polarity),
    "level": tuple(LEVEL_WEIGHTS),
    "study_type": tuple(StudyType),
}
_NAMES = {"molecular_profile", "statement", "disease_id", "sentence"}
_LISTS = {"genes", "therapies"}
PLACE = ("sentence", "start", "end")
"""Where an added row stands in its paper; ``start`` and ``end`` follow from the sentence."""
EDITABLE = (
    "claim_type",
    "molecular_profile",
    "genes",
    "disease",
    "disease_id",
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
REQUIRED = ("claim_type", "molecular_profile", "sentence")
"""What an added row must say; the rest has defaults."""
_IN_STATEMENT = {"claim_type", "molecular_profile", "disease", "therapies", "therapy_interaction_type", "significance", "direction"}
_IN_STATEMENT |= {"polarity", "figures"}


def legal_significances(claim_type: str) -> tuple[str, ...]:
    """Return the significances that rows of a claim type may carry, the usual first."""
    return civic.MEANINGS[ClaimType(claim_type)].significances


def problems(changes: Mapping[str, Any], action: Action, base: Mapping[str, Any] | None = None) -> list[Problem]:
    """Return what is wrong with the changes of an edit (of the row ``base``) or an added row; empty where all is well."""
    fields = EDITABLE + PLACE if action is Action.ADD else EDITABLE
    if action not in (Action.EDIT, Action.ADD):
        return [("changes", f"{action} takes no changes")] if changes else []
    found = [(name, f"no field is called {name!r}; there are {', '.join(fields)}") for name in changes if name not in fields]
    if action is Action.EDIT and not changes:
        return [("changes", "an edit changes at least one field")]
    if action is Action.ADD:
        found += [(name, f"an added row needs {name}") for name in REQUIRED if not changes.get(name)]
    for name, value in changes.items():
        if name in fields and (told := _problem(name, value)):
            found.append((name, told))
    return found or _together(changes, base)


def _together(changes: Mapping[str, Any], base: Mapping[str, Any] | None) -> list[Problem]:
    held = {**(base or {}), **changes}
    legal = legal_significances(held["claim_type"]) if "claim_type" in held else ()
    given = held.get("significance")
    if legal and given is not None and given not in legal:
        return [("significance", f"{given!r} is not legal for {held['claim_type']}, which has {', '.join(legal)}")]
    if held.get("therapy_interaction_type") and len(_listed(held.get("therapies", ()))) < 2:
        return [("therapy_interaction_type", f"{held['therapy_interaction_type']} needs two therapies at least")]
    return []


def _listed(value: Any) -> list[str]:
    return json.loads(value) if isinstance(value, str) else list(value)


def _problem(name: str, value: Any) -> str | None:
    if name in _CHOICES:
        return None if value in _CHOICES[name] else f"{value!r} is not one of {', '.join(_CHOICES[name])}"
    for names, check in _CHECKS:
        if name in names:
            return check(value)
    return None


def _name(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else f"{value!r} is no text"


def _name_or_none(value: Any) -> str | None:
    return None if value is None else _name(value)


def _list(value: Any) -> str | None:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) and item.strip() for item in value):
        return None
    return f"{value!r} is no list of names"


def _count(value: Any) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return None if value is None or whole else f"{value!r} is no count of patients"


def _offset(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else f"{value!r} is no offset"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"{value!r} is neither true nor false"


def _interaction(value: Any) -> str | None:
    return None if value is None or value in INTERACTIONS else f"{value!r} is not one of {', '.join(INTERACTIONS)}"


def _significance(value: Any) -> str | None:
    legal = dict.fromkeys(name for meaning in civic.MEANINGS.values() for name in meaning.significances)
    return None if value in legal else f"{value!r} is not one of {', '.join(legal)}"


def _figures(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"{value!r} is no set of figures"
    for key, number in value.items():
        if key.removesuffix(figures.INTERVAL) not in figures.KINDS:
            return f"no figure is called {key!r}; there are {', '.join(figures.KINDS)}"
        if isinstance(number, bool) or not isinstance(number, (int, float, str)) or number == "":
            return f"{key} {number!r} is neither number nor text"
    hits, total = figures.whole(value.get("n_resp", value.get("n_pos"))), figures.whole(value.get("N"))
    return f"{hits} of {total} is no proportion" if hits is not None and total is not None and hits > total else None


_CHECKS: tuple[tuple[Iterable[str], Callable[[Any], str | None]], ...] = (
    (_NAMES, _name),
    (("disease",), _name_or_none),
    (_LISTS, _list),
    (("n_patients",), _count),
    (("start", "end"), _offset),
    (("background",), _flag),
    (("therapy_interaction_type",), _interaction),
    (("significance",), _significance),
    (("figures",), _figures),
)


def changed_row(row: Row, changes: Mapping[str, Any]) -> Row:
    """Return the columns of a row after an edit: what follows from a changed field changes with it."""
    new = row | {name: _column(name, changes[name]) for name in EDITABLE if name in changes and name != "disease_id"}
    claim_type, direction = ClaimType(new["claim_type"]), Direction(new["direction"])
    new |= {"type_rank": TYPE_RANK[claim_type], "evidence_type": civic.MEANINGS[claim_type].evidence_type}
    if "molecular_profile" in changes and "genes" not in changes:
        new["genes"] = dumps(genes_of_profile(new["molecular_profile"]))
    if "disease" in changes:
        new["disease_key"] = changes.get("disease_id") or (new["disease"] or "").casefold()
    therapies = json.loads(new["therapies"])
    if len(therapies) < 2:
        new["therapy_interaction_type"] = None
    if _IN_STATEMENT & set(changes) and "statement" not in changes:
        new["statement"] = _statement(new, therapies)
    new["proposition"] = make_key(claim_type, new["molecular_profile"], new["disease_key"], therapies, new["significance"], direction)
    return new


def _column(name: str, value: Any) -> Any:
    if name in _LISTS:
        return dumps(sorted({item.strip() for item in value}))
    if name == "figures":
        return dumps(figures.ordered(value))
    if name == "background":
        return int(value)
    return value.strip() if isinstance(value, str) else value


def _statement(row: Row, therapies: list[str]) -> str:
    return compose(
        ClaimType(row["claim_type"]),
        profile=row["molecular_profile"],
        disease=row["disease"],
        therapies=therapies,
        joint=row["therapy_interaction_type"],
        significance=row["significance"],
        direction=Direction(row["direction"]),
        polarity=Polarity(row["polarity"]),
        figures=json.loads(row["figures"]),
        population=row["n_patients"],
    )


def added_row(changes: Mapping[str, Any], record: Mapping[str, Any]) -> Row:
    """Return the columns of a row that a curator wrote; ``record`` is the row of its paper."""
    base: Row = {
        "key": "",
        "pmid": record["pmid"],
        "claim_type": changes["claim_type"],
        "molecular_profile": changes["molecular_profile"],
        "genes": "[]",
        "disease": None,
        "disease_key": "",
        "therapies": "[]",
        "therapy_interaction_type": None,
        "significance": legal_significances(changes["claim_type"])[0],
        "direction": str(Direction.SUPPORTS),
        "polarity": str(Polarity.ASSERTED),
        "level": record["evidence_level"] if record["evidence_level"] in LEVEL_WEIGHTS else "E",
        "study_type": record["study_type"],
        "statement": "",
        "source": "PubMed" if record["has_pmid"] else record["source"] or "file",
        "status": "accepted",
        "figures": "{}",
        "warnings": "[]",
        "n_patients": None,
        "background": 0,
        "sentence": changes["sentence"],
        "year": record["year"],
        "rule": CURATOR,
        "machine": None,
    }
    row = changed_row(base, changes)
    return row | {"key": row["proposition"]}


def as_changes(row: Mapping[str, Any], start: int, end: int) -> dict[str, Any]:
    """Return a row as the changes that would add it: what a curation keeps of the row that it judges."""
    plain = {name: row[name] for name in EDITABLE if name != "disease_id"}
    plain |= {name: json.loads(row[name]) for name in ("genes", "therapies", "figures")}
    plain |= {"disease_id": row["disease_key"] or None, "background": bool(row["background"])}
    return {**plain, "sentence": row["sentence"], "start": start, "end": end}
