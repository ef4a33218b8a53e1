"""Tokens, sentences and clauses."""

import json
from pathlib import Path

import pytest
import spacy

from miner.errors import ConfigError
from miner.nlp.measure_rules import Rules
from miner.nlp.tokens import split_sentences

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "sentences.jsonl").read_text(encoding="utf-8").splitlines()]
CONFIG = {"nlp": {"tokenizer": {"@tokenizers": "miner.Tokenizer.v1"}}}


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en", config=CONFIG)


def whole(text):
    return ((None, 0, len(text)),)


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_sentences_labels_and_clauses(case):
    text = case["text"]
    found = split_sentences(text, whole(text))
    assert [text[s.start : s.end] for s in found] == case["sentences"]
    assert [s.label for s in found] == case.get("labels", [None] * len(found))
    clauses = [[text[a:b].strip() for a, b in s.clauses] for s in found]
    assert clauses == case.get("clauses", [[sentence] for sentence in case["sentences"]])


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_clauses_tile_their_sentence(case):
    for sentence in split_sentences(case["text"], whole(case["text"])):
        edges = [edge for clause in sentence.clauses for edge in clause]
        assert edges[0] == sentence.start
        assert edges[-1] == sentence.end
        assert edges[1:-1:2] == edges[2:-1:2]


def test_no_sentence_crosses_a_section_or_a_line():
    text = "Fusions in lung cancer\nWe tested\nten tumors. Two were positive"
    sections = (("TITLE", 0, 22), ("RESULTS", 23, len(text)))
    found = split_sentences(text, sections)
    assert [(text[s.start : s.end], s.section, s.label) for s in found] == [
        ("Fusions in lung cancer", 0, "TITLE"),
        ("We tested", 1, "RESULTS"),
        ("ten tumors.", 1, "RESULTS"),
        ("Two were positive", 1, "RESULTS"),
    ]


def test_an_inline_label_ends_with_its_section():
    text = "Results: Two responded. Nobody died.\nTesting works."
    found = split_sentences(text, ((None, 0, 36), (None, 37, len(text))))
    assert [s.label for s in found] == ["RESULTS", "RESULTS", None]


def test_a_text_without_sections_has_no_sentences():
    assert split_sentences("", ()) == ()
    assert split_sentences("   ", ((None, 0, 3),)) == ()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ETV6::NTRK3", ["ETV6", "::", "NTRK3"]),
        ("ETV6-NTRK3", ["ETV6", "-", "NTRK3"]),
        ("ETV6‐NTRK3", ["ETV6", "‐", "NTRK3"]),
        ("ETV6–NTRK3", ["ETV6", "–", "NTRK3"]),
        ("NTRK1/2/3", ["NTRK1", "/", "2", "/", "3"]),
        ("18/24", ["18", "/", "24"]),
        ("p.Gly595Arg", ["p.Gly595Arg"]),
        ("(p.G595R)", ["(", "p.G595R", ")"]),
        ("p.(Gly595Arg),", ["p.(Gly595Arg)", ","]),
        ("c.1783G>A", ["c.1783G>A"]),
        ("T790M", ["T790M"]),
        ("G623R.", ["G623R", "."]),
        ("7·5", ["7·5"]),
        ("PI3K", ["PI3K"]),
        ("PI3K/AKT", ["PI3K", "/", "AKT"]),
        ("t(12;15)(p13;q25)", ["t(12;15)(p13;q25)"]),
        ("(t(12;15)(p13;q25))", ["(", "t(12;15)(p13;q25)", ")"]),
        ("(75%;", ["(", "75", "%", ";"]),
        ("P<0.001", ["P", "<", "0.001"]),
        ("CI,61-85)", ["CI", ",", "61", "-", "85", ")"]),
        ("A vs. B", ["A", "vs.", "B"]),
        ("Lee et al. saw", ["Lee", "et", "al.", "saw"]),
        ("given i.v. daily", ["given", "i.v.", "daily"]),
        ("pan-Trk+", ["pan", "-", "Trk", "+"]),
        ("1,234 patients", ["1,234", "patients"]),
        ("(EML4-ALK).Then", ["(", "EML4", "-", "ALK", ")", ".", "Then"]),
        ("NCT01234567.", ["NCT01234567", "."]),
        ("mg/m2", ["mg", "/", "m2"]),
    ],
)
def test_tokens(nlp, text, tokens):
    assert [token.text for token in nlp(text)] == tokens


def test_tokens_keep_every_character(nlp):
    text = "TPM3-NTRK1  (7q;1q)\n was found… in “one” (5%) of 20\u2009tumors."
    assert nlp(text).text == text


def test_tokenizer_survives_bytes(nlp):
    text = "ETV6-NTRK3 G623R. and p.G595R vs. 18/24"
    again = spacy.blank("en", config=CONFIG).from_bytes(nlp.to_bytes())
    assert [token.text for token in again(text)] == [token.text for token in nlp(text)]


def test_component_sets_sentences_and_token_starts():
    nlp = spacy.blank("en", config=CONFIG)
    nlp.add_pipe("miner_sentences")
    doc = nlp("The tumor carried G623R. It grew.")
    assert [doc.text[s.start : s.end] for s in doc._.miner_sentences] == ["The tumor carried G623R.", "It grew."]
    assert [sentence.text for sentence in doc.sents] == ["The tumor carried G623R.", "It grew."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\nwords = [1]", "x.toml:2: a.words must be a list of words, none of them empty"),
        ('[a]\n\nwords = ["b", "b"]', "x.toml:3: a.words holds 'b' twice; remove one"),
        ("[a", "x.toml:1: "),
        ("b = 1", "x.toml:1: table [a] is missing; add it"),
    ],
)
def test_a_bad_rule_file_names_its_line(text, message):
    with pytest.raises(ConfigError) as caught:
        Rules("x.toml", text).words("a", "words")
    assert str(caught.value).startswith(message)
