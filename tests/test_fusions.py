"""Fusion notation: the suite of cases, any pair in any notation, spans, order and rules."""

from __future__ import annotations

import csv
import itertools
import json
import tomllib
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

import miner
import miner.lexicon
from miner import rule_files
from miner.errors import ConfigError
from miner.lexicon import load_lexicon
from miner.nlp.doc import add_mentions, mentions
from miner.nlp.fusion_rules import load_rules, parse_rules
from miner.nlp.fusions import find_fusions
from miner.schema import Alteration, Fusion, Label, Mention, Sentence

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "fusions.jsonl").read_text(encoding="utf-8").splitlines()]


def genes(text: str) -> list[Mention]:
    return [Mention(h.start, h.end, text[h.start : h.end], h.label, h.concept) for h in load_lexicon().find(text)]


def sentences(text: str) -> list[Sentence]:
    stops = [0, *(i + 2 for i in range(len(text) - 2) if text[i : i + 2] == ". "), len(text)]
    return [Sentence(a, b, 0) for a, b in itertools.pairwise(stops)]


def find(text: str) -> list[Mention]:
    found = find_fusions(text, sentences(text), genes(text), load_lexicon())
    assert all(text[m.start : m.end] == m.text for m in found)
    return found


def pairs(text: str) -> list[str]:
    return sorted(str(m.referent) for m in find(text) if isinstance(m.referent, Fusion))


def generics(text: str) -> list[str]:
    return sorted(str(m.referent) for m in find(text) if isinstance(m.referent, Alteration))


@pytest.mark.parametrize("case", CASES, ids=[c["id"] for c in CASES])
def test_notation(case):
    assert sorted(set(pairs(case["text"]))) == sorted(case["fusions"])
    assert sorted(set(generics(case["text"]))) == sorted(case["generics"])


def test_suite_is_as_large_as_promised():
    assert len({c["id"] for c in CASES}) == len(CASES)
    assert len([c for c in CASES if c["fusions"]]) >= 120
    assert len([c for c in CASES if not c["fusions"] and not c["generics"]]) >= 30


RULES = load_rules()
NOTATIONS = [
    "A {a}::{b} fusion was found.",
    "A {a}-{b} fusion was found.",
    "A {a}–{b} rearrangement was found.",
    "A {a}‐{b} transcript from a fusion was found.",
    "A {a}/{b} fusion was found.",
    "A {b}-{a} fusion was found.",
    "A {a} exon 3-{b} exon 12 fusion was found.",
    "A {a}(ex3)-{b}(ex12) fusion was found.",
    "A fusion of {a} and {b} was found.",
    "A fusion between {a} and {b} was found.",
    "{a} was fused to {b} here.",
    "The {b} fusion with {a} was found.",
    "Here {a} is the fusion partner of {b}.",
]


def plain_symbols() -> list[str]:
    """Symbols that the notation alone must carry: no kinase, driver or word of the prose."""
    folder = Path(miner.lexicon.__file__).parent / "data" / "lexicons"
    with (folder / "genes.tsv").open(encoding="utf-8") as lines:
        names = {row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row["kind"] == "symbol"}
    foes = {name for group in RULES.foes.values() for name in group}
    words = {word.upper() for word in RULES.kinds} | {word.upper() for word in RULES.after | RULES.altered}
    names -= RULES.fusable | RULES.drivers | RULES.never | foes | load_lexicon().kinases | set(RULES.aliases) | words
    lexicon = load_lexicon()
    own = (n for n in names if len(n) > 2 and not n.startswith(("H1-", "H2", "H3-", "H4")))  # the histones' H1-5 looks like two words
    return sorted(n for n in own if getattr(lexicon.gene(n, lenient=True), "name", "") == n)


SYMBOLS = plain_symbols()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SYMBOLS), st.sampled_from(sorted(RULES.strong)), st.sampled_from(NOTATIONS))
def test_any_partner_in_any_notation(partner, kinase, notation):
    text = notation.format(a=partner, b=kinase)
    assert pairs(text) == [f"{partner}::{kinase}"]
    (mention,) = [m for m in find(text) if m.label is Label.FUSION]
    assert partner in mention.text and kinase in mention.text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(SYMBOLS), min_size=2, max_size=4, unique=True), st.sampled_from(sorted(RULES.strong)))
def test_partners_that_share_a_kinase(partners, kinase):
    expected = sorted(f"{p}::{kinase}" for p in partners)
    listed = ", ".join(partners[:-1])
    assert pairs(f"We saw {'/'.join(partners)}-{kinase} fusions.") == expected
    assert pairs(f"We saw {', '.join(p + '-' for p in partners[:-1])} and {partners[-1]}-{kinase} fusions.") == expected
    assert pairs(f"The {kinase} fusion partners were {listed} and {partners[-1]}.") == expected


def spans(text: str) -> list[tuple[str, str]]:
    return [(m.text, str(m.referent)) for m in find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TPM3 exon 10-NTRK1 exon 8 was seen.", [("TPM3 exon 10-NTRK1 exon 8", "TPM3::NTRK1")]),
        ("TPM3-NTRK1-G667C cells.", [("TPM3-NTRK1", "TPM3::NTRK1")]),
        ("EML4-ALKG1202R cells.", [("EML4-ALK", "EML4::ALK")]),
        ("KIF5B/CCDC6-RET here.", [("KIF5B/CCDC6-RET", "KIF5B::RET"), ("CCDC6-RET", "CCDC6::RET")]),
        ("SQSTM1–NTRK1/3 here.", [("SQSTM1–NTRK1", "SQSTM1::NTRK1"), ("SQSTM1–NTRK1/3", "SQSTM1::NTRK3")]),
        ("ALK and ROS1 fusions.", [("ALK and ROS1 fusions", "ALK fusion"), ("ROS1 fusions", "ROS1 fusion")]),
        ("ALK-negative tumors.", [("ALK", "ALK fusion")]),
    ],
)
def test_span(text, expected):
    assert spans(text) == expected


def test_mentions_that_differ_in_gene_differ_in_span():
    found = find("NTRK1-3 fusions and ETV6-, EML4- or TPM3-NTRK1/2/3 rearrangements.")
    assert len({(m.start, m.end, m.label) for m in found}) == len(found) == 3 + 9


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("TPM3 exon 10-NTRK1 exon 8 was seen.", "exon 10;exon 8"),
        ("ETV6(ex5)-NTRK3(ex15) was seen.", "ex5;ex15"),
        ("EML4-ALK (E13;A20) was seen.", "E13;A20"),
        ("EML4-ALK was seen.", None),
    ],
)
def test_detail_is_kept_as_written(text, detail):
    (mention,) = find(text)
    assert mention.referent.detail == detail


def test_partners_named_alone_belong_to_the_kinase_of_the_sentence_before():
    (_, first, second) = find("ROS1 fusions were found. Known fusion partners were seen in three patients: CD74 and SLC34A2.")
    assert (str(first.referent), first.text) == ("CD74::ROS1", "CD74")
    assert (str(second.referent), second.text) == ("SLC34A2::ROS1", "SLC34A2")


def test_partners_of_a_family_have_no_owner():
    assert pairs("NTRK fusions were found. The fusion partners were LMNA and TPM3.") == []


def test_without_sentences_the_text_is_one():
    assert [str(m.referent) for m in find_fusions("EML4-ALK", [], genes("EML4-ALK"), load_lexicon())] == ["EML4::ALK"]


def test_empty_text():
    assert find_fusions("", [], [], load_lexicon()) == []


def test_component_adds_to_what_was_found():
    nlp = spacy.blank("en")
    component = nlp.add_pipe("miner_fusions")
    doc = nlp.make_doc("An ETV6-NTRK3 fusion was found.")
    add_mentions(doc, genes(doc.text))
    assert [str(m.referent) for m in mentions(component(doc)) if m.label is Label.FUSION] == ["ETV6::NTRK3"]


def test_rules_name_the_line_of_what_is_wrong():
    source = rule_files.read("fusions.toml").text
    broken = source.replace('"CCDC6::RET"', '"CCDC6-RET"', 1)
    line = next(n for n, text in enumerate(source.splitlines(), 1) if '"CCDC6::RET"' in text)
    with pytest.raises(ConfigError, match=rf"^pair\.toml:{line}: CCDC6-RET"):
        parse_rules("pair.toml", broken)
    with pytest.raises(ConfigError, match=r"^syntax\.toml:2: this is no TOML"):
        parse_rules("syntax.toml", "[kinases]\nstrong = oops\n")


def test_tables_name_approved_symbols() -> None:
    data = tomllib.loads((Path(miner.__file__).parent / "data" / "rules" / "fusions.toml").read_text(encoding="utf-8"))
    lexicon = load_lexicon()
    listed = {s for part in ("kinases", "partners", "partners_after", "foes") for text in data[part].values() for s in text.split()}
    listed |= {s for pair in data["pairs"]["known"].split() for s in pair.split("::")}
    unknown = {s for s in listed if (concept := lexicon.gene(s, lenient=True)) is None or concept.name != s}
    assert unknown == {"SSX", "NUTM2"}
