"""Check lexicon tables, and write rows into them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from miner import rule_files
from miner.errors import LexiconError
from miner.lexicon_rows import (
    COLUMNS,
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

KINDS: dict[Label, frozenset[str]] = {
    Label.GENE: frozenset({"symbol", "alias", "previous", "name", "protein", "family", "member", "kinase", "stop", "weak"}),
    Label.DRUG: frozenset({"generic", "brand", "code", "salt", "spelling", "synonym", "stop"}),
    Label.DRUG_CLASS: frozenset({"class", "synonym", "antibody", "target", "stop"}),
    Label.DISEASE: frozenset({"name", "synonym", "abbreviation", "stop"}),
    Label.ASSAY: frozenset({"assay", "synonym", "stop"}),
}
GENERATIONS = frozenset({"", "first", "second", "third", "fourth", "next"})
FILES = {"gene": "genes.tsv", "drug": "drugs.tsv", "disease": "diseases.tsv", "assay": "assays.tsv", "class": "drug_classes.tsv"}

_CURIE = re.compile(r"[a-z][a-z0-9]*:[A-Za-z0-9._/-]+")
_SHAPES = {
    "hgnc": re.compile(r"\d+"),
    "doid": re.compile(r"\d+"),
    "unii": re.compile(r"[A-Z0-9]{10}"),
    "mesh": re.compile(r"[CD]\d{6,9}"),
    "oncotree": re.compile(r"[A-Z0-9_/]+"),
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with a table: where, what, and what to do."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def lint(folders: Sequence[Path] = ()) -> list[Problem]:
    """Check the package's tables and those of the folders; an empty list means that all is well."""
    known = _package()
    problems, rows, properties = list(known[0]), list(known[1]), list(known[2])
    for folder in map(Path, folders):
        if not folder.is_dir():
            problems.append(Problem(folder, 0, "no such folder; name one that holds *.tsv"))
            continue
        problems += _folder(folder, rows, properties)
    problems += _properties(properties, rows)
    return sorted(problems)


@cache
def _package() -> tuple[list[Problem], list[Row], list[Property]]:
    """Problems and rows of the package's tables, which do not change while the program runs."""
    rows: list[Row] = []
    properties: list[Property] = []
    return _folder(PACKAGE_FOLDER, rows, properties), rows, properties


def _folder(folder: Path, rows: list[Row], properties: list[Property]) -> list[Problem]:
    """Read the tables of a folder into the lists and check them one by one and against each other."""
    own: list[Row] = []
    problems = [p for path in tables(folder) for p in _read(path, own, properties)]
    rows += own
    return [*problems, *_two_concepts(own)]


def _read(path: Path, rows: list[Row], properties: list[Property]) -> list[Problem]:
    """Read one table into the lists and check what can be checked line by line."""
    try:
        if path.stem.startswith(PROPERTIES):
            found = list(read_properties(path))
            properties += found
            return [*_layout(path), *(p for row in found for p in _property(row))]
        label = label_of(path)
        if label is None:
            if path.parent == PACKAGE_FOLDER or path.name in rule_files.names():
                return []
            return [Problem(path, 0, f"no table of this name; begin it with one of {', '.join(FILES.values())}")]
        terms = list(read_rows(path))
    except LexiconError as error:
        where, _, text = str(error).removeprefix(f"{path}:").partition(": ")
        return [Problem(path, int(where), text)]
    rows += terms
    return [*_layout(path), *(p for row in terms for p in _row(row, label))]


def _layout(path: Path) -> Iterator[Problem]:
    """Order, repetition and stray space of the lines of a file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines[-1]:
        yield Problem(path, len(lines), "the last line does not end; add a newline")
    body = [line for line in lines[1:] if line]
    for number, (line, after) in enumerate(pairwise(body), 2):
        if after == line:
            yield Problem(path, number + 1, "repeats the line before; delete one")
        elif after < line:
            yield Problem(path, number + 1, "is not sorted; sort the lines below the header")
    for number, line in enumerate(body, 2):
        if "\r" in line or "  " in line or any(f != f.strip() for f in line.split("\t")):
            yield Problem(path, number, "has stray white space; trim it")


def _row(row: Row, label: Label) -> Iterator[Problem]:
    if row.kind not in KINDS[label]:
        yield Problem(row.path, row.line, f"unknown kind {row.kind!r}; use one of {', '.join(sorted(KINDS[label]))}")
    if not row.text or not row.name or not row.source:
        yield Problem(row.path, row.line, "name, text and source must not be empty")
    if not _good_curie(row.curie):
        yield Problem(row.path, row.line, f"bad identifier {row.curie!r}; write prefix:id, as hgnc:8031 or unii:PF9462I9HX")


def _good_curie(curie: str) -> bool:
    prefix, _, local = curie.partition(":")
    return bool(_CURIE.fullmatch(curie)) and (prefix not in _SHAPES or bool(_SHAPES[prefix].fullmatch(local)))


def _property(row: Property) -> Iterator[Problem]:
    if row.generation not in GENERATIONS:
        yield Problem(row.path, row.line, f"unknown generation {row.generation!r}; use one of {', '.join(sorted(GENERATIONS - {''}))}")
    if not row.drug or not row.class_name or not row.source:
        yield Problem(row.path, row.line, "drug, class and source must not be empty")


def _two_concepts(rows: Iterable[Row]) -> Iterator[Problem]:
    """One text that stands for two concepts of a label, among the curated or among the generated tables of a folder."""
    seen: dict[tuple[Label | None, bool, str], Row] = {}
    for row in rows:
        if row.kind in TAGS or row.kind in LIMITS:
            continue
        label = label_of(row.path)
        text = plain(row.text)
        key = (label, "_" in row.path.stem.removeprefix("drug_"), text if label is Label.GENE and row.kind != "name" else fold(text))
        first = seen.setdefault(key, row)
        if first.curie != row.curie:
            other = f"{first.name} at {first.path.name}:{first.line}"
            yield Problem(row.path, row.line, f"{row.text!r} is {row.name} here and {other}; keep one")


def _properties(properties: Iterable[Property], rows: Sequence[Row]) -> Iterator[Problem]:
    """Drugs and classes that the properties name and no table has; targets that no gene table has."""
    drugs = {r.name for r in rows if label_of(r.path) is Label.DRUG}
    classes = {r.name for r in rows if label_of(r.path) is Label.DRUG_CLASS}
    genes = {r.name for r in rows if label_of(r.path) is Label.GENE}
    for row in properties:
        for name, known, table in ((row.drug, drugs, "drugs.tsv"), (row.class_name, classes, "drug_classes.tsv")):
            if name not in known:
                yield Problem(row.path, row.line, f"{name!r} does not exist; add it to {table}")
        for target in row.targets:
            if target not in genes:
                yield Problem(row.path, row.line, f"target {target!r} is no gene or family; add it to genes.tsv")


def add_row(kind: str, folder: Path, *, curie: str, name: str, text: str, row_kind: str, source: str = "user") -> Path:
    """Write a term into the right table of a user's folder, in its place, and return the table.

    Parameters
    ----------
    kind
        ``gene``, ``drug``, ``disease``, ``assay`` or ``class``.
    row_kind
        What the text is to the concept: ``alias``, ``code``, ``brand``, ``synonym`` ...; ``stop`` takes a text out.

    Raises
    ------
    LexiconError
        If the row would not lint; nothing is written then.
    """
    if kind not in FILES:
        raise LexiconError(f"{folder}: unknown kind of term {kind!r}; use one of {', '.join(FILES)}")
    path = Path(folder) / FILES[kind]
    row = Row(curie, name, text, row_kind, source, path, 0)
    label = label_of(path)
    assert label is not None
    if any(c in field for field in row[:5] for c in "\t\n\r") or any(field != field.strip() for field in row[:5]):
        raise LexiconError(f"{path}: a field holds a tab, a line break or stray space; trim it")
    for problem in _row(row, label):
        raise LexiconError(f"{path}: {problem.text}")
    rows = list(read_rows(path)) if path.exists() else []
    same = [r for r in rows if r.text == text and r.kind not in TAGS]
    write_rows(path, [*(r for r in rows if r not in same), row])
    return path


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a term table whole: header, then the rows sorted, every field kept."""
    lines = sorted({"\t".join(row[:5]) for row in rows})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    temporary.replace(path)


def summary(folders: Sequence[Path] = ()) -> dict[str, int]:
    """Number of rows of each label."""
    counts: Counter[str] = Counter()
    for folder in (PACKAGE_FOLDER, *map(Path, folders)):
        for path in tables(folder):
            label = label_of(path)
            if label is not None:
                counts[str(label)] += sum(1 for _ in read_rows(path))
    return dict(counts)


__all__ = ["PROPERTY_COLUMNS", "Problem", "add_row", "lint", "summary", "write_rows"]
