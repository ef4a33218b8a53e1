"""What the words of a list can begin with, and where it may stand."""

from __future__ import annotations

import pytest

from miner.claims.openings import Openings, openings


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("headaches?", {"headache", "headaches"}),
        ("(?:o)?edema", {"edema", "oedema"}),
        ("leu[ck]open", {"leucopen", "leukopen"}),
        (r"(?:raised|elevat\w+) (?:\w+ ){0,2}lipase", {"raised", "elevat"}),
        (r"no\b (?:\w+ )*differ", {"no"}),
        ("(?<!for )both", {"both"}),
        ("[A-Z]{3} panel", set()),
        ("pain|rash", set()),
        ("(?:a|b(?:c|d)) few", set()),
        (r"\d+ of", set()),
    ],
)
def test_openings(word: str, expected: set[str]) -> None:
    assert openings(word) == expected


def test_a_list_may_stand_where_a_word_of_it_begins() -> None:
    lists = Openings({"event": ["rash", "edema"], "any": [r"\w+ed"]})
    text = "Edema came late. A brash claim: ash."
    assert lists.may_stand("event", text, 0, 16)
    assert not lists.may_stand("event", text, 1, len(text)), "neither inside a word nor before the place"
    assert lists.may_stand("event", text, text.index("rash"), len(text)), "a slice that begins there begins with it"
    assert lists.may_stand("any", text, 1, 2), "what begins with anything is never ruled out"
    assert lists.may_stand("event", "No rash.", 0, 8), "a new text is looked at anew"
