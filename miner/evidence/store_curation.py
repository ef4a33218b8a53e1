"""Curations in the database: append them, and bring the rows to what they say. The caller holds the transaction."""

from __future__ import annotations

import datetime
import itertools
import json
import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from miner.errors import InputError
from miner.evidence.curation import added_row, as_changes, changed_row, problems
from miner.evidence.store_insert import insert, insert_evidence, insert_facets
from miner.evidence.store_rows import Row, dumps, row_weight
from miner.evidence.table import CURATOR, cited
from miner.schema import Action, Curation, Label, Status

_DECISIONS = {Action.ACCEPT: "accepted", Action.REJECT: "rejected", Action.ADD: "accepted"}
_JUDGES = (Action.ACCEPT, Action.REJECT, Action.EDIT)


def append(connection: sqlite3.Connection, curation: Curation) -> int:
    """Check a curation against the database, keep it, bring its row up to date; return its id.

    Raises
    ------
    InputError
        Something in it is missing, unknown or not legal; nothing is kept then.
    """
    curation = _completed(connection, curation)
    curation_id = keep(connection, curation)
    settle(connection, curation.source, (curation.key,))
    return curation_id


def take(connection: sqlite3.Connection, log: Sequence[Curation]) -> int:
    """Append what of another database's log is not held yet, and bring all rows up to date; return how many were new.

    Ids are given anew; an undo follows the curation that it takes back. Rows and papers that are not held may come later:
    their curations wait for them.
    """
    ids: dict[tuple[object, ...], int] = {}
    for item in held(connection, "1"):
        ids[_identity(item, ids)] = item.id
    renamed: dict[int, int] = {}
    before = len(ids)
    met: dict[tuple[object, ...], int] = {}
    for item in log:
        item = checked_shape(item)
        _raise(problems(item.changes, item.action), item)
        if item.undoes is not None and item.undoes not in renamed:
            raise InputError(f"curation {item.id} undoes {item.undoes}, which stands nowhere before it")
        moved = replace(item, undoes=None if item.undoes is None else renamed[item.undoes])
        identity = _identity(moved, met)
        if (known := ids.get(identity)) is None:
            known = ids[identity] = keep(connection, moved)
        renamed[item.id] = met[identity] = known
    for source in sorted({item.source for item in log}):
        settle(connection, source)
    return len(ids) - before


def _identity(item: Curation, met: Container[tuple[object, ...]]) -> tuple[object, ...]:
    """Return what tells a curation from others; of equal ones, made in one second, the how manieth it is."""
    said = item.at, item.curator, str(item.action), item.key, item.source, dumps(item.changes), item.comment, item.undoes
    return next((*said, number) for number in itertools.count() if (*said, number) not in met)


def keep(connection: sqlite3.Connection, curation: Curation) -> int:
    """Append a curation as it is given, under the next id."""
    row = {
        "at": curation.at,
        "curator": curation.curator,
        "action": str(curation.action),
        "key": curation.key,
        "source": curation.source,
        "changes": dumps(curation.changes),
        "comment": curation.comment,
        "undoes": curation.undoes,
        "seen": dumps(curation.seen),
    }
    insert(connection, "curations", [row])
    return int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])


def now() -> str:
    """Return the present time in UTC as curations carry it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def checked_shape(curation: Curation) -> Curation:
    """Return a curation with its action as one; raise InputError on what no row could make legal."""
    where = f"curation of {cited(curation.source) if curation.source else 'no paper'}"
    if curation.action not in tuple(Action):
        raise InputError(f"{where}: action {str(curation.action)!r} is not one of {', '.join(Action)}")
    if not curation.curator.strip():
        raise InputError(f"{where}: who curates is not told")
    if curation.action == Action.COMMENT and not curation.comment.strip():
        raise InputError(f"{where}: the comment is empty")
    if (curation.action == Action.UNDO) != (curation.undoes is not None):
        raise InputError(f"{where}: an undo, and nothing else, names the curation that it takes back")
    return replace(curation, action=Action(curation.action), curator=curation.curator.strip(), at=_utc(curation.at, where))


def _utc(at: str, where: str) -> str:
    if not at:
        return now()
    try:
        moment = datetime.datetime.fromisoformat(at)
    except ValueError as error:
        raise InputError(f"{where}: {at!r} is no time in ISO 8601") from error
    if moment.tzinfo is None:
        raise InputError(f"{where}: the time {at!r} names no zone; write it in UTC, as 2026-05-04T10:00:00Z")
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _completed(connection: sqlite3.Connection, curation: Curation) -> Curation:
    curation = checked_shape(curation)
    if curation.action is Action.UNDO:
        return _undo(connection, curation)
    record = _one(connection, "SELECT * FROM records WHERE pmid = ?", curation.source)
    if record is None or record["status"] == str(Status.WITHDRAWN):
        raise InputError(f"the database holds no record {curation.source!r} that could be curated")
    if curation.action is Action.ADD:
        return _added(connection, curation, record)
    row = _row(connection, curation.key, curation.source)
    if row is None:
        raise InputError(f"{cited(curation.source)} has no row {curation.key!r}; `miner review` lists those it has")
    _raise(problems(curation.changes, curation.action, row), curation)
    changes = _with_disease(connection, curation.changes)
    seen = {} if curation.action not in _JUDGES or row["rule"] == CURATOR else _seen(connection, row)
    return replace(curation, changes=changes, seen=seen)


def _undo(connection: sqlite3.Connection, curation: Curation) -> Curation:
    target = next((item for item in held(connection, "id = ?", curation.undoes)), None)
    if target is None:
        raise InputError(f"there is no curation {curation.undoes} to undo")
    if target.action is Action.UNDO:
        raise InputError(f"curation {curation.undoes} is an undo itself; make the decision again instead")
    if _one(connection, "SELECT id FROM curations WHERE undoes = ?", curation.undoes):
        raise InputError(f"curation {curation.undoes} is undone already")
    if (curation.key or target.key, curation.source or target.source) != (target.key, target.source):
        raise InputError(f"curation {curation.undoes} is of {cited(target.source)} {target.key}, not of this row")
    return replace(curation, key=target.key, source=target.source)


def _added(connection: sqlite3.Connection, curation: Curation, record: Row) -> Curation:
    _raise(problems(curation.changes, Action.ADD), curation)
    changes = _with_disease(connection, curation.changes)
    place = _place(record["text"], changes)
    if place is None:
        raise InputError(f"{cited(curation.source)}: the sentence does not stand in the record: {changes['sentence']!r}")
    changes |= {"sentence": record["text"][place[0] : place[1]], "start": place[0], "end": place[1]}
    key = added_row(changes, record)["key"]
    if curation.key not in ("", key):
        raise InputError(f"{cited(curation.source)}: the key {curation.key} is not that of the row, {key}")
    row = _row(connection, key, curation.source)
    if row is not None and row["status"] != "rejected":
        raise InputError(f"{cited(curation.source)} has this row already ({key}); accept or edit it")
    return replace(curation, key=key, changes=changes)


def _raise(found: Sequence[tuple[str, str]], curation: Curation) -> None:
    if found:
        raise InputError(f"curation of {cited(curation.source)}: " + "; ".join(f"{name}: {told}" for name, told in found))


def _with_disease(connection: sqlite3.Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    """Name the disease by its identifier, as other rows or the lexicon do, so that the curation means the same ever after."""
    changes = dict(given)
    name = changes.get("disease")
    if name and not changes.get("disease_id"):
        known = _one(connection, "SELECT disease, disease_key FROM evidence WHERE disease = ? COLLATE NOCASE LIMIT 1", name.strip())
        if known:
            return changes | {"disease": known["disease"], "disease_id": known["disease_key"]}
        return changes | _of_lexicon(name.strip())
    return changes


def _of_lexicon(name: str) -> dict[str, str]:
    from miner.lexicon import load_lexicon

    for hit in load_lexicon().find(name):
        if hit.label is Label.DISEASE and (hit.start, hit.end) == (0, len(name)):
            return {"disease": hit.concept.name, "disease_id": hit.concept.curie}
    return {"disease": name}


def _seen(connection: sqlite3.Connection, row: Row) -> dict[str, Any]:
    base = _base(row)
    place = "SELECT c.start, c.end FROM evidence_claims ec JOIN claims c ON c.pmid = ec.pmid AND c.seq = ec.claim_seq"
    best = _one(connection, f"{place} WHERE ec.evidence = ? AND ec.rank = 0", row["id"])
    return as_changes(base, *(best["start"], best["end"])) if best else {}


def settle(connection: sqlite3.Connection, source: str, keys: Iterable[str] | None = None) -> None:
    """Bring the rows of a paper to what its curations say: all that were curated, or those of the keys given."""
    if keys is None:
        rows = connection.execute("SELECT DISTINCT key FROM curations WHERE source = ? ORDER BY key", (source,))
        keys = [row["key"] for row in rows]
    for key in keys:
        _settle(connection, key, source)


def _settle(connection: sqlite3.Connection, key: str, source: str) -> None:
    row, active = _row(connection, key, source), standing(log(connection, key, source))
    record = _one(connection, "SELECT * FROM records WHERE pmid = ?", source)
    if row is not None and row["rule"] == CURATOR:
        _remove(connection, row)
        row = None
    decided = [item for item in active if item.action is not Action.COMMENT]
    if row is None:
        if (kept := _restored(key, record, decided)) is not None and record is not None:
            _insert(connection, _folded(kept[0], decided, record) | {"machine": None}, kept[1])
    elif record is not None and (decided or row["machine"] is not None):
        base = _base(row)
        machine = dumps({name: value for name, value in base.items() if name not in ("id", "machine")}) if decided else None
        _update(connection, _folded(base, decided, record) | {"machine": machine})


def standing(curations: Sequence[Curation]) -> list[Curation]:
    """Return the curations that no undo took back, in the order in which they were made."""
    undone = {item.undoes for item in curations if item.action is Action.UNDO}
    kept = [item for item in curations if item.action is not Action.UNDO and item.id not in undone]
    return sorted(kept, key=lambda item: (item.at, item.id))


def _base(row: Row) -> Row:
    """Return the columns as the miner read them."""
    return row if row["machine"] is None else row | json.loads(row["machine"])


def _folded(base: Row, decided: Sequence[Curation], record: Row) -> Row:
    row = dict(base)
    for item in decided:
        if item.changes:
            row = changed_row(row, {name: value for name, value in item.changes.items() if name not in ("sentence", "start", "end")})
        row["status"] = _DECISIONS.get(item.action, row["status"])
    return row | {"weight": row_weight(row, record["status"])}


def _restored(key: str, record: Row | None, decided: Sequence[Curation]) -> tuple[Row, int] | None:
    """Return a row that only curators hold (added, or accepted or edited and read no more), and where its sentence begins."""
    status = next((_DECISIONS[item.action] for item in reversed(decided) if item.action in _DECISIONS), None)
    said = [item.changes if item.action is Action.ADD else item.seen for item in decided if item.action in (*_JUDGES, Action.ADD)]
    added = any(item.action is Action.ADD for item in decided)
    kept = added or any(item.action is Action.EDIT for item in decided) or status == "accepted"
    if record is None or record["status"] == str(Status.WITHDRAWN) or not kept or (status == "rejected" and not added):
        return None
    said = [item for item in said if item]
    place = _place(record["text"], said[-1]) if said else None
    if place is None:
        return None
    row = added_row(said[-1], record) | {"key": key, "sentence": record["text"][place[0] : place[1]]}
    if not added:
        row |= {"status": "submitted", "warnings": dumps(["kept by a curator; the present rules do not read it"])}
    return row, place[0]


def _place(text: str, changes: Any) -> tuple[int, int] | None:
    """Return where the sentence stands: at its offsets, or at its one place in a text that has changed."""
    sentence, start, end = changes["sentence"], changes.get("start"), changes.get("end")
    if start is not None and end is not None and text[start:end] == sentence:
        return start, end
    start = text.find(sentence.strip())
    return None if start < 0 else (start, start + len(sentence.strip()))


def _update(connection: sqlite3.Connection, row: Row) -> None:
    updates = ", ".join(f"{name} = :{name}" for name in row if name != "id")
    connection.execute(f"UPDATE evidence SET {updates} WHERE id = :id", row)
    connection.execute("DELETE FROM evidence_facets WHERE evidence = ?", (row["id"],))
    insert_facets(connection, row, row["id"])


def _insert(connection: sqlite3.Connection, row: Row, start: int) -> None:
    seq = connection.execute("SELECT coalesce(max(seq), -1) + 1 FROM claims WHERE pmid = ?", (row["pmid"],)).fetchone()[0]
    insert(connection, "claims", [_claim(row, seq, start)])
    insert_evidence(connection, [row], [{"key": row["key"], "pmid": row["pmid"], "rank": 0, "claim_seq": seq}])


def _claim(row: Row, seq: int, start: int) -> Row:
    end = start + len(row["sentence"])
    copied = ("pmid", "sentence", "genes", "therapies", "disease", "significance", "direction", "polarity", "figures", "background")
    return {name: row[name] for name in copied} | {
        "seq": seq,
        "type": row["claim_type"],
        "start": start,
        "end": end,
        "spans": dumps([[start, end, row["sentence"]]]),
        "rule": CURATOR,
        "disease_curie": row["disease_key"] or None,
        "population_n": row["n_patients"],
        "confidence": 1.0,
        "warnings": "[]",
    }


def _remove(connection: sqlite3.Connection, row: Row) -> None:
    claims = connection.execute("SELECT pmid, claim_seq FROM evidence_claims WHERE evidence = ?", (row["id"],)).fetchall()
    connection.execute("DELETE FROM evidence WHERE id = ?", (row["id"],))
    connection.executemany("DELETE FROM claims WHERE pmid = ? AND seq = ?", [tuple(item) for item in claims])


def decision(curations: Sequence[Curation], curator: str) -> Action | None:
    """Return what a curator last decided of a row, or None."""
    own = [item.action for item in standing(curations) if item.curator == curator and item.action in (Action.ACCEPT, Action.REJECT)]
    return own[-1] if own else None


def log(connection: sqlite3.Connection, key: str | None, source: str | None) -> list[Curation]:
    """Return the curations of a key, a paper, a row, or all."""
    given = {name: value for name, value in (("key", key), ("source", source)) if value is not None}
    return held(connection, " AND ".join(f"{name} = ?" for name in given) or "1", *given.values())


def held(connection: sqlite3.Connection, where: str, *values: object) -> list[Curation]:
    """Return the curations that a condition names, by id."""
    rows = connection.execute(f"SELECT * FROM curations WHERE {where} ORDER BY id", values)
    return [_curation(dict(row)) for row in rows]


def _curation(row: Row) -> Curation:
    held = row | {"action": Action(row["action"]), "changes": json.loads(row["changes"]), "seen": json.loads(row["seen"])}
    return Curation(**held)


def without_row(connection: sqlite3.Connection) -> list[Curation]:
    """Return the curations that hold and whose row the miner reads no more, or of a paper that is not held."""
    query = """id NOT IN (SELECT undoes FROM curations WHERE undoes IS NOT NULL) AND action NOT IN ('undo', 'add') AND NOT EXISTS (
        SELECT 1 FROM evidence e WHERE e.key = curations.key AND e.pmid = curations.source AND e.rule <> 'curator')
        AND NOT EXISTS (SELECT 1 FROM curations a WHERE a.action = 'add' AND a.key = curations.key AND a.source = curations.source)
        OR id NOT IN (SELECT undoes FROM curations WHERE undoes IS NOT NULL) AND action = 'add' AND NOT EXISTS (
        SELECT 1 FROM evidence e WHERE e.key = curations.key AND e.pmid = curations.source)"""
    return held(connection, query)


def _row(connection: sqlite3.Connection, key: str, source: str) -> Row | None:
    return _one(connection, "SELECT * FROM evidence WHERE key = ? AND pmid = ?", key, source)


def _one(connection: sqlite3.Connection, query: str, *values: Any) -> Row | None:
    row = connection.execute(query, values).fetchone()
    return None if row is None else dict(row)
