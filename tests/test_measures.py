"""Measures and cohorts: each case is a text and everything found in it."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from miner.errors import ConfigError
from miner.nlp.measure_cues import Cues
from miner.nlp.measure_rules import Rules
from miner.nlp.measures import find_measures
from miner.nlp.tokens import split_sentences
from miner.numbers import figures, find_numbers, parse_number
from miner.schema import Cohort, Concept, Label, Measure, Mention

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "measures.jsonl").read_text(encoding="utf-8").splitlines()]


def read(text, names=()):
    """Measures and cohorts of a text; ``names`` are (surface, label) pairs, each found where it stands first."""
    mentions = [Mention(text.index(n), text.index(n) + len(n), n, Label(label), Concept("x:1", n)) for n, label in names]
    return find_measures(text, split_sentences(text, ((None, 0, len(text)),)), mentions)


def measure_line(mention):
    """A measure as the cases write it: ``75% -> ORR_percent=75 (18/24) [60, 88]``."""
    measure = mention.referent
    line = f"{mention.text} -> {measure.metric}={measure.value}"
    if measure.n is not None or measure.total is not None:
        line += f" ({'' if measure.n is None else measure.n}/{'' if measure.total is None else measure.total})"
    return line + (f" [{measure.ci[0]:g}, {measure.ci[1]:g}]" if measure.ci else "")


def cohort_line(mention):
    """A cohort as the cases write it: ``18 of 24 patients -> 18/24 patients``."""
    cohort = mention.referent
    return f"{mention.text} -> {cohort.n}{'' if cohort.total is None else f'/{cohort.total}'} {cohort.unit}".strip()


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_case(case):
    text = case["text"]
    found = read(text, case.get("names", ()))
    measures = [m for m in found if m.label == Label.MEASURE]
    assert [measure_line(m) for m in measures] == case["measures"]
    assert [cohort_line(m) for m in found if m.label == Label.COHORT] == case.get("cohorts", [])
    assert [w for m in measures for w in m.referent.warnings] == case.get("warnings", [])
    if "items" in case:
        assert [text[slice(*m.referent.item)] if m.referent.item else None for m in measures] == case["items"]


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_spans_hold_their_text(case):
    for mention in read(case["text"]):
        assert case["text"][mention.start : mention.end] == mention.text


def test_the_anchor_is_the_name_of_the_endpoint():
    text = "The objective response rate (ORR) was 62%, and median PFS 9 months."
    found = read(text)
    assert [text[slice(*m.referent.anchor)] for m in found] == ["objective response rate", "PFS"]


def test_digits_inside_mentions_are_no_figures():
    assert read("Response to LOXO 101 in 4 patients.", [("LOXO 101", "DRUG")])[-1].referent == Cohort(4, "patients")
    assert all("101" not in m.text for m in read("Response to LOXO 101 in 4 patients.", [("LOXO 101", "DRUG")]))


def test_a_sum_that_does_not_add_up_is_told():
    found = read("ORR was 75% (18/24), with 3 complete and 10 partial responses.")
    assert found[0].referent.warnings == ("3 complete and 10 partial responses make 13, text says 18",)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Forty-six", 46),
        ("two hundred and thirty", 230),
        ("One hundred thirty-three", 133),
        ("1,234", 1234),
        ("30 450", 30450),
        ("7·5", 7.5),
        (".05", 0.05),
        ("ninety-nine", 99),
        ("two thousand", 2000),
        ("a hundred", 100),
        ("One thousand eighty-six", 1086),
        ("One thousand, two hundred and five", 1205),
    ],
)
def test_numbers_in_figures_and_words(text, value):
    assert parse_number(text) == value
    assert [n.value for n in find_numbers(f"In {text} cases")] == [value]


@pytest.mark.parametrize("text", ["PD-1", "T790M", "IGF-1R", "CD74", "a two-year trial", "someone", "often"])
def test_names_hold_no_numbers(text):
    assert find_numbers(text) == []


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("half of them", 50),
        ("one-half", 50),
        ("a third", 33.3),
        ("two thirds", 66.7),
        ("one in the last fifth", None),
        ("three quarters", 75),
    ],
)
def test_parts_of_a_whole(text, share):
    assert [n.value for n in find_numbers(text) if n.share] == ([] if share is None else [share])


@pytest.mark.parametrize(
    ("measure", "given"),
    [
        (Measure("ORR_percent", 75, n=18, total=24), {"ORR_percent": 75, "n_resp": 18, "N": 24}),
        (Measure("IC_ORR_percent", 64.0), {"ORR_percent": 64.0}),
        (Measure("value_percent", "<1"), {"value_percent": "<1"}),
        (Measure("value_percent", 13, n=19, total=141), {"value_percent": 13, "n_pos": 19, "N": 141}),
        (Measure("CR", 2, n=2), {"CR": 2}),
        (Measure("n_resp", 10, n=10, total=17), {"n_resp": 10, "N": 17}),
        (Measure("OS_months", "not reached"), {"OS_months": "not reached"}),
    ],
)
def test_what_a_measure_supplies(measure, given):
    assert figures(measure) == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x]\ny = 1", "m.toml:1: no [[endpoint]] tables; add at least one"),
        ('[[endpoint]]\nname = "a"\npercent = "A"\nwrods = ["b"]', "m.toml:4: endpoint 'a' has an unknown key"),
        ('[[endpoint]]\nname = "a"\nwords = ["b"]', "m.toml:2: endpoint 'a' needs a metric"),
        (
            '[[endpoint]]\nname = "a"\npercent = "A"\npatterns = [["b", "b("]]',
            "m.toml:4: endpoint 'a' has a pattern that is no regular expression",
        ),
        ('[[endpoint]]\nname = "a"\npercent = "A"\npatterns = ["b"]', "m.toml:4: endpoint 'a' needs pairs of a sign and an expression"),
        (
            '[[endpoint]]\nname = "a"\npercent = "A"\nwords = ["w"]\n[[endpoint]]\nname = "b"\npercent = "B"\nwords = [\n"w"]',
            "m.toml:9: 'w' names both 'a' and 'b'; keep one",
        ),
    ],
)
def test_a_bad_endpoint_names_its_line(text, message):
    with pytest.raises(ConfigError) as caught:
        Cues(Rules("m.toml", text))
    assert str(caught.value).startswith(message)


PIECES = st.sampled_from(
    [
        *"()[]{};:,./=<>%&-–+ \n",
        " of ",
        " and ",
        " v ",
        "n = ",
        "0",
        "7",
        "12",
        "1,068",
        "7.5",
        "·5",
        "ten",
        "two thirds",
        "all ",
        "none",
        " months",
        "%",
        " patients",
        "95% CI, ",
        " to ",
        "ORR ",
        "median PFS ",
        "complete ",
        "partial responses",
        "HR ",
        "not reached",
        "respectively",
        " was ",
        " had ",
        " with ",
        "detected in ",
    ]
)


@example("median PFS (22%")
@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reading(text):
    for mention in read(text):
        assert text[mention.start : mention.end] == mention.text != ""


def test_component_adds_mentions():
    nlp = spacy.blank("en")
    nlp.add_pipe("miner_sentences")
    nlp.add_pipe("miner_measures")
    doc = nlp("The ORR was 62% in 21 patients.")
    assert [(m.label, m.text) for m in doc._.mentions] == [(Label.MEASURE, "62%"), (Label.COHORT, "21 patients")]
