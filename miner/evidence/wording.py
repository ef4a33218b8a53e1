"""What words in a sentence tell beyond the claim: a regulator or guideline, the clinical features and endpoints it speaks of.

The words stand in ``data/rules/``: ``authority.toml``, ``feature_names.toml``, ``endpoints.toml``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from miner import rule_files
from miner.errors import ConfigError
from miner.toml import line_of, parse_toml


@cache
def _patterns(name: str) -> dict[str, re.Pattern[str]]:
    return patterns(*rule_files.read(name))


def patterns(name: str, text: str) -> dict[str, re.Pattern[str]]:
    """Compile the lists of a file of words; ConfigError names ``file:line``."""
    return {key: _pattern(words, f"{name}:{line_of(text, key)}: {key}") for key, words in parse_toml(text, name).items()}


def _pattern(words: Any, where: str) -> re.Pattern[str]:
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ConfigError(f"{where} must be a list of texts")
    parts = (re.escape(word).replace(r"\*", "[A-Za-z]*").replace(r"\ ", r"\s+") for word in words)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(parts)})(?![A-Za-z0-9])", re.IGNORECASE)


def names_authority(sentence: str) -> bool:
    """Tell whether a sentence speaks of an approval, a regulator, a guideline or a standard of care."""
    return _patterns("authority.toml")["words"].search(sentence) is not None


def features(sentence: str) -> tuple[str, ...]:
    """Name the clinical features that a sentence speaks of."""
    return tuple(name for name, pattern in _patterns("feature_names.toml").items() if pattern.search(sentence))


def endpoints(sentence: str) -> tuple[str, ...]:
    """Name the endpoints that a sentence speaks of."""
    return tuple(name for name, pattern in _patterns("endpoints.toml").items() if pattern.search(sentence))
