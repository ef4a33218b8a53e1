"""Texts that print alike are read alike, at the same offsets, and are shown as they were printed."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from miner import mine
from miner.characters import as_read
from miner.schema import Mined, Record, Section

CORPUS = Path(__file__).parent.parent / "corpora" / "synthetic_ntrk" / "gold.jsonl"
TEXT = "Non-small-cell lung cancer with EML4-ALK: alectinib (600 mg) gave a response rate of 83% (95% CI, 74-90) in ALK-positive patients."

PRINTED: dict[str, Callable[[str], str]] = {
    "hyphen U+2010": lambda text: text.replace("-", "\u2010"),
    "no-break hyphen": lambda text: text.replace("-", "\u2011"),
    "minus between words": lambda text: re.sub(r"(?<=[^\W\d_])-(?=\w)", "\u2212", text),
    "en dash between words": lambda text: re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", "\u2013", text),
    "no-break space": lambda text: re.sub(r"(?<=\d) (?=[a-z])", "\u00a0", text),
    "thin space": lambda text: re.sub(r"(?<=\w) (?=\w)", "\u2009", text),
    "full-width brackets": lambda text: text.translate(str.maketrans("()%", "\uff08\uff09\uff05")),
}


@cache
def reader() -> mine.Miner:
    """The pipeline, loaded once."""
    return mine.load()


def read(title: str, text: str) -> Mined:
    """Mine one text."""
    return reader()(Record("x", None, title, (Section(None, text),)))


def told(mined: Mined) -> list[tuple[object, ...]]:
    """What was read and where, without the characters it is printed in."""
    mentions = [(m.start, m.end, m.label, m.name, m.polarity) for m in mined.reading.mentions]
    claims = [(c.type, c.start, c.end, c.genes, c.fusion, c.variant, c.therapies, c.direction, c.polarity) for c in mined.claims]
    return [*mentions, *claims]


@pytest.mark.parametrize("name", PRINTED)
def test_what_prints_alike_is_read_alike(name: str) -> None:
    printed = PRINTED[name](TEXT)
    assert printed != TEXT
    assert as_read(printed) == TEXT
    assert told(read("", printed)) == told(read("", TEXT))


@pytest.mark.parametrize("name", PRINTED)
def test_mentions_and_sentences_are_shown_as_they_were_printed(name: str) -> None:
    printed = PRINTED[name](TEXT)
    mined = read("", printed)
    assert mined.reading.text == printed
    assert [m.text for m in mined.reading.mentions] == [printed[m.start : m.end] for m in mined.reading.mentions]
    assert {row["sentence"] for row in mine.extraction_row(mined)["claims"]} == {printed}


def test_spacy_users_see_the_text_as_it_was_printed() -> None:
    printed = PRINTED["hyphen U+2010"](TEXT)
    doc = reader().nlp(printed)
    assert [m.text for m in doc._.mentions] == [printed[m.start : m.end] for m in doc._.mentions]
    assert len(doc._.claims) == len(read("", TEXT).claims)


@pytest.mark.parametrize("name", ["hyphen U+2010", "en dash between words", "no-break space"])
def test_whole_abstracts_are_read_alike(name: str) -> None:
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()][::4]
    texts = [(row["title"], row.get("abstract") or " ".join(part["text"] for part in row["sections"])) for row in rows]
    differ = [title for title, text in texts if told(read(PRINTED[name](title), PRINTED[name](text))) != told(read(title, text))]
    assert differ == []


@pytest.mark.parametrize(
    "text",
    ["12–18 months", "−0.3", "a response — the first — was seen", "T790M – C797S", "NSCLC\u00ad", "α", "≥ 50 %", "ﬁrst"],
)
def test_what_means_something_else_stays(text: str) -> None:
    assert as_read(text) == text


def test_length_is_kept_whatever_the_character() -> None:
    every = "".join(map(chr, [*range(0x20, 0xD800), *range(0xE000, 0x11000)]))
    assert len(as_read(every)) == len(every)
