"""Polarity of mentions and spans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner.cues import Cue, compile_rules, find_cues, polarity_at
from miner.errors import LexiconError
from miner.nlp.context import assign_polarity, scope
from miner.nlp.tokens import split_sentences
from miner.schema import Label, Mention, Polarity

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "context.jsonl").read_text(encoding="utf-8").splitlines()]


def polarity_of(case: dict[str, str]) -> str:
    text = case["text"]
    sentences = split_sentences(text, [(None, 0, len(text))])
    if "span" in case:
        start = text.index(case["span"])
        return str(scope(text, sentences[0], start, start + len(case["span"])))
    start = text.index(case["mention"])
    mention = Mention(start, start + len(case["mention"]), case["mention"], Label(case["label"]))
    return str(assign_polarity(text, sentences, [mention])[0].polarity)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_cases(case: dict[str, str]) -> None:
    assert polarity_of(case) == case["polarity"]


def test_there_are_eighty_cases_of_every_polarity() -> None:
    assert len(CASES) >= 80
    assert {case["polarity"] for case in CASES} == {str(p) for p in Polarity}


def test_a_cue_carries_its_place_and_scope() -> None:
    sentence = "No EGFR mutation was found in smokers."
    cue = find_cues(sentence)[0]
    assert cue == Cue(Polarity.NEGATED, 0, 2, 0, 26)
    assert sentence[cue.scope_start : cue.scope_end] == "No EGFR mutation was found"


def test_negation_is_stronger_than_hedging() -> None:
    sentence = "The drug may not work."
    assert polarity_at(find_cues(sentence), sentence.index("work"), sentence.index(".")) is Polarity.NEGATED


def test_cues_that_speak_of_effects_leave_existence_alone() -> None:
    cues = find_cues("The fusion did not respond.")
    assert polarity_at(cues, 19, 26) is Polarity.NEGATED
    assert polarity_at(cues, 19, 26, exists_only=True) is Polarity.ASSERTED


def test_mentions_of_the_second_sentence_take_nothing_from_the_first() -> None:
    text = "No EGFR mutation was found. EML4-ALK was present."
    start = text.index("EML4-ALK")
    mention = Mention(start, start + 8, "EML4-ALK", Label.FUSION)
    assert assign_polarity(text, split_sentences(text, [(None, 0, len(text))]), [mention])[0].polarity is Polarity.ASSERTED


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"kind": "denied", "reach": "noun", "phrases": ["no"]}, "context.toml:2: kind 'denied'"),
        ({"kind": "negated", "reach": "noun", "phrases": ["no (way"]}, "context.toml:2: 'no \\(way' is no pattern"),
        ({"kind": "negated", "reach": "noun", "phrases": ["[no]"]}, "context.toml:2: '\\[no\\]' must begin with a plain word"),
    ],
)
def test_faults_name_the_line(entry: dict[str, object], fault: str) -> None:
    data = {"classes": {}, "terminators": {"both": [], "forward": [], "backward": [], "noun": []}, "shapes": {}, "cue": [entry]}
    with pytest.raises(LexiconError, match=fault):
        compile_rules(data, "\n" + "".join(entry["phrases"]))  # type: ignore[arg-type]
