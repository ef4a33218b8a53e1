"""What speaks against a row, for a terminal: its support in parts, conflicts, newer data cuts; and what curators decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

if TYPE_CHECKING:
    from miner.evidence.conflicts import Conflict
    from miner.evidence.store import Store
    from miner.evidence.summary import SummaryRow
    from miner.evidence.table import TableRow


def row_doubts(row: TableRow, found: Sequence[Conflict]) -> Text:
    """The support with what it is made of, then what speaks against it: conflicts with their sentences, newer data cuts."""
    told = Text(str(row.score), "dim")
    for item in found[:1]:
        told.append(f"\nconflict – {item}", "yellow")
        for sentence in item.sentences:
            told.append(f"\n  {sentence}", "dim")
    if len(found) > 1:
        told.append(f"\n{_many(len(found) - 1, 'more conflict')}", "dim")
    for cut in row.superseded:
        told.append(f"\nnewer data cut – {cut}", "yellow")
    return told


def show_doubts(out: Console, row: SummaryRow, width: int) -> None:
    """Print the conflicts of a row of the summary with both sentences, and the figures that a newer data cut replaced."""
    for conflict in row.conflicts[:2]:
        out.print(Padding(Text(f"Conflict – {conflict}", style="yellow"), (0, 0, 0, 2)), width=width)
        for sentence in conflict.sentences:
            out.print(Padding(Text(sentence, style="dim"), (0, 0, 0, 4)), width=width)
    if len(row.conflicts) > 2:
        out.print(Padding(Text(_many(len(row.conflicts) - 2, "more conflict"), style="dim"), (0, 0, 0, 2)), width=width)
    for item in row.superseded[:3]:
        out.print(Padding(Text(f"Newer data cut – {item}", style="yellow"), (0, 0, 0, 2)), width=width)


def show_curations(out: Console, store: Store) -> None:
    """Print how much was curated, and the curations whose row is not held."""
    log = store.curations()
    if log:
        out.print(f"{_many(len(log), 'curation')} by {', '.join(sorted({item.curator for item in log}))}")
    for item in (waiting := store.curations_without_row())[:20]:
        out.print(Text(f"waits: {item.action} of {item.source} {item.key} by {item.curator}, {item.at}", "yellow"), soft_wrap=True)
    if waiting:
        many = f"{_many(len(waiting), 'curation')} wait{'s' if len(waiting) == 1 else ''}"
        out.print(Text(f"{many} for a row that is not held: the rules read it no more, or its paper is not here", "yellow"))


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
