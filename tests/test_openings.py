"""What the words of a list can begin with, and where it may stand."""

from __future__ import annotations

import re

import pytest

from miner.claims.openings import Openings, alternatives, openings


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


def test_places_where_a_word_of_a_list_may_begin() -> None:
    lists = Openings({"event": ["rash", "edema"], "any": [r"\w+ed"]})
    text = "Edema came late. A brash claim: edema, ash."
    assert list(lists.starts("event", text, 0, 16) or ()) == [0]
    assert list(lists.starts("event", text, 5, len(text)) or ()) == [text.index("edema")], "neither inside a word nor before the place"
    assert lists.starts("event", text, text.index("rash"), len(text)) is None, "a slice that begins inside a word may begin with anything"
    assert lists.starts("any", text, 1, 2) is None, "what begins with anything is never ruled out"
    assert list(lists.starts("event", "No (rash) 12%", 0, 8) or ()) == [4], "a new text is looked at anew; signs are no part of a word"


@pytest.mark.parametrize("word", ["rash(?:es)? (?:on|of)", r"(?:\w+ )?rash"])
def test_spans_are_those_of_the_pattern_in_the_slice(word: str) -> None:
    pattern = re.compile(rf"(?<!\w)(?:{word})(?!\w)", re.I)
    text = "A rash of rashes on Rash on arms, rash onset."
    lists = Openings({"event": [word]})
    for start, end in ((0, len(text)), (3, 30), (2, 12), (10, 19)):
        expected = [(start + m.start(), start + m.end()) for m in pattern.finditer(text[start:end])]
        assert lists.spans("event", pattern, text, start, end) == expected
        assert lists.stand("event", pattern, text, start, end) is bool(expected)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\b(?:relapsed?|re-?biops\w+)\b", ["relapsed?", r"re-?biops\w+"]),
        (r"\b(?:on (?:a|b) drug|of [|]|\|)\b", ["on (?:a|b) drug", "of [|]", r"\|"]),
        (r"\b(?:one)|(?:two)\b", [""]),
        ("survival$", [""]),
    ],
)
def test_words_of_a_pattern(pattern: str, words: list[str]) -> None:
    assert alternatives(pattern) == words
