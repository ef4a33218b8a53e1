"""The assembled pipeline: components in plain spaCy, user folders, readings without spaCy objects."""

import pickle
from pathlib import Path

import spacy

from miner.nlp import pipeline
from miner.schema import Label, Record, Section

RECORD = Record(
    id="syn-p",
    pmid=None,
    title="ETV6-NTRK3 fusion in secretory carcinoma",
    sections=(Section("RESULTS", "Larotrectinib gave a response in 9 of 12 patients (75%). No ALK fusion was found."),),
)


def test_a_reading_slices_its_text_and_holds_plain_data() -> None:
    reading = pipeline.read_record(pipeline.load(), RECORD)
    assert [reading.text[m.start : m.end] for m in reading.mentions] == [m.text for m in reading.mentions]
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_sections_bound_the_sentences() -> None:
    reading = pipeline.read_record(pipeline.load(), RECORD)
    assert [(reading.text[s.start : s.end], s.section, s.label) for s in reading.sentences] == [
        ("ETV6-NTRK3 fusion in secretory carcinoma", 0, "TITLE"),
        ("Larotrectinib gave a response in 9 of 12 patients (75%).", 1, "RESULTS"),
        ("No ALK fusion was found.", 1, "RESULTS"),
    ]


def test_a_user_folder_adds_a_drug_for_the_whole_pipeline(tmp_path: Path) -> None:
    rows = ["curie\tname\ttext\tkind\tsource", "own:1\tnewdrugib\tXYZ-9041\tcode\town"]
    (tmp_path / "drugs_own.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    record = Record(id="syn-q", pmid=None, title="XYZ-9041 in lung cancer")
    read = pipeline.read_record(pipeline.load((tmp_path,)), record)
    assert [(m.text, m.name) for m in read.mentions if m.label is Label.DRUG] == [("XYZ-9041", "newdrugib")]


def test_the_components_work_in_plain_spacy_by_their_factory_names() -> None:
    nlp = spacy.blank("en")
    for name, _ in pipeline.COMPONENTS:
        nlp.add_pipe(name)
    doc = nlp("The tumour carried TPM3-NTRK1.")
    assert [(m.text, m.name) for m in doc._.mentions if m.label is Label.FUSION] == [("TPM3-NTRK1", "TPM3::NTRK1")]


def test_a_record_without_text_gives_an_empty_reading() -> None:
    reading = pipeline.read_record(pipeline.load(), Record(id="syn-r", pmid=None, title=""))
    assert (reading.sentences, reading.mentions) == ((), ())
