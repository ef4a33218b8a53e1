"""What a rule file of the user's must hold, told by the package's file of that name: its keys, and values of their kinds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from miner.toml_lines import Lines, Path, strings_of

ENTRIES: Mapping[str, frozenset[str]] = {
    "effects.toml": frozenset({"reasons", "partners"}),
    "feature_names.toml": frozenset({""}),
    "fusions.toml": frozenset({"partners", "partners_after", "foes", "families", "names", "generic_names", "aliases"}),
    "study.toml": frozenset({"publication_types", "leaning_publication_types", "mesh"}),
    "terms.toml": frozenset({"disease.heads", "disease.suffixes", "disease.sites"}),
    "variants.toml": frozenset({"positive", "positive_elsewhere", "glued"}),
}
"""File → its tables of entries, whose keys are the curator's; the keys of every other table are asked for by name."""
_WORDS = ("approval", "biology", "detection", "features", "gene_lists", "response", "safety", "trial", "effects", "terms", "therapy_roles")
_PATTERNS = frozenset(f"{stem}.toml" for stem in _WORDS)  # every string in them is read as a regular expression
_KINDS = {dict: "a table", list: "a list", str: "a text", float: "a number", bool: "true or false"}


class Fault(NamedTuple):
    """A line of a rule file and what is wrong there."""

    line: int
    told: str


def faults(name: str, text: str, model: str) -> list[Fault]:
    """Compare a TOML file of rules with the package's of that name.

    Raises
    ------
    tomllib.TOMLDecodeError
        The text is no TOML.
    """
    return _Comparison(name, text, model).faults()


class _Comparison:
    def __init__(self, name: str, text: str, model: str) -> None:
        self.name, self.model_text = name, model
        self.held, self.model = tomllib.loads(text), tomllib.loads(model)
        self.lines = Lines(text)

    def faults(self) -> list[Fault]:
        """All that differs in kind, by line."""
        return sorted(self._table((), self.model, self.held))

    def _table(self, path: Path, model: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[Fault]:
        if ".".join(map(str, path)) in ENTRIES.get(self.name, ()):
            samples = list(model.values())
            for key, value in held.items():
                yield from self._value((*path, key), samples, value)
            return
        for key in model.keys() - held.keys():
            yield Fault(self.lines.of(path), f"{_dotted((*path, key))} is missing; the package's {self.name} tells what it holds")
        for key, value in held.items():
            if key in model:
                yield from self._value((*path, key), [model[key]], value)
            else:
                yield from self._unknown((*path, key), sorted(model))

    def _unknown(self, path: Path, known: list[str]) -> Iterator[Fault]:
        if not re.search(rf"\b{re.escape(str(path[-1]))}\b", self.model_text):  # its comments may name what it does not use
            yield Fault(self.lines.of(path), f"{_dotted(path)} is not known; known are {', '.join(known)}")

    def _value(self, path: Path, samples: list[Any], held: Any) -> Iterator[Fault]:
        """Compare a value with those that the package's file has in such a place."""
        alike = [sample for sample in samples if _kind(sample) is _kind(held)]
        if not alike:
            allowed = " or ".join(sorted({_KINDS[_kind(sample)] for sample in samples}))
            yield Fault(self.lines.of(path), f"{_dotted(path)} must be {allowed}")
        elif isinstance(held, dict):
            yield from self._table(path, alike[0], held) if len(samples) == 1 else self._entry(path, alike, held)
        elif isinstance(held, list):
            yield from self._list(path, alike, held)
        elif isinstance(held, str):
            yield from self._strings(path, held, alike)

    def _list(self, path: Path, lists: list[list[Any]], held: list[Any]) -> Iterator[Fault]:
        samples = [item for sample in lists for item in sample]
        if all(lists) and not held:
            yield Fault(self.lines.of(path), f"{_dotted(path)} is empty; it needs one entry or more")
        kinds = {_kind(sample) for sample in samples}
        for place, item in enumerate(held):
            if samples and _kind(item) not in kinds:
                allowed = " or ".join(sorted(_KINDS[kind] for kind in kinds))
                yield Fault(self.lines.of((*path, place)), f"{_dotted((*path, place))} must be {allowed}")
            elif isinstance(item, dict):
                yield from self._entry((*path, place), samples, item)
            elif isinstance(item, list) and samples and len({len(sample) for sample in samples}) == 1 != len(item) / len(samples[0]):
                yield Fault(self.lines.of(path), f"{_dotted((*path, place))} must hold {len(samples[0])}, not {len(item)}")
        if not any(isinstance(item, dict) for item in held):
            yield from self._strings(path, held, samples)

    def _entry(self, path: Path, samples: list[Mapping[str, Any]], held: Mapping[str, Any]) -> Iterator[Fault]:
        """Compare one of several tables: it holds what all have, and what some have if it wants."""
        known = {key for sample in samples for key in sample}
        for key in sorted(set.intersection(*(set(sample) for sample in samples)) - held.keys()):
            yield Fault(self.lines.of(path), f"{_dotted((*path, key))} is missing; every entry of this kind has it")
        for key, value in held.items():
            if key in known:
                yield from self._value((*path, key), [sample[key] for sample in samples if key in sample], value)
            else:
                yield from self._unknown((*path, key), sorted(known))

    def _strings(self, path: Path, held: Any, samples: list[Any]) -> Iterator[Fault]:
        may_be_empty = "" in strings_of(samples)
        for line, text in self.lines.strings(path, held):
            if not text.strip() and not may_be_empty:
                yield Fault(line, f"{_dotted(path)} holds an empty text")
            elif self.name in _PATTERNS and (problem := _no_pattern(text)):
                yield Fault(line, f"{text!r} is no pattern: {problem}")


def _no_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        return str(error)
    return ""


def _dotted(path: Path) -> str:
    """Write a path as ``cue[2].reach``, entries of a list counted from 1."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
