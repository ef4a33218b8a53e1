"""Add a thing with its names to the tables of a user's folder: where it belongs, checked, and never twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from miner.errors import LexiconError
from miner.lexicon_lint import FILES, GENERATIONS, lint, write_rows
from miner.lexicon_rows import (
    LIMITS,
    PACKAGE_FOLDER,
    PROPERTIES,
    PROPERTY_COLUMNS,
    TAGS,
    Property,
    Row,
    fold,
    label_of,
    plain,
    read_properties,
    read_rows,
    tables,
)
from miner.schema import Label

Line = tuple[str, str, str, str, str]
"""The fields of a line, of terms and of properties alike."""
_FIRST = {"drug": "generic", "gene": "symbol", "disease": "name", "assay": "assay", "class": "class"}
_CODE = re.compile(r"[A-Z]{1,6}[- ]?\d{2,8}[A-Za-z]{0,2}")
_SHORT = re.compile(r"[A-Z][A-Z0-9-]{1,5}")
_OTHERS = {"drug": "synonym", "gene": "alias", "disease": "synonym", "assay": "synonym", "class": "synonym"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be added: ``name`` is how the thing is written everywhere, ``synonyms`` are further texts for it.

    ``kind`` is gene, drug, disease, assay or class; ``curie`` may be empty for a thing that is known, and for a drug, disease,
    assay or class that no register has. ``classes``, ``generation`` and ``targets`` are those of a drug; ``targets`` also of a class.
    """

    kind: str
    name: str
    synonyms: tuple[str, ...]
    source: str
    curie: str = ""
    classes: tuple[str, ...] = ()
    generation: str = ""
    targets: tuple[str, ...] = ()


def add(entry: Entry, folder: Path, *, replace: bool = False) -> list[Path]:
    """Write an entry into the tables of a folder and return those that changed.

    Parameters
    ----------
    replace
        Take over texts that stand for something else.

    Raises
    ------
    LexiconError
        A text is there already (``file:line``), or the folder would not lint; nothing is changed then.
    """
    if entry.kind not in FILES:
        raise LexiconError(f"there are no terms of the kind {entry.kind!r}; use one of {', '.join(FILES)}")
    if not entry.source.strip():
        raise LexiconError("say where the terms are from, with --source")
    path = folder / FILES[entry.kind]
    label = label_of(path)
    assert label is not None
    rows, known = list(_rows(entry, path, label)), list(_held(label, folder))
    taken = [told for row in rows if row.kind not in TAGS for told in _duplicates(row, known, label, replace)]
    if taken:
        raise LexiconError("; ".join(taken))
    fresh = [row for row in rows if not any(_same(row, other, label) and other.curie == row.curie for other in known)]
    changed = _changes(entry, folder, path, label, fresh)
    if not changed:
        raise LexiconError(f"there is nothing to add: {entry.name} is known; name what is new with --synonym or --class")
    return _write(changed, folder)


def _rows(entry: Entry, path: Path, label: Label) -> Iterator[Row]:
    curie, name = _curie(entry, label, path.parent), entry.name
    yield Row(curie, name, name, _FIRST[entry.kind], entry.source, path, 0)
    for text in dict.fromkeys(entry.synonyms):
        yield Row(curie, name, text, _kind_of(entry.kind, text), entry.source, path, 0)
    if entry.kind == "class":
        for gene in entry.targets:
            yield Row(curie, name, gene, "target", entry.source, path, 0)


def _kind_of(kind: str, text: str) -> str:
    if kind == "drug" and _CODE.fullmatch(text):
        return "code"
    return "abbreviation" if kind == "disease" and _SHORT.fullmatch(text) else _OTHERS[kind]


def _curie(entry: Entry, label: Label, folder: Path) -> str:
    """Identifier given, or of the thing that goes by this name already, else one of our own making; a gene needs its register's."""
    if entry.curie:
        other = next((row for row in _held(label, folder) if row.curie == entry.curie and row.name != entry.name), None)
        if other:
            raise LexiconError(f"{entry.curie} is {other.name} at {other.path}:{other.line}; add to it under that name")
        return entry.curie
    named = {row.curie for row in _held(label, folder) if row.name == entry.name and row.kind not in LIMITS}
    if len(named) > 1:
        raise LexiconError(f"several things are called {entry.name!r}: {', '.join(sorted(named))}; name one with --id")
    if named:
        return named.pop()
    if entry.kind == "gene":
        raise LexiconError(f"no gene has the symbol {entry.name!r}; give its identifier with --id, as hgnc:8031")
    return f"{entry.kind}:{re.sub(r'[^a-z0-9]+', '-', entry.name.lower()).strip('-')}"


def _held(label: Label, folder: Path) -> Iterator[Row]:
    """Rows of the package and of the folder that name things of a label."""
    for place in dict.fromkeys((PACKAGE_FOLDER, folder)):
        for path in tables(place) if place.is_dir() else ():
            if not path.stem.startswith(PROPERTIES) and label_of(path) is label:
                yield from read_rows(path)


def _same(row: Row, other: Row, label: Label) -> bool:
    if other.kind in TAGS or row.kind in TAGS:
        return (row.kind, row.text, row.name) == (other.kind, other.text, other.name)
    one, two = plain(row.text), plain(other.text)
    return one == two if label is Label.GENE else fold(one) == fold(two)


def _duplicates(row: Row, known: Sequence[Row], label: Label, replace: bool) -> Iterator[str]:
    for other in known:
        if other.kind in LIMITS or other.kind in TAGS or not _same(row, other, label):
            continue
        where = f"{other.path}:{other.line}"
        if other.curie != row.curie and not replace:
            yield f"{row.text!r} stands for {other.name} ({other.curie}) at {where}; --replace takes it over"
        elif other.curie == row.curie and row.text != row.name:
            yield f"{row.text!r} is a name of {other.name} already at {where}"


def _changes(entry: Entry, folder: Path, path: Path, label: Label, fresh: Sequence[Row]) -> dict[Path, list[Line]]:
    """New lines of each table."""
    changed: dict[Path, list[Line]] = {}
    if fresh:
        held = list(read_rows(path)) if path.exists() else []
        kept = [old for old in held if not any(_same(row, old, label) for row in fresh)]
        changed[path] = [row[:5] for row in (*kept, *fresh)]
    if entry.kind == "drug" and entry.classes:
        place = folder / f"{PROPERTIES}.tsv"
        changed[place] = _properties(entry, place)
    return changed


def _properties(entry: Entry, path: Path) -> list[Line]:
    if entry.generation not in GENERATIONS:
        raise LexiconError(f"the generation {entry.generation!r} is none of {', '.join(sorted(GENERATIONS - {''}))}")
    held = list(read_properties(path)) if path.exists() else []
    new = [Property(entry.name, name, entry.generation, entry.targets, entry.source, path, 0) for name in entry.classes]
    for row in new:
        if other := next((old for old in held if (old.drug, old.class_name) == (row.drug, row.class_name)), None):
            raise LexiconError(f"{entry.name} is one of the {row.class_name} already at {path}:{other.line}")
    return [(row.drug, row.class_name, row.generation, " ".join(row.targets), row.source) for row in (*held, *new)]


def _write(changed: dict[Path, list[Line]], folder: Path) -> list[Path]:
    """Write the tables and lint the folder; put everything back where it does not lint."""
    before = {path: path.read_bytes() if path.exists() else None for path in changed}
    for path, lines in changed.items():
        write_lines(path, lines)
    problems = [problem for problem in lint((folder,)) if problem.path.parent == folder]
    if problems:
        for path, data in before.items():
            path.unlink() if data is None else path.write_bytes(data)
        raise LexiconError("; ".join(map(str, problems)))
    return list(changed)


def write_lines(path: Path, lines: Sequence[Line]) -> None:
    """Write a table whole: its header, then the lines sorted, every field kept."""
    if not path.stem.startswith(PROPERTIES):
        write_rows(path, (Row(*line, path=path, line=0) for line in lines))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    body = sorted({"\t".join(line) for line in lines})
    temporary = path.with_suffix(".tmp")
    temporary.write_text("\n".join(["\t".join(PROPERTY_COLUMNS), *body]) + "\n", encoding="utf-8")
    temporary.replace(path)
