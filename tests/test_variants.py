"""The notation suite of variants and alterations, and the rules behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.errors import LexiconError
from miner.lexicon import load_lexicon
from miner.nlp.fusions import find_fusions
from miner.nlp.tokens import split_sentences
from miner.nlp.variant_rules import compile_rules, load_rules
from miner.nlp.variants import find_variants
from miner.schema import Alteration, Label, Mention, Variant

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "variants.jsonl").read_text(encoding="utf-8").splitlines()]


def read(text: str) -> list[Mention]:
    lexicon = load_lexicon()
    sentences = split_sentences(text, [(None, 0, len(text))])
    terms = [Mention(h.start, h.end, text[h.start : h.end], h.label, h.concept) for h in lexicon.find(text)]
    named = sorted([*terms, *find_fusions(text, sentences, terms, lexicon)])
    return find_variants(text, sentences, named, lexicon)


def variants_of(text: str) -> list[tuple[str | None, str]]:
    return [(m.referent.gene, m.referent.protein_change) for m in read(text) if isinstance(m.referent, Variant)]


def alterations_of(text: str) -> list[tuple[str | None, str]]:
    return [(m.referent.gene, m.referent.kind) for m in read(text) if isinstance(m.referent, Alteration)]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_cases(case: dict[str, Any]) -> None:
    assert set(variants_of(case["text"])) == {tuple(v) for v in case["variants"]}
    if "alterations" in case:
        assert set(alterations_of(case["text"])) == {tuple(a) for a in case["alterations"]}


def test_the_suite_holds_120_forms_and_30_negatives() -> None:
    assert sum(bool(case["variants"]) for case in CASES) >= 100
    assert len(CASES) >= 150
    assert sum(not case["variants"] and not case["alterations"] for case in CASES) >= 30


def test_each_change_of_a_slash_list_has_its_own_span() -> None:
    text = "NTRK1 G667C/A/S was modelled."
    assert [(text[m.start : m.end], str(m.referent)) for m in read(text) if m.label is Label.VARIANT] == [
        ("G667C", "NTRK1 G667C"),
        ("G667C/A", "NTRK1 G667A"),
        ("G667C/A/S", "NTRK1 G667S"),
    ]


def test_spans_leave_the_full_stop_out() -> None:
    text = "At relapse the tumor carried NTRK3 G623R."
    assert [text[m.start : m.end] for m in read(text) if m.label is Label.VARIANT] == ["G623R"]


def test_a_change_without_any_gene_has_none() -> None:
    assert variants_of("The G333W mutation was found.") == [(None, "G333W")]


def test_a_hot_spot_needs_no_gene() -> None:
    assert variants_of("The T790M mutation was found.") == [("EGFR", "T790M")]


def test_a_list_stays_a_list_beside_the_x_that_sums_it_up() -> None:
    found = [("MET", change) for change in ("D1228X", "D1228A", "D1228E", "D1228N")]
    assert variants_of("MET D1228X is hard to treat; D1228A/E/N were made.") == found


def test_the_other_mutations_are_an_alteration() -> None:
    text = "BRAF V600E and non-V600E tumors were compared."
    assert (variants_of(text), alterations_of(text)) == ([("BRAF", "V600E")], [("BRAF", "non-V600E mutation")])


def test_one_alteration_a_gene() -> None:
    text = "EGFR and KRAS mutations were exclusive."
    assert [(text[m.start : m.end], str(m.referent)) for m in read(text)] == [
        ("EGFR and KRAS mutations", "EGFR mutation"),
        ("KRAS mutations", "KRAS mutation"),
    ]


def test_known_residues_agree_with_the_table() -> None:
    residues = load_rules().residues
    assert (residues["NTRK1", 595], residues["NTRK3", 623], residues["EGFR", 790]) == ("G", "G", "T")


RULES = "[stop]\ntokens=[]\nbefore=[]\nafter=[]\n"
RULES += "[words]\nlink=[]\nback_link=[]\nmutation=['x']\nadjectives=['x']\n[codon]\ngenes=[]\n[positive]\n"


def test_a_row_of_residues_that_does_not_parse_names_its_line() -> None:
    with pytest.raises(LexiconError, match=r"known_residues\.tsv:3"):
        compile_rules(RULES, "gene\tposition\tresidue\tnote\tsource\nEGFR\t790\tT\t\tx\nEGFR\tT790\tT\t\tx\n")


def test_a_kind_that_does_not_compile_names_its_line() -> None:
    kind = '[[kind]]\nname = "loss"\nnouns = ["loss("]\n'
    with pytest.raises(LexiconError, match=r"variants\.toml:15"):
        compile_rules(RULES + kind, "")
