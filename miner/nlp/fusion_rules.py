"""The knowledge behind the fusion grammar, read from ``data/rules/fusions.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from miner import rule_files
from miner.errors import ConfigError

RULES = "fusions.toml"
KINDS = frozenset("FfPtoiNqe+nX&m")
_PAIR = re.compile(r"[^\s:]+::[^\s:]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """Sets of symbols and words; ``known`` holds pairs in biological order, ``stems`` how names of families' members begin."""

    strong: frozenset[str]
    weak: frozenset[str]
    either: frozenset[str]
    by_status: frozenset[str]
    drivers: frozenset[str]
    never: frozenset[str]
    as_written: frozenset[str]
    foes: Mapping[str, frozenset[str]]
    partners: Mapping[str, frozenset[str]]
    known: frozenset[tuple[str, str]]
    fused: frozenset[str]
    rearranged: frozenset[str]
    names: Mapping[str, tuple[str, str]]
    generic_names: Mapping[str, str]
    aliases: Mapping[str, str]
    after: frozenset[str]
    kinds: Mapping[str, str]
    stain_before: frozenset[str]
    stain_after: frozenset[str]
    stain_links: frozenset[str]
    altered: frozenset[str]
    blockers: frozenset[str]
    families: frozenset[str]
    stems: frozenset[str]

    @property
    def fusable(self) -> frozenset[str]:
        """Kinases and ligands that fuse to many partners."""
        return self.strong | self.weak | self.either


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """Read the rules; ConfigError begins with ``file:line``."""
    return parse_rules(*rule_files.read(RULES))


def parse_rules(name: str, source: str) -> Rules:
    """Build the rules from the text of ``fusions.toml``.

    Raises
    ------
    ConfigError
        Where it is no TOML or a part of it is missing or wrong; the text begins with ``file:line``.
    """
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{name}:{line[1] if line else 1}: this is no TOML: {error}") from error
    try:
        return _rules(data)
    except (KeyError, ValueError, AttributeError) as error:
        key = str(error.args[0])
        raise ConfigError(f"{name}:{_line(source, key)}: {key} is missing or wrong; see the comments of the file") from error


def _line(source: str, key: str) -> int:
    return next((n for n, line in enumerate(source.splitlines(), 1) if key in line), 1)


def _rules(data: Mapping[str, Any]) -> Rules:
    kinases, never, limits = data["kinases"], data["never"], data["limits"]
    partners = {k: _set(v) for k, v in data["partners"].items()}
    after = {k: _set(v) for k, v in data["partners_after"].items()}
    known = {(p, k) for k, names in partners.items() for p in names}
    known |= {(k, p) for k, names in after.items() for p in names}
    known |= {_pair(p) for p in data["pairs"]["known"].split()}
    known |= {(p, family) for family, members in data["families"].items() for k in _set(members) for p in partners.get(k, ())}
    return Rules(
        strong=_set(kinases["strong"]),
        weak=_set(kinases["weak"]),
        either=_set(kinases["either"]),
        by_status=_set(kinases["by_status"]),
        drivers=_set(never["drivers"]),
        never=_set(never["words"]),
        as_written=_set(never["as_written"]),
        foes={k: _set(v) for k, v in data["foes"].items()},
        partners={k: partners.get(k, frozenset()) | after.get(k, frozenset()) for k in partners | after},
        known=frozenset(known),
        fused=frozenset(name for pair in known for name in pair),
        rearranged=frozenset(name for pair in data["pairs"]["known"].split() for name in _pair(pair)),
        names={name: _pair(pair) for name, pair in data["names"].items()},
        generic_names=dict(data["generic_names"]),
        aliases=dict(data["aliases"]),
        after=_set(data["after"]["words"]),
        kinds=_kinds(data["words"]),
        stain_before=_set(limits["stain_before"]),
        stain_after=_set(limits["stain_after"]),
        stain_links=_set(limits["stain_links"]),
        altered=_set(limits["altered"]),
        blockers=_set(limits["fusion_blockers"]),
        families=frozenset(data["families"]),
        stems=frozenset(data["families"]) | _set(" ".join(data["families"].values())) - _set(kinases["strong"]),
    )


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _pair(text: str) -> tuple[str, str]:
    if not _PAIR.fullmatch(text):
        raise ValueError(text)
    five, three = text.split("::")
    return five, three


def _kinds(words: Mapping[str, str]) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for kind, names in words.items():
        if kind not in KINDS:
            raise ValueError(kind)
        for name in names.split():
            kinds.setdefault(name, kind)
    return kinds
