"""Which papers report one study: registered numbers and names of trials."""

from __future__ import annotations

import re

from miner.schema import Record

_REGISTERED = re.compile(
    r"\b(?:NCT\s?0?\d{8}|ChiCTR[-A-Z0-9]{6,}|UMIN\s?\d{9}|jRCT\w?\d{9,10}|JapicCTI-?\d{6}|ISRCTN\s?\d{8}"
    r"|(?:EudraCT(?:\s+(?:number|no\.?))?:?\s*)\d{4}-\d{6}-\d{2}|CTRI/\d{4}/\d{2,3}/\d{6}|ACTRN\d{14})\b",
    re.IGNORECASE,
)


def trial_names(record: Record) -> tuple[str, ...]:
    """Return the registered numbers of trials that a record gives, sorted: ``NCT02122913``."""
    found = {number.upper() for number in record.nct_ids}
    found |= {re.sub(r"^EUDRACT\D*|\s", "", match[0].upper()) for match in _REGISTERED.finditer(record.text)}
    return tuple(sorted(found))
