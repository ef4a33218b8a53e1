"""Check rule files: that each compiles, and that a user's holds what the package's of that name holds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from miner import cues, rule_files
from miner.claims import effect_rules, senses, study, therapy, words
from miner.errors import MinerError
from miner.evidence import trials, wording
from miner.lexicon_lint import Problem
from miner.nlp import fusion_rules, measure_rules, variant_rules

_WHERE = re.compile(r"(.*?):(\d+): (.*)", re.S)


def _residues(name: str, text: str) -> object:
    return variant_rules.compile_rules(rule_files.read(variant_rules.RULES).text, text)


def _variants(name: str, text: str) -> object:
    return variant_rules.compile_rules(text, rule_files.read(rule_files.RESIDUES).text)


_CHECKS: Mapping[str, Callable[[str, str], object]] = {
    **dict.fromkeys(("approval", "biology", "detection", "features", "gene_lists", "response", "safety", "trial"), words.Words),
    **dict.fromkeys(("authority", "endpoints", "feature_names"), wording.patterns),
    **dict.fromkeys(("claim_cues", "resistance_variants"), senses.parse),
    **dict.fromkeys(("measures", "sentences"), measure_rules.Rules),
    "context": lambda name, text: cues.compile_rules(tomllib.loads(text), text),
    "effects": lambda name, text: effect_rules.parse(text),
    "fusions": fusion_rules.parse_rules,
    "known_residues": _residues,
    "study": lambda name, text: study.parse_rules(text),
    "terms": lambda name, text: tomllib.loads(text),
    "therapy_roles": lambda name, text: therapy.roles_of(text),
    "trial_names": trials.name_words,
    "variants": _variants,
}
"""Stem of a rule file → what compiles its text."""
_ENTRIES: Mapping[str, frozenset[str]] = {
    "effects": frozenset({"reasons", "composed"}),
    "feature_names": frozenset(),
    "fusions": frozenset({"partners", "partners_after", "foes", "families", "names", "generic_names", "aliases"}),
    "study": frozenset({"publication_types", "leaning_publication_types", "mesh"}),
    "variants": frozenset({"positive", "positive_elsewhere", "glued"}),
}
"""Stem of a rule file → its tables of entries, of which any may be missing; the keys of other tables are asked for by name."""


def lint(folders: Sequence[Path] = ()) -> list[Problem]:
    """Check the package's rule files and those in the folders; an empty list means that all is well."""
    package = [rule_files.FOLDER / name for name in rule_files.names() if name != rule_files.RESIDUES]
    own = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.name in rule_files.names()]
    stray = [
        Problem(path, 0, f"no rule file is named so; there are {', '.join(rule_files.names())}")
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.glob("*.toml"))
        if path.name not in rule_files.names()
    ]
    return sorted([*stray, *(problem for path in (*package, *own) for problem in _problems(path))])


def _problems(path: Path) -> Iterator[Problem]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(path, 0, f"cannot be read: {error}")
        return
    try:
        held = tomllib.loads(text) if path.suffix == ".toml" else {}
        missing = list(_missing(path, text, held))
        yield from missing
        if not missing:
            _CHECKS[path.stem](path.name, text)
    except MinerError as error:
        told = _WHERE.fullmatch(str(error))
        yield Problem(path, int(told[2]) if told else 0, told[3] if told else str(error))
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        yield Problem(path, rule_files.line_of(text, error), rule_files.fault(error))


def _missing(path: Path, text: str, held: Mapping[str, Any]) -> Iterator[Problem]:
    """What the package's file of that name holds and this one does not, or holds as a thing of another kind."""
    if path.suffix != ".toml" or path.parent == rule_files.FOLDER:
        return
    model = tomllib.loads((rule_files.FOLDER / path.name).read_text(encoding="utf-8"))
    entries = _ENTRIES.get(path.stem, frozenset())
    for key, value in model.items():
        if path.stem == "feature_names" and key not in held:
            continue
        yield from _differs(path, text, key, value, held.get(key))
        if isinstance(value, dict) and isinstance(held.get(key), dict) and key not in entries:
            for inner, wanted in value.items():
                yield from _differs(path, text, f"{key}.{inner}", wanted, held[key].get(inner))


def _differs(path: Path, text: str, key: str, wanted: Any, held: Any) -> Iterator[Problem]:
    table = key.split(".")[0]
    line = next((n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[*{re.escape(table)}\b", line)), 1)
    if held is None:
        yield Problem(path, line, f"{key} is missing; the package's {path.name} tells what it holds")
    elif _kind(held) is not _kind(wanted):
        yield Problem(path, line, f"{key} must be {_NAMES[_kind(wanted)]}")


_NAMES = {dict: "a table", list: "a list", str: "a text", float: "a number", bool: "true or false"}


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
