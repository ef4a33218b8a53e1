"""What a source yields beside records: deletions, rejects and a tally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from miner.schema import Record


@dataclass(frozen=True, slots=True)
class Deleted:
    """A publication that PubMed has taken back (``DeleteCitation``)."""

    pmid: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot be read: its number in the file (from 1), its PMID where one can be seen, and why."""

    position: int
    identifier: str | None
    reason: str


OnReject = Callable[[Reject], None]


@dataclass(slots=True)
class Tally:
    """What became of the records of a source; ``total`` counts every one that was met."""

    read: int = 0
    skipped: int = 0
    rejected: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        """Records met: read, skipped by the pre-screen, or rejected."""
        return self.read + self.skipped + self.rejected


class Screen(Protocol):
    """Decides from raw XML, or from a record, whether a record can matter."""

    def might_match(self, xml: bytes) -> bool:
        """Return False only where no reading of the record could matter."""
        ...

    def matches(self, record: Record) -> bool:
        """Return whether the record can matter."""
        ...
