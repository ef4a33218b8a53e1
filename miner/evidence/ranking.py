"""The order in which a reader meets the rows of the table: the topic's own first, then what names an alteration, then the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.summary import Terms, focus_genes, is_of
from miner.evidence.table import TableRow
from miner.topic import Topic


def ranked(rows: Iterable[TableRow], topic: Topic, lexicon: Terms | None = None) -> list[TableRow]:
    """Sort rows: on the topic's genes, on its drugs, with an alteration, without; the best supported first in each."""
    if lexicon is None:
        from miner.lexicon import load_lexicon

        lexicon = load_lexicon()
    held = list(rows)
    return sorted(held, key=_order(held, topic, lexicon))


def _order(rows: Sequence[TableRow], topic: Topic, lexicon: Terms) -> Callable[[TableRow], tuple[object, ...]]:
    genes = focus_genes(topic, lexicon, (gene for row in rows for item in row.evidence for gene in item.genes))

    def tier(row: TableRow) -> int:
        if any(genes.intersection(item.genes) for item in row.evidence):
            return 0
        if any(is_of(therapy, wanted, lexicon) for therapy in row.therapies for wanted in topic.focus_classes):
            return 1
        return 3 if row.molecular_profile == UNSPECIFIED else 2

    return lambda row: (tier(row), -row.support, str(row.claim_type), row.molecular_profile, row.key)
