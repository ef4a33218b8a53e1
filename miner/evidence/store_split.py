"""The whole table in two halves of one state, so that two processes can write them one after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from miner.evidence.store import Store
from miner.evidence.store_index_read import last_touched
from miner.evidence.store_query import papers
from miner.evidence.store_search import _one_state
from miner.evidence.table import TableRow, make_rows, subject

LEAST = 100_000
"""Evidence from which on a second process is worth its start."""
_SUBJECT = ("type_rank", "molecular_profile", "therapies", "disease_key", "significance")


@dataclass(frozen=True, slots=True)
class Halves:
    """One state of the database, known by its number, and the subject at which its second half begins."""

    connection: sqlite3.Connection
    state: int

    def middle(self) -> tuple[Any, ...] | None:
        """Return the subject in the middle; None where the table is too small to be cut."""
        total = int(self.connection.execute("SELECT count(*) FROM evidence").fetchone()[0])
        if total < LEAST:
            return None
        names = ", ".join(_SUBJECT)
        query = f"SELECT {names} FROM evidence ORDER BY {names}, direction, proposition, pmid LIMIT 1 OFFSET ?"
        return tuple(self.connection.execute(query, (total // 2,)).fetchone())

    def rows(self, bound: tuple[Any, ...], *, is_second: bool) -> Iterator[TableRow]:
        """Yield the rows of a half."""
        names = ", ".join(f"e.{name}" for name in _SUBJECT)
        where = f"WHERE ({names}) {'>=' if is_second else '<'} (?, ?, ?, ?, ?) AND e.status <> 'rejected'"
        for _, group in groupby(papers(self.connection, where, bound), key=subject):
            yield from make_rows(group)


@contextmanager
def halves(store: Store) -> Iterator[Halves]:
    """Lend one state of the database."""
    with _one_state(store) as (connection, _):
        yield Halves(connection, last_touched(connection))
