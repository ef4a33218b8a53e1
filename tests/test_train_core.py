"""Training the pipeline that ships: corpora are read as they mean, and both halves become one folder that plain spaCy loads."""

from __future__ import annotations

import io
import json
import random
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import spacy
from spacy.vocab import Vocab
from thinc.api import get_current_ops, set_current_ops

from miner.nlp.namer import Found

SCRIPTS = Path(__file__).parents[1] / "scripts"
TREE = """1\tMice\tmouse\tNOUN\tNNS\t_\t2\tnsubj\t_\t_
2\tlost\tlose\tVERB\tVBD\t_\t0\troot\t_\t_
3\tSox9\tSox9\tPROPN\tNNP\t_\t2\tdobj\t_\tSpaceAfter=No
4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_
"""
TWO_ROOTS = TREE.replace("\t2\tdobj", "\t0\troot")
CIRCLE = TREE.replace("\t2\tnsubj", "\t3\tnsubj").replace("\t2\tdobj", "\t1\tdobj")
GENES = "Sox9\tB-Gene_or_gene_product\nin\tO\nHeLa\tB-Cell\ncells\tI-Cell\nof\tO\nlung\tB-Organ\n.\tO\n"
CHEMICALS = "Quexane\tB-Chemical\ncaused\tO\nrenal\tB-Disease\nfailure\tI-Disease\n.\tO\n"
MARKED = {
    "BioNLP13CG": GENES,
    "BC5CDR": CHEMICALS,
    "NCBI-disease": CHEMICALS.replace("B-Chemical", "O"),
    "BC2GM": "Sox9\tB-GENE\nfell\tO\n",
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    ops = get_current_ops()
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import train_core
    import train_corpora
    import train_scores

    yield {"core": train_core, "corpora": train_corpora, "scores": train_scores}
    set_current_ops(ops)


def archive(path: Path, texts: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of both archives, of sentences made for this test."""
    corpora = {f"ner_iob/{name}-IOB/{part}.tsv": "\n".join([text] * 60) for name, text in MARKED.items() for part in ("train", "devel")}
    archive(tmp_path / "ner_iob.tar.gz", corpora)
    articles = {f"craft/conllu/{number}.conllu": "# newpar\n" + "\n".join([TREE] * 8) for number in range(40)}
    archive(tmp_path / "craft_dependencies_conllu.tar.gz", articles)
    return tmp_path


def test_what_is_no_tree_is_left_out(scripts: dict[str, ModuleType]) -> None:
    paragraphs = scripts["corpora"].paragraphs("# newpar\n" + "\n".join([TREE, TWO_ROOTS, CIRCLE]) + "\n# newpar\n" + TREE)
    assert [[tree.words for tree in paragraph] for paragraph in paragraphs] == [[["Mice", "lost", "Sox9", "."]]] * 2


def test_a_tree_becomes_a_doc(scripts: dict[str, ModuleType]) -> None:
    (trees,) = scripts["corpora"].paragraphs(TREE + "\n" + TREE)
    doc = scripts["corpora"].tree_doc(Vocab(), trees)
    assert doc.text.strip() == "Mice lost Sox9. Mice lost Sox9."
    assert [(t.dep_, t.tag_, t.head.i) for t in doc][4:7] == [("nsubj", "NNS", 5), ("ROOT", "VBD", 5), ("dobj", "NNP", 5)]
    assert [sentence.start for sentence in doc.sents] == [0, 4]


def test_an_article_is_in_one_part_alone(scripts: dict[str, ModuleType], data: Path) -> None:
    parts = scripts["corpora"].craft(data)
    assert sum(len(part) for part in parts.values()) == 40
    assert all(parts.values())


def test_labels_are_ours_and_others_are_dropped_unless_all_are_wanted(scripts: dict[str, ModuleType], data: Path) -> None:
    iob = scripts["corpora"].iob
    assert iob(data, "BioNLP13CG", "train")[0][1] == ["B-GENE", "O", "B-CELL", "I-CELL", "O", "O", "O"]
    assert iob(data, "BioNLP13CG", "train", whole=True)[0][1][-3:] == ["O", "B-Organ", "O"]


def test_a_head_learns_from_another_corpus_only_what_it_must_not_take(scripts: dict[str, ModuleType], data: Path) -> None:
    corpora = scripts["corpora"]
    words, tags = corpora.denied(*corpora.iob(data, "BC5CDR", "train")[0])
    assert tags == ["O", None, "O", "O", None]
    assert [t.ent_iob_ for t in corpora.entity_doc(Vocab(), words, tags)] == ["O", "", "O", "O", ""]


def test_from_a_corpus_that_marks_one_type_nothing_is_learned_of_words_of_the_other(scripts: dict[str, ModuleType]) -> None:
    words, tags = scripts["corpora"].unsure(["Quexane", "in", "lupus"], ["O", "O", "B-DISEASE"], frozenset({"quexane", "lupus"}))
    assert (words, tags) == (["Quexane", "in", "lupus"], [None, "O", "B-DISEASE"])


def test_names_are_exchanged_for_names_of_their_kind_with_their_marks(scripts: dict[str, ModuleType]) -> None:
    words, tags = ["No", "sodium", "quexanate", "here"], ["O", "B-CHEMICAL", "I-CHEMICAL", "O"]
    made = {
        (tuple(said), tuple(marks))
        for seed in range(20)
        for said, marks in [scripts["corpora"].renamed(words, tags, {"CHEMICAL": [["vornib"]]}, random.Random(seed))]
    }
    assert made == {(tuple(words), tuple(tags)), (("No", "vornib", "here"), ("O", "B-CHEMICAL", "O"))}


def test_the_names_exchanged_are_no_codes_and_no_shortest_aliases(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    head = "curie\tname\ttext\tkind\tsource\n"
    (tmp_path / "genes.tsv").write_text(head + "hgnc:1\tAB1\tAB\talias\tHGNC\nhgnc:1\tAB1\tAB1-like\tsymbol\tHGNC\n")
    (tmp_path / "drugs.tsv").write_text(head + "x:1\tvornib\tVX-1\tcode\tUNII\nx:1\tvornib\tvornib acid\tgeneric\tUNII\n")
    assert scripts["corpora"].names(tmp_path) == {"GENE": [["AB1", "-", "like"]], "CHEMICAL": [["vornib", "acid"]]}


def test_what_a_short_form_stands_for_holds_for_the_sentences_after_its_definition(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts["scores"], "TEXT", 2)

    def read(sentences: list[list[str]]) -> list[Found]:
        (words,) = sentences
        return [Found(0, 2, "CHEMICAL")] if words[0] == "quexane" else []

    texts = [["quexane", "maleate", "(", "QM", ")", "helps"], ["we", "gave", "QM"], ["and", "QM"]]
    assert scripts["scores"].carry(spacy.blank("en"), read, texts) == [
        [Found(0, 2, "CHEMICAL"), Found(3, 4, "CHEMICAL")],
        [Found(2, 3, "CHEMICAL")],
        [],
    ]


def test_both_halves_become_one_folder_that_plain_spacy_loads(
    scripts: dict[str, ModuleType], data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = data / "en_bio_core"
    output.mkdir()
    (output / "README.md").write_text("the card")
    given = ["--data", str(data), "--work", str(data / "work"), "--output", str(output), "--epochs-parse", "2", "--epochs-entities", "20"]
    monkeypatch.setattr(sys, "argv", ["train_core.py", *given])
    scripts["core"].main()
    figures = json.loads((output / "metrics.json").read_text())
    assert figures["parse"]["tag_acc"] == figures["entities"]["BC5CDR"]["CHEMICAL_f"] == 1.0
    assert figures["entities"]["each head alone"]["BioNLP13CG"]["GENE_f"] == 1.0
    assert (output / "README.md").read_text() == "the card"
    nlp = spacy.load(output)
    read = nlp(spacy.tokens.Doc(nlp.vocab, words=["Quexane", "caused", "renal", "failure", "."]))
    assert ("Quexane", "CHEMICAL") in [(e.text, e.label_) for e in read.ents]
    assert [t.tag_ for t in nlp("Mice lost Sox9.")] == ["NNS", "VBD", "NNP", "."]
    assert nlp.pipe_names == ["tok2vec", "tagger", "parser", "tok2vec_ner", "ner_gene", "ner"]
    assert "entities" in capsys.readouterr().out
