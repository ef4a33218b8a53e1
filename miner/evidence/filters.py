"""Filters of the table and their legal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from miner.errors import ConfigError
from miner.evidence.support import LEVEL_WEIGHTS
from miner.schema import ClaimType, Direction, Polarity

STATUSES = ("submitted", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Filters:
    """What rows to show; of each filter one value must fit (of ``text`` all), an empty one holds none back.

    Without ``status``, what a curator rejected is left out; name it among ``STATUSES`` to see it. ``key`` is that of a row
    of the table, or of evidence as the miner read it.
    """

    claim_type: tuple[str, ...] = ()
    gene: tuple[str, ...] = ()
    drug: tuple[str, ...] = ()
    disease: tuple[str, ...] = ()
    polarity: tuple[str, ...] = ()
    direction: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    pmid: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    status: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filters:
        """Build filters from keyword arguments: a value, several, or None for no filter; raise ConfigError on what cannot be."""
        known = {spec.name for spec in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise ConfigError(f"no filter is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        values = {name: _values(value) for name, value in given.items()}
        for name, legal in (("claim_type", ClaimType), ("polarity", Polarity), ("direction", Direction)):
            _check(name, values.get(name, ()), [str(item) for item in legal])
        _check("level", values.get("level", ()), list(LEVEL_WEIGHTS))
        _check("status", values.get("status", ()), STATUSES)
        return cls(**values)


def _values(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable):
        return tuple(str(item) for item in value)
    return (str(value),)


def _check(name: str, values: Sequence[str], legal: Sequence[str]) -> None:
    for value in values:
        if value not in legal:
            raise ConfigError(f"{name} {value!r} is not one of {', '.join(legal)}")
