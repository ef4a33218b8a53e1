"""The grammar of effects as data: ``data/rules/effects.toml``, compiled once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from miner import rule_files
from miner.claims.openings import Openings, alternatives
from miner.errors import LexiconError

RULES = "effects.toml"
COMPOSED = ("regress", "shrink", "same", "dose", "overcome", "potentiate", "delay", "disarm", "strategy", "rationale")


class EffectRules(NamedTuple):
    """Patterns of the words around an effect; each is matched against the text before or after a span."""

    lower_before: re.Pattern[str]
    lower_after: re.Pattern[str]
    idle_before: re.Pattern[str]
    idle_after: re.Pattern[str]
    idle_around: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    other_before: re.Pattern[str]
    link: re.Pattern[str]
    states: re.Pattern[str]
    described: re.Pattern[str]
    causal: re.Pattern[str]
    comparator: re.Pattern[str]
    state: re.Pattern[str]
    regress: re.Pattern[str]
    shrink: re.Pattern[str]
    same: re.Pattern[str]
    dose: re.Pattern[str]
    overcome: re.Pattern[str]
    potentiate: re.Pattern[str]
    delay: re.Pattern[str]
    disarm: re.Pattern[str]
    strategy: re.Pattern[str]
    rationale: re.Pattern[str]
    more: re.Pattern[str]
    fewer: re.Pattern[str]
    raised: re.Pattern[str]
    past: re.Pattern[str]
    inert: frozenset[str]
    reasons: Mapping[str, frozenset[str]]
    partners: Mapping[str, frozenset[str]]
    composed: Openings
    shapes: Mapping[str, re.Pattern[str]]
    sought: Openings


@lru_cache(maxsize=1)
def load() -> EffectRules:
    """Read and compile the rules; a fault tells what the file needs."""
    with rule_files.reading(RULES) as text:
        return parse(text)


def parse(text: str) -> EffectRules:
    """Compile the text of ``effects.toml``; LexiconError tells what is wrong."""
    try:
        return _compiled(tomllib.loads(text))
    except (KeyError, TypeError, tomllib.TOMLDecodeError, re.error) as error:
        raise LexiconError(f"{RULES}: {type(error).__name__}: {error}; mend the table that it names") from error


def shape(name: str) -> re.Pattern[str]:
    """The pattern of a name, as ``module.name`` under ``[shapes]``."""
    return load().shapes[name]


def stands(name: str, text: str, start: int, end: int) -> bool:
    """Does the pattern of a name match in [start, end), taken by itself?"""
    rules = load()
    return rules.sought.stand(name, rules.shapes[name], text, start, end)


def _compiled(data: dict[str, Any]) -> EffectRules:
    def any_of(table: str, key: str) -> str:
        return "|".join(data[table][key])

    def ends(table: str, key: str, fillers: str = "", times: str = "*") -> re.Pattern[str]:
        between = rf"(?:[\s-]+(?:{fillers})){times}" if fillers else ""
        return re.compile(rf"\b(?:{any_of(table, key)}){between}[\s-]*$", re.I)

    shapes = {f"{module}.{name}": pattern for module, held in data["shapes"].items() for name, pattern in held.items()}
    return EffectRules(
        lower_before=ends("lower", "before", any_of("lower", "fillers"), "{0,4}"),
        lower_after=re.compile(
            rf"^\s*(?:[\w-]+\s+){{0,6}}?(?:was|were|is|are|being)\s+(?:\w+ly\s+)?(?:{any_of('lower', 'after')})\b", re.I
        ),
        idle_before=ends("idle", "before"),
        idle_after=re.compile(rf"^\s*(?:{any_of('idle', 'after')})", re.I),
        idle_around=tuple((re.compile(rf"(?:{a})[\s-]*$", re.I), re.compile(b, re.I)) for a, b in data["idle"]["around"]),
        other_before=ends("other", "before"),
        link=re.compile(rf"^\W*(?:\S+\s+){{0,12}}?\W*(?:{any_of('link', 'to')})\b", re.I),
        states=re.compile(rf"\b(?:{any_of('predicate', 'states')})\b", re.I),
        described=re.compile(
            rf"\b(?:{any_of('predicate', 'described')})\s+"
            r"(?:(?:who|that|which)\s+(?:is|are|was|were|had|have|has)\s+|with\s+)?"
            r"(?:(?!(?:is|are|was|were|be|been|remain\w*|bec[ao]me|prove[dn]?)\b)\w+\s+){0,2}$"
            r"|\b(?:whose|when|once|until|if)\s+(?:[\w-]+\s+){1,4}?(?:is|are|was|were|remained|bec[ao]me)\s+(?:\w+\s+)?$",
            re.I,
        ),
        causal=re.compile(rf"\b(?:{any_of('predicate', 'causal')})\b", re.I),
        comparator=ends("comparator", "before", any_of("comparator", "fillers")),
        state=re.compile(rf"(?:{any_of('state', 'words')})", re.I),
        **{name: re.compile(rf"\b(?:{any_of('composed', name)})", re.I) for name in COMPOSED},
        **{name: re.compile(rf"(?:{any_of('dose', name)})", re.I) for name in ("more", "fewer")},
        raised=ends("outcome", "raised", any_of("lower", "fillers"), "{0,3}"),
        past=re.compile(rf"\b(?:{any_of('context', 'past')})\b", re.I),
        inert=frozenset(data["context"]["inert"]),
        reasons={target: frozenset(genes) for target, genes in data["reasons"].items()},
        partners={target: frozenset(genes) for target, genes in data["partners"].items()},
        composed=Openings(data["composed"]),
        shapes={name: re.compile(pattern, re.I) for name, pattern in shapes.items()},
        sought=Openings({name: alternatives(pattern) for name, pattern in shapes.items()}),
    )
