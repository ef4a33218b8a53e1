"""Cues of negation, hedging and hypothesis, and the stretch of a sentence that each governs."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from miner import rule_files
from miner.errors import LexiconError
from miner.schema import Polarity

RULES = "context.toml"
REACHES = ("determiner", "verb", "noun", "clause", "modal", "subject", "whole", "compound", "list")
_STRENGTH = {Polarity.NEGATED: 3, Polarity.HYPOTHETICAL: 2, Polarity.HEDGED: 1}
_WORD = re.compile(r"\(|[A-Za-z0-9]+(?:'t\b)?")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue at [start, end) that governs [scope_start, scope_end), as offsets into the sentence.

    ``exists`` is false where the cue speaks of what a thing does ("NTRK fusion may confer resistance"), not of whether it is there.
    """

    kind: Polarity
    start: int
    end: int
    scope_start: int
    scope_end: int
    exists: bool = True


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: Polarity | None
    reach: str
    exists: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Rules:
    by_word: Mapping[str, tuple[_Rule, ...]]
    ends: Mapping[str, re.Pattern[str]]
    words: Mapping[str, re.Pattern[str]]


@lru_cache(maxsize=8192)
def find_cues(sentence: str) -> tuple[Cue, ...]:
    """Find the cues of a sentence, each with its scope, in order."""
    rules = load_rules()
    found: list[Cue] = []
    for rule, match in _matches(sentence, rules):
        if rule.kind is None:
            continue
        for start, end, exists in _SCOPES[rule.reach](sentence, match, rules):
            if start < end:
                found.append(Cue(rule.kind, match.start(), match.end(), start, end, exists and rule.exists))
    return tuple(found)


def polarity_at(cues: Iterable[Cue], start: int, end: int, *, exists_only: bool = False) -> Polarity:
    """Tell the polarity of [start, end): the strongest kind among the cues whose scope covers it.

    With ``exists_only`` just the cues count that speak of whether a thing is there: the polarity of a mention.
    """
    kinds = [c.kind for c in cues if c.scope_start < end and start < c.scope_end and (c.exists or not exists_only)]
    return max(kinds, key=_STRENGTH.__getitem__, default=Polarity.ASSERTED)


def _matches(text: str, rules: _Rules) -> Iterator[tuple[_Rule, re.Match[str]]]:
    """Yield the longest cue or pseudo-cue at each word, none inside another."""
    done = 0
    for word in _WORD.finditer(text):
        if word.start() < done:
            continue
        best: tuple[_Rule, re.Match[str]] | None = None
        for rule in rules.by_word.get(word[0].lower(), ()):
            match = rule.pattern.match(text, word.start())
            if match and (best is None or match.end() > best[1].end()):
                best = rule, match
        if best:
            done = best[1].end()
            yield best


# ---- scopes: each yields (start, end, exists) -----------------------------------------------------------------------
_Scope = Iterator[tuple[int, int, bool]]


def _forward(text: str, at: int, rules: _Rules, *, noun: bool = False) -> int:
    """End of the clause, or of the noun phrase, that begins at ``at``."""
    ends = [_close(text, at)]
    for name in ("forward", "noun") if noun else ("forward",):
        match = rules.ends[name].search(text, at, ends[0])
        if match:
            ends.append(match.start())
    return min(ends)


def _backward(text: str, at: int, rules: _Rules) -> int:
    """Start of the clause that ends at ``at``: after the last terminator, and after a fronted adverbial."""
    start = _open(text, at)
    for match in rules.ends["backward"].finditer(text, start, at):
        start = match.end()
    fronted = rules.words["fronted"].match(text, start, at)
    return fronted.end() if fronted else start


def _close(text: str, at: int) -> int:
    """Position of the bracket that closes around ``at``, else the end."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "([":
            depth += 1
        elif text[i] in ")]":
            if depth == 0:
                return i
            depth -= 1
    return len(text)


def _open(text: str, at: int) -> int:
    """Position after the bracket that opens around ``at``, else 0."""
    depth = 0
    for i in range(at - 1, -1, -1):
        if text[i] in ")]":
            depth += 1
        elif text[i] in "([":
            if depth == 0:
                return i + 1
            depth -= 1
    return 0


def _clause(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    end = _forward(text, cue.end(), rules)
    yield cue.start(), end, cue[0].lower() not in ("whether", "if") or bool(rules.words["there"].search(text, cue.end(), end))


def _modal(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    """ "may": hedges what is done, and what is there too where it is said to be there ("may harbor X")."""
    end = _forward(text, cue.end(), rules)
    yield cue.start(), end, False
    if carries := rules.words["carries"].match(text, cue.end(), end):
        yield carries.end(), end, True


def _noun(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    yield cue.start(), _forward(text, cue.end(), rules, noun=True), True


def _subject(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    start = _backward(text, cue.start(), rules)
    of_others = rules.words["people_with"].match(text, start, cue.start()) or _speaks_of_relation(text, start, cue.start(), rules)
    yield start, cue.end(), not of_others


def _whole(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    yield _backward(text, cue.start(), rules), _forward(text, cue.end(), rules), True


def _list(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    start = max(_backward(text, cue.start(), rules), text.rfind(",", 0, cue.start()) + 1)
    for match in rules.words["and"].finditer(text, start, cue.start()):
        start = match.end()
    yield start, cue.end(), True


def _compound(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    match = rules.words["compound"].search(text[: cue.start()])
    if match and match[0].strip():
        yield match.start(), cue.end(), True


def _verb(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    """ "not": a passive of finding denies its subject ("X was not detected"), anything else what follows."""
    after = rules.words["after_not"].match(text, cue.end())
    verb = after[1].lower() if after else ""
    end = _forward(text, cue.end(), rules)
    if rules.words["contrast"].search(text, max(0, cue.start() - 12), cue.start()):
        yield cue.start(), _forward(text, cue.end(), rules, noun=True), True
    elif after and rules.words["find"].fullmatch(verb) and _passive(text, cue, after, rules):
        start = _backward(text, cue.start(), rules)
        yield start, after.end(), not _speaks_of_relation(text, start, cue.start(), rules)
        yield cue.start(), end, False
    else:
        effect = after is not None and rules.words["effect"].match(text, after.end(), end)
        yield cue.start(), end, not effect and bool(rules.words["search"].fullmatch(verb))


def _passive(text: str, cue: re.Match[str], after: re.Match[str], rules: _Rules) -> bool:
    """Tell "was not detected", "do not occur" and "not detected" at the end from "not detected by FISH" behind a noun."""
    if not cue[0].lower().startswith(("not", "never", "no ")):
        return False
    if rules.words["done"].search(text, 0, cue.start()) and not rules.words["being"].search(after[0]):
        return False
    if rules.words["be"].search(text, 0, cue.start()) or after[1].lower() in ("occur", "exist"):
        return not rules.words["elided"].search(text, 0, cue.start())
    return after[1].lower().endswith(("ed", "found", "seen")) and not rules.words["active"].search(text, 0, cue.start()) and not (
        rules.words["agent"].match(text, after.end())
    )


def _speaks_of_relation(text: str, start: int, end: int, rules: _Rules) -> bool:
    """Tell "differences between EGFR-mutant and ..." from "EGFR mutations": what is denied is the relation."""
    return bool(rules.words["relation"].match(text, start, end))


def _determiner(text: str, cue: re.Match[str], rules: _Rules) -> _Scope:
    start, end = _backward(text, cue.start(), rules), _forward(text, cue.end(), rules)
    before = rules.words["preposition"].search(text, max(0, cue.start() - 12), cue.start())
    if before and rules.words["noun_people"].match(text, cue.start(), end):
        yield (start, end, True) if before.start() > start else (cue.start(), end, True)
        return
    verb = rules.words["verb"].search(text, cue.end(), end)
    linked = cue[0].lower() in ("neither", "nor") and rules.words["linked"].search(text, cue.end(), end)
    if linked or _speaks_of_relation(text, cue.start(), verb.start() if verb else end, rules):
        yield cue.start(), end, False
    elif verb is None:
        people = rules.words["noun_people"].match(text, cue.start(), end)
        yield cue.start(), end if people else _forward(text, cue.end(), rules, noun=True), True
    elif rules.words["found"].match(text, verb.start(), end):
        yield cue.start(), verb.end(), True
    elif rules.words["noun_people"].match(text, cue.start(), verb.start()):
        yield verb.start(), end, bool(rules.words["holds"].match(text, verb.start(), end))
    else:
        yield cue.start(), _forward(text, cue.end(), rules, noun=True), True
        yield verb.start(), end, False


_SCOPES = {
    "determiner": _determiner,
    "verb": _verb,
    "noun": _noun,
    "clause": _clause,
    "modal": _modal,
    "subject": _subject,
    "whole": _whole,
    "compound": _compound,
    "list": _list,
}

# ---- loading --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def load_rules() -> _Rules:
    """Read ``context.toml`` and compile it; faults are named ``file:line``."""
    with rule_files.reading(RULES) as text:
        return compile_rules(tomllib.loads(text), text)


def compile_rules(data: Mapping[str, Any], text: str = "") -> _Rules:
    """Compile cue rules; ``text`` is the source, to tell the line of a fault."""
    classes: dict[str, str] = data["classes"]
    by_word: dict[str, list[_Rule]] = {}
    for entry in (*({"pseudo": True, **p} for p in data.get("pseudo", [])), *data["cue"]):
        for phrase in entry["phrases"]:
            kind, reach = _kind(entry, phrase, text)
            for spelled in _choices(phrase):
                word = _first_word(spelled, phrase, text)
                rule = _Rule(kind, reach, entry.get("exists", True), _compile(_phrase(spelled, classes), phrase, text))
                by_word.setdefault(word, []).append(rule)
    ends = {
        name: _compile("|".join(_fill(p, classes) for p in _ending(data, name)), name, text) for name in ("forward", "backward", "noun")
    }
    words = {name: _compile(_fill(shape, classes), name, text) for name, shape in data["shapes"].items()}
    return _Rules({word: tuple(rules) for word, rules in by_word.items()}, ends, words)


def _ending(data: Mapping[str, Any], name: str) -> Sequence[str]:
    ends = data["terminators"]
    return ends[name] if name == "noun" else [*ends["both"], *ends[name]]


def _kind(entry: Mapping[str, Any], phrase: str, text: str) -> tuple[Polarity | None, str]:
    if entry.get("pseudo"):
        return None, "clause"
    if entry.get("reach") not in REACHES or entry.get("kind") not in [str(p) for p in _STRENGTH]:
        known = f"kind {entry.get('kind')!r} or reach {entry.get('reach')!r}"
        raise LexiconError(f"{_where(phrase, text)}: {known} is not known; see the head of the file")
    return Polarity(entry["kind"]), entry["reach"]


def _choices(phrase: str) -> list[str]:
    """Spell out ``{a,b}``."""
    parts = re.split(r"\{([^{}0-9][^{}]*)\}", phrase)
    options = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*options)]


def _phrase(phrase: str, classes: Mapping[str, str]) -> str:
    body = _fill(phrase.replace(" )?", r"[\s-]+)?").replace(" ", r"[\s‐-]+"), classes)
    return body if body.startswith("\\(") else body + r"(?!\w)"


def _fill(pattern: str, classes: Mapping[str, str]) -> str:
    for _ in range(2):
        pattern = re.sub(r"<(\w+)>", lambda m: classes.get(m[1], m[0]), pattern)
    return pattern


def _first_word(phrase: str, entry: str, text: str) -> str:
    if phrase.startswith("\\("):
        return "("
    match = _WORD.match(phrase)
    if not match:
        raise LexiconError(f"{_where(entry, text)}: {entry!r} must begin with a plain word")
    return match[0].lower()


def _compile(pattern: str, entry: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise LexiconError(f"{_where(entry, text)}: {entry!r} is no pattern ({error})") from error


def _where(entry: str, text: str) -> str:
    at = text.find(entry)
    return f"{RULES}:{text.count(chr(10), 0, at) + 1}" if at >= 0 else RULES
