"""Two states of a small PubMed, the earlier and the later, drawn by a seed: everything that can happen to a record between them."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.http.records import Fake

EARLIER = datetime.date(2024, 5, 1)
CHANGED = datetime.date(2024, 6, 10)
_GENES = ("NTRK1", "NTRK2", "NTRK3")
MATHML = (
    '<AbstractText>Of <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup>'
    "</mml:math> tumours, an NTRK2 fusion was in one.</AbstractText>"
)
ENTITIES = "<AbstractText>An NTRK3 fusion &#945; &amp;lt; 5 &#x3bc;m; &amp;amp; no more.</AbstractText>"
UNKNOWN = '<CoiStatement>None.</CoiStatement><NoveltyList Kind="x"><Novelty>1</Novelty></NoveltyList>'


@dataclass(frozen=True)
class World:
    """What PubMed holds at first and a day later."""

    before: tuple[Fake, ...]
    after: tuple[Fake, ...]


def _revised(fake: Fake, chance: random.Random) -> Fake:
    return replace(fake, title=f"An {chance.choice(_GENES)} fusion was found after all, they say.", changed=CHANGED)


def _silently(fake: Fake, chance: random.Random) -> Fake:
    return replace(_revised(fake, chance), changed=fake.changed, mdat=CHANGED)


def _version(fake: Fake, chance: random.Random) -> Fake:
    return replace(_revised(fake, chance), version=fake.version + 1)


def _without_fusion(fake: Fake, chance: random.Random) -> Fake:
    return replace(fake, title="Breath in adults with a pulmonary test, revised.", changed=CHANGED)


def _noticed(kind: str, *types: str) -> Callable[[Fake, random.Random], Fake]:
    def change(fake: Fake, chance: random.Random) -> Fake:
        return replace(fake, comments=(*fake.comments, (kind, "900")), types=(*fake.types, *types), changed=CHANGED)

    return change


CHANGES: dict[str, Callable[[Fake, random.Random], Fake]] = {
    "revised": _revised,
    "revised, DateRevised as it was": _silently,
    "version": _version,
    "no fusion any more": _without_fusion,
    "retracted": _noticed("RetractionIn", "Retracted Publication"),
    "erratum": _noticed("ErratumIn"),
    "concern": _noticed("ExpressionOfConcernIn"),
}


def _fake(pmid: int, chance: random.Random) -> Fake:
    title = f"An {chance.choice(_GENES)} fusion and an {chance.choice(_GENES)} fusion in {pmid} cells."
    fake = Fake(pmid, title, created=EARLIER, changed=EARLIER, version=chance.choice((1, 1, 2)))
    kinds: list[dict[str, object]] = [
        *[{}] * 4,
        {"book": True},
        {"raw": MATHML},
        {"raw": ENTITIES},
        {"odd": UNKNOWN},
        {"issue": "<Season>Spring</Season>"},
        {"title": "Breath in adults with a pulmonary test."},
        {"abstract": [("RESULTS", "An NTRK2 fusion was seen."), (None, "Nothing else.")]},
        {"edat": datetime.date(1999, 1, 1)},
    ]
    return replace(fake, **chance.choice(kinds))  # type: ignore[arg-type]


def world(seed: int) -> World:
    """Draw a world: records, then changes, additions (some with an Entrez date years back) and deletions."""
    chance = random.Random(seed)
    before = [_fake(pmid, chance) for pmid in sorted(chance.sample(range(1, 40_000_000), chance.randint(3, 7)))]
    after = []
    for fake in before:
        change = chance.choice([None, *CHANGES.values()]) if not fake.book else None
        if chance.random() > 0.12:
            after.append(change(fake, chance) if change else fake)
    for _ in range(chance.randint(1, 3)):
        late = replace(_fake(chance.randint(1, 40_000_000), chance), created=CHANGED, changed=CHANGED)
        after.append(replace(late, edat=datetime.date(2003, 1, 1)) if chance.random() < 0.5 else late)
    unique = {fake.pmid: fake for fake in after}
    return World(tuple(before), tuple(unique.values()))
