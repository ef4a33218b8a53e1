"""Answers of annotation tools (Prodigy's JSON lines, Label Studio's JSON) → curations, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.errors import InputError
from miner.evidence.store import Store
from miner.schema import Action, Curation

_DECISIONS = {"accept": Action.ACCEPT, "reject": Action.REJECT}
_UNDECIDED = {"ignore", "skip", "", None}
DECISION, COMMENT = "decision", "comment"
"""Names of the choice and of the comment in ``data/tasks/labelstudio.xml``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer and where it stands; ``action`` is None where the annotator passed over the task."""

    where: str
    key: str
    source: str
    action: Action | None
    comment: str
    curator: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the answers: written, held already, passed over by the annotator."""

    written: int
    known: int
    undecided: int


def take(store: Store, path: Path, curator: str | None = None) -> Taken:
    """Write the answers of a file as curations; an answer that is held already is not written twice.

    Parameters
    ----------
    curator
        Whose answers they are; without it, the annotator that the file names.

    Raises
    ------
    InputError
        An answer is no answer, names no curator, or is about a row that is not held; nothing is written then.
    """
    answers = list(read_answers(path, curator))
    if nameless := [answer for answer in answers if not answer.curator]:
        raise InputError(f"{nameless[0].where}: the file does not say who answered; name the curator")
    lost = [answer for answer in answers if answer.action and store.row(answer.key, answer.source) is None]
    if lost:
        shown = "\n  ".join(f"{answer.where}: no row {answer.key} of {answer.source}" for answer in lost[:20])
        raise InputError(f"{len(lost)} answers are about rows that are not held; nothing was written\n  {shown}")
    written = 0
    with store.transaction():
        for answer in answers:
            written += _write(store, answer)
    undecided = sum(answer.action is None for answer in answers)
    return Taken(written, len(answers) - undecided - written, undecided)


def _write(store: Store, answer: Answer) -> bool:
    """Write an answer unless the curator's last decision on the row is the same, comment and all."""
    if answer.action is None:
        return False
    own = [
        item for item in store.curations(answer.key, answer.source) if item.curator == answer.curator and item.action in _DECISIONS.values()
    ]
    if own and (own[-1].action, own[-1].comment) == (answer.action, answer.comment):
        return False
    store.curate(Curation(answer.curator, answer.action, answer.key, answer.source, comment=answer.comment))
    return True


def read_answers(path: Path, curator: str | None = None) -> Iterator[Answer]:
    """Yield the answers of a file in order; InputError names the line or task that is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if text.lstrip().startswith("["):
        yield from _label_studio(path, _parsed(text, f"{path}"), curator)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            where = f"{path}:{number}"
            yield _prodigy(where, _parsed(line, where), curator)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: is no JSON: {error}") from error


def _prodigy(where: str, held: Any, curator: str | None) -> Answer:
    if not isinstance(held, Mapping) or "answer" not in held:
        raise InputError(f"{where}: is no answer of Prodigy: it has no 'answer'")
    named = curator or held.get("_annotator_id") or held.get("_session_id") or ""
    comment = held.get("comment") or held.get("user_input") or ""
    return _answer(where, held, held["answer"], str(comment), str(named))


def _label_studio(path: Path, tasks: Any, curator: str | None) -> Iterator[Answer]:
    for number, task in enumerate(tasks, 1):
        where = f"{path}: task {number}"
        if not isinstance(task, Mapping) or not ({"annotations", "annotator"} & set(task)):
            raise InputError(f"{where}: is no answered task of Label Studio (export it as JSON or JSON-MIN)")
        if "annotations" not in task:
            yield _answer(where, task, task.get(DECISION), _joined(task.get(COMMENT)), curator or _person(task.get("annotator")))
            continue
        for annotation in task["annotations"]:
            yield _annotation(where, task, annotation, curator)


def _annotation(where: str, task: Mapping[str, Any], annotation: Mapping[str, Any], curator: str | None) -> Answer:
    values = {part.get("from_name"): part.get("value", {}) for part in annotation.get("result", ())}
    chosen = values.get(DECISION, {}).get("choices") or [None]
    decision = None if annotation.get("was_cancelled") else chosen[0]
    comment = _joined(values.get(COMMENT, {}).get("text"))
    return _answer(where, task.get("data", {}), decision, comment, curator or _person(annotation.get("completed_by")))


def _person(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("email") or value.get("username") or value.get("id") or "")
    return "" if value is None else str(value)


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _answer(where: str, held: Mapping[str, Any], decision: Any, comment: str, curator: str) -> Answer:
    if not isinstance(held.get("key"), str) or not isinstance(held.get("source"), str):
        raise InputError(f"{where}: has no 'key' and 'source'; is the task one that `miner export` wrote?")
    if decision not in _UNDECIDED and decision not in _DECISIONS:
        raise InputError(f"{where}: the answer {decision!r} is none of accept, reject, ignore")
    return Answer(where, held["key"], held["source"], _DECISIONS.get(decision), comment.strip(), curator.strip())
