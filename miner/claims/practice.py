"""What is done: detection, approval and recommendation, safety."""

from __future__ import annotations

from miner.claims import approval, detection, safety
from miner.claims.document import OUTSIDE, View
from miner.schema import Claim


def extract(view: View) -> list[Claim]:
    """Claims of practice in one sentence."""
    if view.role == OUTSIDE:
        return []
    return [*detection.extract(view), *approval.extract(view), *safety.extract(view)]
