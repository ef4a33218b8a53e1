"""What other packages bring through entry points: export formats, sources of records, types of claim."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from miner.errors import ConfigError
from miner.schema import Claim, ClaimType, Mention, Record

if TYPE_CHECKING:
    from miner.evidence.table import Paper, TableRow

log = logging.getLogger(__name__)

EXPORTERS, SOURCES, CLAIM_KINDS = "miner.exporters", "miner.sources", "miner.claim_types"
GROUPS = (EXPORTERS, SOURCES, CLAIM_KINDS)
_T = TypeVar("_T")


class Selection(Protocol):
    """What an exporter is given: the rows that were asked for, their evidence, and the records that they rest on."""

    def rows(self) -> Iterator[TableRow]:
        """Yield one row for each proposition, in the order of the table."""
        ...

    def papers(self) -> Iterator[Paper]:
        """Yield the evidence of each row, by PMID within a row."""
        ...

    def records(self) -> Iterator[Record]:
        """Yield the records by PMID."""
        ...

    def mentions(self, record: Record) -> tuple[Mention, ...]:
        """Return the mentions of a record by offset."""
        ...


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format of ``miner export``.

    ``write`` takes the selection and an open file, of bytes where ``binary``, and must write equal bytes for equal content.
    ``told`` says in a few words what is written; ``needs`` are modules beyond the core, and ``extra`` what installs them.
    """

    write: Callable[[Any, Any], None]
    told: str
    binary: bool = False
    needs: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of source file.

    ``recognises`` is asked with the first 4,096 bytes (unpacked) of a file that is none of the miner's own kinds;
    ``read`` yields its records and raises ``miner.errors.InputError`` on what it cannot read.
    """

    recognises: Callable[[bytes], bool]
    read: Callable[[Path], Iterable[Record]]


@dataclass(frozen=True, slots=True)
class ClaimKind:
    """A type of claim.

    ``extract`` takes a ``miner.claims.document.View`` (one sentence with its mentions) and yields claims of this type.
    ``evidence_type`` and ``significances`` say what it is in CIViC's terms, the first by default. ``finding`` are the words
    for and against in the table; ``sentences`` the statement: for, against, perhaps for, perhaps against, over
    ``{profile}``, ``{tumour}``, ``{subject}``, ``{therapies}`` and the others of ``miner.evidence.statement``.
    """

    type: str
    extract: Callable[[Any], Iterable[Claim]]
    finding: tuple[str, str]
    sentences: tuple[str, str, str, str]
    evidence_type: str = "Predictive"
    significances: tuple[str, ...] = ("N/A",)


_KINDS: dict[str, type[Any]] = {EXPORTERS: Exporter, SOURCES: Source, CLAIM_KINDS: ClaimKind}


def names(group: str) -> tuple[str, ...]:
    """Name the entry points of a group, without loading them."""
    return tuple(sorted({point.name for point in metadata.entry_points(group=group)}))


def exporter(name: str) -> Exporter | None:
    """Return the exporter of a name, or None where no package brings it; ConfigError on one that cannot be used."""
    for point in metadata.entry_points(group=EXPORTERS, name=name):
        found = _load(point, Exporter)
        if isinstance(found, Exporter):
            return found
        raise ConfigError(found)
    return None


@cache
def sources() -> tuple[tuple[str, Source], ...]:
    """Return the kinds of source that other packages bring, by name; a broken one is logged and left out."""
    return tuple(_all(SOURCES, Source))


@cache
def claim_kinds() -> tuple[tuple[str, ClaimKind], ...]:
    """Return the types of claim that other packages bring, by name, made known to ``ClaimType``; a broken one is logged."""
    found = tuple(_all(CLAIM_KINDS, ClaimKind))
    for _, kind in found:
        add_type(kind.type)
    return found


def add_type(value: str) -> ClaimType:
    """Add a member to ``ClaimType``; the same value gives the same member."""
    if value in ClaimType._value2member_map_:
        return ClaimType(value)
    member = str.__new__(ClaimType, value)
    member._name_, member._value_ = value.upper(), value
    ClaimType._member_map_[member._name_] = ClaimType._value2member_map_[value] = member
    ClaimType._member_names_.append(member._name_)
    return member


def forget() -> None:
    """Look for entry points anew: packages were installed or removed while the program ran."""
    sources.cache_clear()
    claim_kinds.cache_clear()


def versions() -> dict[str, str]:
    """Return the packages that bring types of claim, with their versions: what a reading depends on."""
    return {_package(point): _version(point) for point in metadata.entry_points(group=CLAIM_KINDS)}


def listed() -> list[tuple[str, str, str]]:
    """Return (group, name, package) of every entry point."""
    points = [point for group in GROUPS for point in metadata.entry_points(group=group)]
    return sorted((point.group, point.name, f"{_package(point)} {_version(point)}") for point in points)


def problems() -> list[str]:
    """Return what is wrong with the entry points of all groups, one line each."""
    points = [(point, _KINDS[group]) for group in GROUPS for point in metadata.entry_points(group=group)]
    return [found for point, kind in points if isinstance(found := _load(point, kind), str)]


def _all(group: str, kind: type[_T]) -> Iterator[tuple[str, _T]]:
    for point in sorted(metadata.entry_points(group=group), key=lambda point: point.name):
        found = _load(point, kind)
        if isinstance(found, str):
            log.warning("%s; it is left out", found)
        else:
            yield f"{point.name} of {_package(point)}", found


def _load(point: metadata.EntryPoint, kind: type[_T]) -> _T | str:
    """Return what an entry point names, or what is wrong with it."""
    where = f"{point.name} ({point.value}) of the package {_package(point)} {_version(point)}"
    try:
        found = point.load()
    except Exception as error:  # whatever a package of others raises
        return f"{where} cannot be loaded: {type(error).__name__}: {error}"
    return found if isinstance(found, kind) else f"{where} is no miner.plugins.{kind.__name__}"


def _package(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "?"


def _version(point: metadata.EntryPoint) -> str:
    return point.dist.version if point.dist else "?"
