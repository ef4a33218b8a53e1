"""Whether a sentence names a regulator or a guideline: the words stand in ``data/rules/authority.toml``."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

from miner.errors import ConfigError
from miner.toml import line_of, parse_toml, read_text


@cache
def _pattern() -> re.Pattern[str]:
    path = Path(str(resources.files("miner").joinpath("data", "rules", "authority.toml")))
    text = read_text(path)
    words = parse_toml(text, path).get("words")
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ConfigError(f"{path.name}:{line_of(text, 'words')}: words must be a list of texts")
    parts = (re.escape(word).replace(r"\*", "[A-Za-z]*").replace(r"\ ", r"\s+") for word in words)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(parts)})(?![A-Za-z0-9])", re.IGNORECASE)


def names_authority(sentence: str) -> bool:
    """Tell whether a sentence speaks of an approval, a regulator, a guideline or a standard of care."""
    return _pattern().search(sentence) is not None
