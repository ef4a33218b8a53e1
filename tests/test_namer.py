"""Names read quickly are those that spaCy's own components read, and an installed pipeline can take the place of ours."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.ml.models.tok2vec import MaxoutWindowEncoder
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed

from miner import mine
from miner.config import Models, load_settings
from miner.nlp import models, namer
from miner.nlp.namer import Found
from miner.schema import Label, Record, Section

OURS = Path(__file__).parents[1] / "models" / "en_bio_core"
TEXT = """Lysates of H3122 cells were probed for phosphorylated NTRK1 , ETV6 - NTRK3 and beta-actin .
Quexane and sodium valproate caused renal failure , pancreatitis and non - small cell lung cancer in mice .
The tumours shrank
Loss of TP53 , CDKN2A or the p16 locus was rare , and cisplatin - induced nephrotoxicity was not seen ."""
SHORT_FORMS = "sodium quexanate ( 5 - QX ) or QX ; 5 - QX and ABC ( a big cat ) harm ABC"
SENTENCES = [["\t", "Mice", "\n"], *(line.split() for line in TEXT.splitlines())]


def taught(*labels: str, shared: bool) -> Language:
    """A small pipeline whose ``ner``, over token vectors of its own or a component's, learned words by heart."""
    fix_random_seed(4)
    nlp = spacy.blank("en")
    own = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 16, "depth": 2, "embed_size": 200}
    own |= {"window_size": 1, "maxout_pieces": 3, "subword_features": True}
    heard = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"} if shared else own
    if shared:
        nlp.add_pipe("tok2vec", config={"model": own})
    model = {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False, "hidden_width": 16}
    nlp.add_pipe("ner", config={"model": model | {"maxout_pieces": 2, "use_upper": True, "tok2vec": heard}})
    draw = random.Random(4)
    examples = []
    for _ in range(80):
        words = [draw.choice(("a", "of", "Quexane", "Quexane", "NTRK1", "Mice")) for _ in range(draw.randint(2, 12))]
        tags = ["O"] * len(words)
        for at, word in enumerate(words):
            if word[0].isupper():
                tags[at] = "I" + tags[at - 1][1:] if at and tags[at - 1] != "O" else f"B-{labels[len(word) > 5]}"
        examples.append(Example(Doc(nlp.vocab, words=words), Doc(nlp.vocab, words=words, ents=tags)))
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def ours() -> Language:
    return models.load(str(OURS))


def test_the_model_that_ships_is_read_as_spacy_reads_it(ours: Language) -> None:
    read = namer.reader(ours, models.NAMING)
    assert read is not None
    found = read(SENTENCES)
    assert found == models.plain_names(ours, SENTENCES)
    words = [word for words in SENTENCES for word in words]
    assert {" ".join(words[f.start : f.end]) for f in found if f.label == "GENE"} >= {"NTRK1", "TP53", "CDKN2A"}


@pytest.mark.parametrize("shared", [True, False], ids=["listener", "vectors of its own"])
def test_a_pipeline_of_other_make_is_read_as_spacy_reads_it(shared: bool) -> None:
    nlp = taught("ONE", "TWO", shared=shared)
    draw = random.Random(9)
    texts = [[draw.choice(("a", "of", "Quexane", "NTRK1", "Mice", "\n")) for _ in range(draw.randint(1, 15))] for _ in range(40)]
    read = namer.reader(nlp, models.NAMING)
    assert read is not None
    found = read(texts)
    assert found == models.plain_names(nlp, texts)
    assert {f.label for f in found} == {"ONE", "TWO"}
    assert max(f.end - f.start for f in found) > 2


def test_what_was_read_before_changes_nothing(ours: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, used = namer.reader(ours, models.NAMING), namer.reader(ours, models.NAMING)
    assert fresh and used
    alone = fresh(SENTENCES)
    for words in reversed(SENTENCES):
        used([words])
    assert used(SENTENCES) == alone
    monkeypatch.setattr(namer, "MOST_WORDS", 20)
    assert [f for _ in range(3) for f in used(SENTENCES)] == 3 * alone


def test_the_vector_of_a_word_hangs_on_no_other_word_to_the_last_bit(ours: Language) -> None:
    model = ours.get_pipe("tok2vec_ner").model  # type: ignore[attr-defined]
    one, many = namer.WordVectors(ours, model), namer.WordVectors(ours, model)
    words = sorted({word for words in SENTENCES for word in words})
    many([words])
    for word in words:
        one([[word]])
    assert all((one.table[one.rows[word]] == many.table[many.rows[word]]).all() for word in words)


def test_the_neighbours_of_a_word_are_read_as_spacy_reads_them(ours: Language) -> None:
    model = ours.get_pipe("tok2vec_ner").model.get_ref("encode")  # type: ignore[attr-defined]
    given = [np.random.default_rng(size).standard_normal((size, 96)).astype("f") for size in (7, 1, 30)]
    own = namer.encoder(model)
    assert isinstance(own, namer.Encoder)
    assert np.allclose(own(given), np.concatenate(model.predict(given)), atol=1e-4)
    wider = MaxoutWindowEncoder(width=8, window_size=2, maxout_pieces=2, depth=1)
    wider.initialize([given[0][:, :8]])
    assert not isinstance(namer.encoder(wider), namer.Encoder)
    assert namer.encoder(wider)([given[0][:, :8], given[1][:, :8]]).shape == (8, 8)


def test_a_short_form_is_everywhere_what_its_long_form_is() -> None:
    words = SHORT_FORMS.split()
    read = [Found(0, 2, "CHEMICAL"), Found(8, 9, "GENE")]
    defined = [(range(3, 6), range(0, 2)), (range(14, 15), range(16, 19))]
    assert namer.spread(read, words, defined) == [read[0], Found(3, 6, "CHEMICAL"), read[1], Found(10, 13, "CHEMICAL")]
    assert namer.spread([read[0], Found(10, 13, "GENE")], words, defined[:1])[-1] == Found(10, 13, "CHEMICAL")
    assert namer.spread(read, words, []) == read


def test_nothing_is_read_from_nothing(ours: Language) -> None:
    read = namer.reader(ours, models.NAMING)
    assert read is not None
    assert read([]) == read([[]]) == []


def test_components_of_another_make_are_left_to_spacy() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    assert namer.reader(nlp, models.NAMING) is None
    nlp = spacy.blank("en")
    nlp.add_pipe("beam_ner")
    assert namer.reader(nlp, frozenset({"beam_ner"})) is None


def test_an_installed_pipeline_takes_the_place_of_ours_by_one_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "en_core_sci_sm"
    made = taught("CHEMICAL", "DISEASE", shared=False)
    parser: Any = made.add_pipe("parser")
    for label in ("nsubj", "dobj", "ROOT"):
        parser.add_label(label)
    parser.initialize(lambda: [Example(made.make_doc("a b"), made.make_doc("a b"))], nlp=made)
    made.meta.update(name="core_sci_sm", version="0.0.1")
    (tmp_path / name).mkdir()
    made.to_disk(tmp_path / name / f"{name}-0.0.1")
    (tmp_path / name / "meta.json").write_text(json.dumps(made.meta))
    (tmp_path / name / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n\n\ndef load(**given):\n    return load_model_from_init_py(__file__, **given)\n"
    )
    (tmp_path / f"{name}-0.0.1.dist-info").mkdir()
    (tmp_path / f"{name}-0.0.1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = load_settings(
        environ={"MINER_PARSE_MODEL": name, "MINER_ENTITY_MODEL": name, "MINER_CLAIM_MODEL": "off"}, folder=tmp_path
    ).models
    assert chosen == Models(name, name, "off")
    sections = Section(None, "EGFR L858R resists gefitinib."), Section(None, "a of Quexane of a of a of")
    reading = mine.load(models=chosen)(Record("1", None, "", sections)).reading
    assert [(m.curie, m.label) for m in reading.mentions if m.text == "Quexane"] == [("text:quexane", Label.DISEASE)]
    assert [reading.text[t.start : t.end] for t in reading.tokens if t.head >= 0] == ["EGFR", "L858R", "resists", "gefitinib", "."]
