"""Trials that a record reports: registered numbers, and names such as STARTRK-2 before "trial" or "study".

What is never a name, and where a trial is that of others, stands in ``data/rules/trial_names.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from miner import rule_files
from miner.errors import ConfigError
from miner.schema import Record
from miner.toml import line_of, parse_toml

_REGISTERED = re.compile(
    r"\b(?:NCT\s?0?\d{8}|ChiCTR[-A-Z0-9]{6,}|UMIN\s?\d{9}|jRCT\w?\d{9,10}|JapicCTI-?\d{6}|ISRCTN\s?\d{8}"
    r"|EudraCT(?:\s+(?:number|no\.?))?:?\s*\d{4}-\d{6}-\d{2}|CTRI/\d{4}/\d{2,3}/\d{6}|ACTRN\d{14})\b",
    re.IGNORECASE,
)
# At least three capitals, perhaps mixed with small letters, and a number: ALEX, AURA3, CheckMate 057, STARTRK-2, J-ALEX.
_NAME = r"(?:[A-Z]-)?(?=(?:[a-z]?[A-Za-z]*[A-Z]){3})[a-z]?[A-Z][A-Za-z]{2,}\d{0,3}(?:[- ]\d{1,4}[A-Za-z]{0,2})?(?![\w])"
_MORE = rf"(?:\s*(?:,|/|and|, and)\s*{_NAME})*"
_DESIGN = r"(?:(?:randomi[sz]ed|open-label|clinical|registrational|pivotal|multi-?cent(?:er|re)|phase\s+[\dIVabivx/-]+)[,\s]+)*"
_BEFORE = re.compile(rf"(?<![\w-])({_NAME}{_MORE})\s+{_DESIGN}(?:trials?|stud(?:y|ies))\b")
_AFTER = re.compile(rf"\b(?:trial|study)\s*[,(\[]\s*({_NAME})\s*[,;)\]]")
_ROMAN = re.compile(r"[IVX]+[AB]?")
_ONE = re.compile(rf"(?<![\w-]){_NAME}")


def trial_names(record: Record) -> tuple[str, ...]:
    """Return the trials that a record reports, sorted: numbers wherever they stand, names where the record speaks of its own."""
    found = {number.upper() for number in record.nct_ids} | set(_registered(record.text))
    for label, text in _own_parts(record):
        sentences = [text] if label == "TITLE" else re.split(r"(?<=[.;])\s+", text)
        found.update(name for sentence in sentences if label or _is_own(sentence) for name in named(sentence))
    return tuple(sorted(found))


def cited_trials(text: str) -> frozenset[str]:
    """Return every trial that a sentence names, by number or name."""
    return frozenset((*_registered(text), *named(text)))


def _registered(text: str) -> Iterator[str]:
    for match in _REGISTERED.finditer(text):
        yield re.sub(r"^EUDRACT\D*|\s", "", match[0].upper())


def _own_parts(record: Record) -> Iterator[tuple[str, str]]:
    for part in record.parts:
        if (part.label or "").upper() not in _words()["background"]:
            yield part.label or "", part.text


def _is_own(sentence: str) -> bool:
    """Tell whether a sentence of an abstract without labels speaks of the paper's own trial."""
    own = "|".join(map(re.escape, sorted(_words()["own"])))
    return re.search(rf"\b(?:{own})\b", sentence, re.IGNORECASE) is not None or _REGISTERED.search(sentence) is not None


def named(text: str) -> Iterator[str]:
    """Yield the names of trials that stand in a text, in capitals."""
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            for name in _ONE.findall(match[1]):
                folded = re.sub(r"\s+", "-", name.upper())
                if not _ROMAN.fullmatch(folded) and folded not in _words()["not_names"] and not _is_term(name):
                    yield folded


def _is_term(name: str) -> bool:
    from miner.lexicon import load_lexicon

    return any((hit.start, hit.end) == (0, len(name)) for hit in load_lexicon().find(name))


@cache
def _words() -> dict[str, frozenset[str]]:
    return name_words(*rule_files.read("trial_names.toml"))


def name_words(name: str, text: str) -> dict[str, frozenset[str]]:
    """Read the lists of ``trial_names.toml``; ConfigError names ``file:line``."""
    return {key: _set(words, f"{name}:{line_of(text, key)}: {key}") for key, words in parse_toml(text, name).items()}


def _set(words: Any, where: str) -> frozenset[str]:
    if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise ConfigError(f"{where} must be a list of texts")
    return frozenset(words)
