"""Rules of variants: words, stop lists, kinds of alteration and known residues, from ``variants.toml`` and ``known_residues.tsv``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from miner import rule_files
from miner.errors import LexiconError
from miner.rule_files import RESIDUES

RULES = "variants.toml"
_COLUMNS = ("gene", "position", "residue", "note", "source")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of alteration: what is written after a gene, around it, and whether it stands without one."""

    name: str
    noun: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Compiled rules."""

    stop: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    link: frozenset[str]
    back_link: frozenset[str]
    mutation: re.Pattern[str]
    left: re.Pattern[str]
    codon_genes: frozenset[str]
    positive: Mapping[str, str]
    positive_elsewhere: Mapping[str, str]
    glued: Mapping[str, str]
    kinds: tuple[Kind, ...]
    heads: re.Pattern[str]
    partial: Any
    residues: Mapping[tuple[str, int], str]
    by_residue: Mapping[tuple[str, int], tuple[str, ...]]
    hot: Mapping[tuple[str, int], tuple[str, ...]]

    def begins(self, word: str) -> bool:
        """Tell whether the head of an alteration may begin with this word (in lower case)."""
        return self.partial.match(word + " ", partial=True) is not None


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """Read and compile the rules; faults are named ``file:line``."""
    with rule_files.reading(RESIDUES) as residues, rule_files.reading(RULES) as rules:
        return compile_rules(rules, residues)


def compile_rules(rules: str, residues: str) -> Rules:
    """Compile the text of the rules and of the table of residues."""
    try:
        data = tomllib.loads(rules)
    except tomllib.TOMLDecodeError as error:
        raise LexiconError(f"{RULES}: {error}; mend the TOML") from error
    known, by_residue, hot = _residues(residues)
    kinds, heads = _kinds(data["kind"], rules)
    return Rules(
        frozenset(data["stop"]["tokens"]),
        frozenset(w.lower() for w in data["stop"]["before"]),
        frozenset(data["stop"]["after"]),
        frozenset(w.lower() for w in data["words"]["link"]),
        frozenset(w.lower() for w in data["words"]["back_link"]),
        re.compile(rf"\b(?:{'|'.join(data['words']['mutation'])})\b", re.IGNORECASE),
        _left(data["words"]["adjectives"]),
        frozenset(data["codon"]["genes"]),
        data["positive"],
        {**data["positive"], **data.get("positive_elsewhere", {})},
        data.get("glued", {}),
        kinds,
        heads,
        regex.compile(heads.pattern, regex.IGNORECASE),
        known,
        by_residue,
        hot,
    )


def _kinds(entries: list[Mapping[str, Any]], source: str) -> tuple[tuple[Kind, ...], re.Pattern[str]]:
    """One pattern of all heads, the longest first; the number of its group is the place of its kind."""
    kinds: list[Kind] = []
    parts: list[tuple[str, int]] = []
    for entry in entries:
        if "name" not in entry or not (entry.get("nouns") or entry.get("forms")):
            raise LexiconError(f"{RULES}: a [[kind]] needs a name and nouns or forms: {dict(entry)}")
        for column in ("nouns", "forms"):
            if entry.get(column):
                kinds.append(Kind(entry["name"], column == "nouns", bool(entry.get("free"))))
                parts += [(phrase, len(kinds) - 1) for phrase in entry[column]]
    for phrase, _ in parts:
        _check(phrase, source)
    body = "|".join(f"(?P<k{i}_{n}>{_spaced(phrase)})" for n, (phrase, i) in enumerate(parts))
    return tuple(kinds), re.compile(rf"(?<![A-Za-z])(?:{body})(?![A-Za-z])", re.IGNORECASE)


def _left(adjectives: list[str]) -> re.Pattern[str]:
    """What may stand between a gene and the kind of its alteration: a bracket, adjectives, numbers of exons."""
    words = "|".join(adjectives)
    return re.compile(
        rf"[\s‐‑–-]*(?:\([^()]{{1,14}}\)[\s-]*)?(?:(?:{words})(?:[\s‐‑–/,-]+(?:and\s+|or\s+)?|(?=[\s-]*$))"
        r"|\d{1,2}(?:\s?(?:,|and|or|/|to|-|–)\s?\d{1,2})*[\s-]+)*"
    )


def _check(phrase: str, source: str) -> None:
    try:
        re.compile(phrase)
    except re.error as error:
        line = source.count("\n", 0, max(source.find(phrase), 0)) + 1
        raise LexiconError(f"{RULES}:{line}: {phrase!r} is no pattern ({error})") from error


def _spaced(phrase: str) -> str:
    return re.sub(r"\((?!\?)", "(?:", phrase).replace(" ?", r"[\s‐‑-]?").replace(" ", r"[\s‐‑-]+")


_Genes = dict[tuple[str, int], tuple[str, ...]]


def _residues(text: str) -> tuple[dict[tuple[str, int], str], _Genes, _Genes]:
    known: dict[tuple[str, int], str] = {}
    by_residue: _Genes = {}
    hot: _Genes = {}
    for number, line in enumerate(text.splitlines()[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS) or not cells[1].isdigit() or len(cells[2]) != 1:
            columns = f"{len(_COLUMNS)} columns ({', '.join(_COLUMNS)}), a number and one letter"
            raise LexiconError(f"{RESIDUES}:{number}: needs {columns}: {line!r}")
        gene, position, residue, note, _ = cells
        key = (residue, int(position))
        known[gene, int(position)] = residue
        by_residue[key] = (*by_residue.get(key, ()), gene)
        if note == "hot spot":
            hot[key] = (*hot.get(key, ()), gene)
    return known, by_residue, hot
