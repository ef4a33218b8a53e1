"""What an alteration is: driver, how often, what it goes with and what it excludes, and whom it meets."""

from __future__ import annotations

from miner.claims import driver, features, pairs, prevalence
from miner.claims.document import METHODS, OUTSIDE, View
from miner.schema import Claim


def extract(view: View) -> list[Claim]:
    """Claims of biology in one sentence."""
    if view.role == OUTSIDE:
        return []
    claims = [*pairs.extract(view)]
    paired = [c.start for c in view.sense("cooccur", "exclusive")] or [view.start] if claims else []
    claims += prevalence.extract(view, beside=paired)
    if view.is_aim or view.role == METHODS:
        return [c for c in claims if c.figures]
    return [*claims, *driver.extract(view), *features.extract(view)]
