"""How a claim model votes, and how trained pipelines enter the reading: plain weights, made here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from miner import mine
from miner.claims import pair_features, votes
from miner.claims.document import Document
from miner.claims.votes import ClaimModel
from miner.config import Models, load_settings
from miner.errors import ConfigError
from miner.nlp import models as trained
from miner.schema import ClaimType, Direction, Label, Polarity, Record, Section

SENTENCE = "The patient with an EGFR L858R mutation had a partial response to gefitinib."
BARE = "EGFR L858R was found in tumours, and gefitinib is of note."
SENSITIVITY = str(ClaimType.SENSITIVITY_RESPONSE)


def record(*texts: str) -> Record:
    return Record("1", None, "", tuple(Section(None, text) for text in texts))


@pytest.fixture(scope="module")
def miner() -> mine.Miner:
    return mine.load()


def model(weight: float, *, head: str = SENSITIVITY, bias: float = 0.0, **more: float) -> ClaimModel:
    return ClaimModel((head,), (bias,), {"w <therapy>": ((0, weight),)}, **more)


def test_odds_are_the_logistic_of_the_weights_that_hold() -> None:
    said = ClaimModel(("a", "b"), (0.0, 1.0), {"x": ((0, 2.0), (1, -1.0)), "y": ((0, 9.0),)})
    assert {k: round(v, 3) for k, v in said.odds(["x", "unknown"]).items()} == {"a": 0.881, "b": 0.5}


def test_the_words_of_a_pair_are_marked(miner: mine.Miner) -> None:
    mined = miner(record(SENTENCE))
    view = Document(mined.reading, miner.lexicon, mined.study_type).views[0]
    pair = next(p for p in pair_features.pairs(view) if p.gene == "EGFR" and p.therapy == "gefitinib")
    words = [w.text for w in pair_features.marked(pair)]
    assert words[-2:] == ["<therapy>", "."]
    assert words[4] == "<subject>"


def test_without_a_model_and_with_one_that_only_tells_confidence_the_claims_are_the_same(miner: mine.Miner) -> None:
    alone = miner(record(SENTENCE)).claims
    sure = replace(miner, claim_model=model(9.0, bias=-4.0, propose=2.0))(record(SENTENCE)).claims
    assert [replace(c, confidence=0.0) for c in sure] == [replace(c, confidence=0.0) for c in alone]
    assert [c.confidence for c in sure if c.type is ClaimType.SENSITIVITY_RESPONSE] == [0.99]


def test_the_confidence_is_read_from_the_curve_of_what_the_frames_claimed(miner: mine.Miner) -> None:
    curved = model(0.0, propose=2.0, claimed=((0.0, 0.2), (1.0, 0.8)))  # type: ignore[arg-type]
    assert {c.confidence for c in replace(miner, claim_model=curved)(record(SENTENCE)).claims} == {0.5}


def test_a_veto_strikes_out_an_improbable_claim(miner: mine.Miner) -> None:
    assert replace(miner, claim_model=model(-9.0, veto=0.1, propose=2.0))(record(SENTENCE)).claims == ()


def test_a_claim_that_no_frame_read_is_proposed_with_its_sentence(miner: mine.Miner) -> None:
    assert miner(record(BARE)).claims == ()
    found = replace(miner, claim_model=model(9.0, bias=-4.0))(record(BARE))
    assert [(c.rule, c.type, c.genes, c.therapies, c.direction, c.polarity) for c in found.claims] == [
        (votes.RULE, ClaimType.SENSITIVITY_RESPONSE, ("EGFR",), ("gefitinib",), Direction.SUPPORTS, Polarity.ASSERTED)
    ]
    assert found.reading.text[found.claims[0].start : found.claims[0].end] == BARE


def test_what_a_frame_claimed_is_not_proposed_again(miner: mine.Miner) -> None:
    found = replace(miner, claim_model=model(9.0, bias=-4.0))(record(SENTENCE, BARE)).claims
    assert [c.rule for c in found if c.rule == votes.RULE] == []


def test_a_proposal_may_speak_against(miner: mine.Miner) -> None:
    heads = ClaimModel((SENSITIVITY, votes.AGAINST_HEAD), (4.0, 4.0), {})
    found = replace(miner, claim_model=heads)(record(BARE)).claims
    assert {c.direction for c in found} == {Direction.DOES_NOT_SUPPORT}


def test_a_curve_is_linear_between_its_knots_and_flat_beyond() -> None:
    knots = ((0.2, 0.1), (0.6, 0.5))
    assert [votes.between(knots, x) for x in (0.0, 0.2, 0.6, 1.0)] == [0.1, 0.1, 0.5, 0.5]
    assert round(votes.between(knots, 0.4), 9) == 0.3


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    said = model(0.25, veto=0.1, claimed=((0.0, 0.1), (1.0, 0.9)))  # type: ignore[arg-type]
    (tmp_path / votes.WEIGHTS).write_text(json.dumps(votes.to_json(said)), encoding="utf-8")
    assert votes.load(tmp_path) == said


@pytest.mark.parametrize("content", ["no json", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_is_no_model_says_how_to_train_one(tmp_path: Path, content: str) -> None:
    (tmp_path / votes.WEIGHTS).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"weights\.json: not a claim model of this version.*scripts/train claims"):
        votes.load(tmp_path)


def test_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no claim model there.*scripts/train claims"):
        votes.load(tmp_path)
    with pytest.raises(ConfigError, match=r"no trained pipeline '.*nowhere'.*scripts/train core"):
        trained.load(str(tmp_path / "nowhere"))


def test_settings_name_the_models(tmp_path: Path) -> None:
    settings = load_settings(environ={"MINER_PARSE_MODEL": "en_core_sci_sm", "MINER_CLAIM_MODEL": str(tmp_path)}, folder=tmp_path)
    assert settings.models.resolved("parse") == "en_core_sci_sm"
    assert settings.models.resolved("entities") is None
    assert settings.models.resolved("claims") == str(tmp_path)
    assert Models().resolved("claims") is None


def test_a_name_that_the_lexicons_lack_becomes_a_mention(tmp_path: Path) -> None:
    made = spacy.blank("en")
    made.add_pipe("entity_ruler").add_patterns([{"label": "CHEMICAL", "pattern": "quexane"}, {"label": "CELL", "pattern": "cells"}])
    made.to_disk(tmp_path / "made")
    text = "EGFR L858R cells responded to quexane."
    found = mine.load(models=Models(entities=str(tmp_path / "made")))(record(text)).reading.mentions
    assert [(m.text, m.curie, m.name) for m in found if m.label is Label.DRUG] == [("quexane", "text:quexane", "quexane")]


def test_a_short_form_of_a_name_that_was_read_becomes_a_mention_too(tmp_path: Path) -> None:
    made = spacy.blank("en")
    made.add_pipe("entity_ruler").add_patterns([{"label": "CHEMICAL", "pattern": "quexane maleate"}])
    made.to_disk(tmp_path / "made")
    texts = "Cells were given quexane maleate (QM) daily.", "Growth fell after QM."
    found = mine.load(models=Models(entities=str(tmp_path / "made")))(record(*texts)).reading.mentions
    assert [(m.text, m.curie) for m in found if m.label is Label.DRUG] == [
        ("quexane maleate", "text:quexane maleate"),
        ("QM", "text:qm"),
        ("QM", "text:qm"),
    ]


def test_a_parser_gives_heads_to_the_sentences_that_name_a_gene_and_a_therapy(tmp_path: Path) -> None:
    made = spacy.blank("en")
    parser = made.add_pipe("parser")
    for label in ("nsubj", "dobj", "ROOT"):
        parser.add_label(label)
    made.initialize()
    made.to_disk(tmp_path / "made")
    first, second = "We saw it.", "EGFR L858R resists gefitinib."
    reading = mine.load(models=Models(parse=str(tmp_path / "made")))(record(first, second)).reading
    parsed = [t for t in reading.tokens if t.head >= 0]
    assert "".join(reading.text[t.start : t.end] for t in parsed) == "EGFRL858Rresistsgefitinib."
    assert all(reading.tokens[t.head].start >= len(first) for t in parsed)
    assert mine.load()(record(first, second)).reading.tokens == ()


def test_the_claim_model_that_ships_has_a_head_for_every_type_and_loads() -> None:
    shipped = votes.load(Path(str(Models(claims="on").resolved("claims"))))
    assert set(shipped.heads) == {*map(str, ClaimType), votes.AGAINST_HEAD, votes.HEDGED_HEAD}


def test_the_pipeline_that_ships_loads_in_plain_spacy_and_reads() -> None:
    nlp = spacy.load(Path(__file__).parents[1] / "models" / "en_bio_core")
    read = nlp("The tumours responded to gefitinib. Two patients had lung cancer.")
    assert [(t.text, t.dep_, t.head.text) for t in read if t.dep_ in ("ROOT", "nsubj")] == [
        ("tumours", "nsubj", "responded"),
        ("responded", "ROOT", "responded"),
        ("patients", "nsubj", "had"),
        ("had", "ROOT", "had"),
    ]
    assert [(e.text, e.label_) for e in read.ents if e.label_ == "DISEASE"][-1] == ("lung cancer", "DISEASE")


def test_auto_takes_a_model_where_it_is_and_on_demands_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Models(claims="auto").resolved("claims") == Models(claims="on").resolved("claims")
    monkeypatch.setattr("miner.config.__file__", str(tmp_path / "miner" / "config.py"))
    assert Models(claims="auto").resolved("claims") is None
    with pytest.raises(ConfigError, match="the claims model is on and not there"):
        Models(claims="on").resolved("claims")
