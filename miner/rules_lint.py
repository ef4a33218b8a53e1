"""Check rule files: that each compiles, and that a user's holds what the package's of that name holds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from miner import cues, rule_files
from miner.claims import effect_rules, senses, study, therapy, words
from miner.errors import ConfigError, MinerError
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


def check_own() -> None:
    """Ask that every rule file of the user's that is in force compiles, before anything is read by it.

    Raises
    ------
    ConfigError
        One does not; the text begins with ``file:line``.
    """
    for path in rule_files.own().values():
        for problem in _problems(path):
            raise ConfigError(str(problem))


def _problems(path: Path) -> Iterator[Problem]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(path, 0, f"cannot be read: {error}")
        return
    if path.parent != rule_files.FOLDER and (faults := rule_files.faults(path, text)):
        yield from (Problem(path, fault.line, fault.told) for fault in faults)
        return
    try:
        _CHECKS[path.stem](path.name, text)
    except MinerError as error:
        told = _WHERE.fullmatch(str(error))
        line, said = (int(told[2]), told[3]) if told else (rule_files.line_of(text, error), str(error).removeprefix(f"{path.name}: "))
        yield Problem(path, line, said)
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        yield Problem(path, rule_files.line_of(text, error), rule_files.fault(error))
