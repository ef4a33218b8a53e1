"""Rows of the lexicon tables, and the forms of a term that one row stands for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from miner import rule_files
from miner.errors import LexiconError
from miner.schema import Concept, Label

COLUMNS = ("curie", "name", "text", "kind", "source")
PROPERTY_COLUMNS = ("drug", "class", "generation", "targets", "source")
PACKAGE_FOLDER = Path(__file__).parent / "data" / "lexicons"

# File names begin with one of these; the longer is tried first.
TABLES: dict[str, Label] = {
    "drug_classes": Label.DRUG_CLASS,
    "diseases": Label.DISEASE,
    "assays": Label.ASSAY,
    "drugs": Label.DRUG,
    "genes": Label.GENE,
}
PROPERTIES = "drug_properties"

# Rows of these kinds tell something of a concept; their text is not looked for.
TAGS = frozenset({"member", "kinase", "target"})
# Rows of these kinds limit a text: never on its own, or only beside a cue.
LIMITS = frozenset({"stop", "weak"})

_SAME = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000\t", " "),
    **dict.fromkeys("\u2018\u2019\u02bc\u2032", "'"),
    "\u03d0": "β",
    "ß": "β",
    "\u00b5": "μ",
}
_OTHER = re.compile(f"[{''.join(_SAME)}]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of text that names a concept; ``kind`` is the kind of the row that says so."""

    start: int
    end: int
    label: Label
    concept: Concept
    kind: str


class Row(NamedTuple):
    """One row of a lexicon table and where it stands."""

    curie: str
    name: str
    text: str
    kind: str
    source: str
    path: Path
    line: int


class Property(NamedTuple):
    """What is known of a drug: a class it is in, its generation in that class, its targets."""

    drug: str
    class_name: str
    generation: str
    targets: tuple[str, ...]
    source: str
    path: Path
    line: int


@cache
def cues(part: str) -> dict[str, list[str]]:
    """Lists of regular expressions of a part of ``rules/terms.toml``."""
    with rule_files.reading("terms.toml") as text:
        found: dict[str, list[str]] = tomllib.loads(text)[part]
    return found


@cache
def table(part: str) -> dict[str, Any]:
    """A part of ``rules/terms.toml`` as it stands."""
    with rule_files.reading("terms.toml") as text:
        found: dict[str, Any] = tomllib.loads(text)[part]
    return found


@cache
def families() -> dict[str, str]:
    """Gene → the family that it is counted with in claims (``[families]`` of ``rules/fusions.toml``)."""
    with rule_files.reading("fusions.toml") as text:
        found: dict[str, str] = tomllib.loads(text)["families"]
    return {member: name for name, members in found.items() for member in members.split()}


def either(patterns: Iterable[str]) -> str:
    """One group that matches any of the patterns."""
    return f"(?:{'|'.join(patterns)})"


def plain(text: str) -> str:
    """Map dashes, spaces and quotes to ASCII, one character for one."""
    return text if text.isascii() else _OTHER.sub(lambda m: _SAME[m[0]], text)


def fold(text: str) -> str:
    """Lower-case a plain text and read hyphens as spaces, one character for one."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.replace("-", " ")


def label_of(path: Path) -> Label | None:
    """Label of the terms in a table, by the beginning of its file name."""
    return next((label for stem, label in TABLES.items() if path.stem.startswith(stem)), None)


def tables(folder: Path) -> list[Path]:
    """Tables of a folder in the order in which they are read: generated, curated, stop list; a later row replaces an earlier."""
    return sorted(folder.glob("*.tsv"), key=lambda p: (p.stem.endswith("_stop"), len(p.stem), p.stem))


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a term table.

    Raises
    ------
    LexiconError
        If the header or the number of fields of a line is wrong.
    """
    for number, (curie, name, text, kind, source) in _fields(path, COLUMNS):
        yield Row(curie, name, text, kind, source, path, number)


def read_properties(path: Path) -> Iterator[Property]:
    """Rows of ``drug_properties.tsv``."""
    for number, (drug, class_name, generation, targets, source) in _fields(path, PROPERTY_COLUMNS):
        yield Property(drug, class_name, generation, tuple(targets.split()), source, path, number)


def _fields(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    header = lines[0].rstrip("\r")
    if header != "\t".join(columns):
        raise LexiconError(f"{path}:1: the header is {header!r}; write {' '.join(columns)}, separated by tabs")
    width = len(columns)
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        fields = line.rstrip("\r").split("\t")
        if len(fields) != width:
            raise LexiconError(f"{path}:{number}: {len(fields)} fields where there should be {width} ({' '.join(columns)})")
        yield number, fields


_BRITISH = tuple(
    (re.compile(rf"\b{a}"), b)
    for a, b in (("tumor", "tumour"), ("leukemi", "leukaemi"), ("hem(?=ato|angi|oly)", "haem"), ("esophag", "oesophag"))
)
_CODE = re.compile(r"[a-z]{1,6}(?: [a-z]{1,3})? \d{2,8}[a-z]{0,2}|[a-z]{1,6}\d{2,8}[a-z]{0,2}")
_CANCER = re.compile(r"(.+) (cancer|carcinoma|adenocarcinoma)")


def forms(label: Label, key: str) -> list[str]:
    """Keys that a folded text also stands for: closed or spaced codes, British spellings, "adenocarcinoma of the lung"."""
    if label is Label.DRUG:
        return _code_forms(key)
    if label is Label.DISEASE:
        return _disease_forms(key)
    return []


def _code_forms(key: str) -> list[str]:
    if not _CODE.fullmatch(key):
        return []
    closed = key.replace(" ", "")
    return [closed, re.sub(r"(?<=[a-z])(?=\d)", " ", closed, count=1)]


def _disease_forms(key: str) -> list[str]:
    found = []
    for american, british in _BRITISH:
        if american.search(key):
            found.append(american.sub(british, key))
    if key.startswith("non small"):
        found.append("nonsmall" + key[len("non small") :])
    return found
