"""Types of claim that other packages bring: their place in CIViC's terms, their words in the table and in statements."""

from __future__ import annotations

from miner import plugins
from miner.evidence import civic, statement, table
from miner.schema import ClaimType


def learn() -> None:
    """Enter the types of claim of other packages beside the miner's own, which they cannot replace."""
    for _, kind in plugins.claim_kinds():
        claim_type = ClaimType(kind.type)
        if claim_type not in civic.MEANINGS:
            legal = civic.LEGAL_SIGNIFICANCES.get(kind.evidence_type, ())
            fits = all(name in legal for name in kind.significances)
            civic.MEANINGS[claim_type] = civic.Meaning(kind.evidence_type, kind.significances, submittable=fits)
            statement.SENTENCES[claim_type] = kind.sentences
            table.FINDINGS[claim_type] = kind.finding
