"""The public corpora of a training folder as spaCy docs: CRAFT's trees and the IOB files of named entities."""

from __future__ import annotations

import hashlib
import random
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from spacy.tokens import Doc
from spacy.vocab import Vocab

CRAFT, NER = "craft_dependencies_conllu.tar.gz", "ner_iob.tar.gz"
GENE, CELL, CHEMICAL, DISEASE = "GENE", "CELL", "CHEMICAL", "DISEASE"
LABELS = {
    "BioNLP13CG": {"Gene_or_gene_product": GENE, "Cell": CELL},
    "BC5CDR": {"Chemical": CHEMICAL, "Disease": DISEASE},
    "NCBI-disease": {"Disease": DISEASE},
    "BC2GM": {"GENE": GENE},
}
LONGEST, MOST_WORDS = 120, 6
WORD = re.compile(r"[^\W_]+|[^\w\s]|_")


class Tree(NamedTuple):
    """A parsed sentence: words, whether a space follows, tags, heads (index in the sentence) and labels."""

    words: list[str]
    spaces: list[bool]
    tags: list[str]
    heads: list[int]
    deps: list[str]


def members(archive: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """Name and text of the files of an archive whose name begins so, in order of name."""
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if member.isfile() and member.name.startswith(prefix) and (stream := tar.extractfile(member)):
                yield member.name, stream.read().decode("utf-8")


def fold(name: str, *, folds: int = 10) -> int:
    """The fold of an article by the hash of its name, so that a split needs no list."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds


def craft(folder: Path) -> dict[str, list[list[Tree]]]:
    """CRAFT's articles as paragraphs of trees, split by article: ``train``, ``devel`` (fold 1) and ``test`` (fold 0)."""
    parts: dict[str, list[list[Tree]]] = {"train": [], "devel": [], "test": []}
    for name, text in members(folder / CRAFT, "craft/conllu/"):
        part = {0: "test", 1: "devel"}.get(fold(Path(name).stem), "train")
        parts[part] += paragraphs(text)
    return parts


def paragraphs(text: str) -> list[list[Tree]]:
    """CoNLL-U text as paragraphs of trees; a sentence that is no tree, or too long, is left out."""
    found: list[list[Tree]] = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if not found or any(line.startswith("# newpar") for line in lines):
            found.append([])
        rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
        tree = _tree([row for row in rows if row[0].isdigit()])
        if tree is not None:
            found[-1].append(tree)
    return [paragraph for paragraph in found if paragraph]


def _tree(rows: list[list[str]]) -> Tree | None:
    heads = [int(row[6]) - 1 for row in rows]
    if not rows or len(rows) > LONGEST or heads.count(-1) != 1 or not _is_tree(heads):
        return None
    heads = [index if head < 0 else head for index, head in enumerate(heads)]
    deps = ["ROOT" if row[7] == "root" else row[7] for row in rows]
    return Tree([row[1] for row in rows], ["SpaceAfter=No" not in row[9] for row in rows], [row[4] for row in rows], heads, deps)


def _is_tree(heads: list[int]) -> bool:
    for start in range(len(heads)):
        steps, at = 0, start
        while at >= 0:
            at, steps = heads[at], steps + 1
            if steps > len(heads):
                return False
    return True


def tree_doc(vocab: Vocab, trees: list[Tree]) -> Doc:
    """A gold doc of consecutive sentences."""
    words, spaces, tags, heads, deps, starts = [], [], [], [], [], []
    for tree in trees:
        base = len(words)
        words += tree.words
        spaces += [*tree.spaces[:-1], True]
        tags += tree.tags
        heads += [base + head for head in tree.heads]
        deps += tree.deps
        starts += [index == 0 for index in range(len(tree.words))]
    return Doc(vocab, words=words, spaces=spaces, tags=tags, heads=heads, deps=deps, sent_starts=starts)


def grouped(paragraphs_: list[list[Tree]], *, seed: int, most: int = 5) -> Iterator[list[Tree]]:
    """Runs of one to ``most`` sentences of a paragraph, so that a parser learns where sentences end."""
    draw = random.Random(seed)
    for paragraph in paragraphs_:
        at = 0
        while at < len(paragraph):
            size = draw.choice([1, 1, 2, draw.randint(1, most)])
            yield paragraph[at : at + size]
            at += size


def iob(folder: Path, corpus: str, part: str, *, whole: bool = False) -> list[tuple[list[str], list[str]]]:
    """Words and BIO tags of each sentence of an IOB file; its labels are mapped to ours, others dropped, or all kept if ``whole``."""
    _, text = next(members(folder / NER, f"ner_iob/{corpus}-IOB/{part}.tsv"))
    return [sentence for block in text.split("\n\n") if (sentence := _sentence(block, None if whole else LABELS[corpus]))]


def _sentence(block: str, labels: dict[str, str] | None) -> tuple[list[str], list[str]] | None:
    rows = [line.split("\t") for line in block.splitlines() if line.strip()]
    words, tags = [row[0] for row in rows], []
    for row in rows:
        mark, _, label = row[-1].partition("-")
        if labels is not None:
            label = labels.get(label, "")
        tags.append(f"{mark}-{label}" if label else "O")
    return (words, tags) if words else None


def denied(words: list[str], tags: list[str]) -> tuple[list[str], list[str | None]]:
    """The sentence for a head of other types: what is marked here is none of these, and nothing is known of the rest."""
    return words, [None if tag == "O" else "O" for tag in tags]


def names(lexicons: Path) -> dict[str, list[list[str]]]:
    """Names of genes and chemicals as words, from the term tables of a folder; codes and the shortest aliases left out."""
    found: dict[str, list[list[str]]] = {}
    for label, table in ((GENE, "genes.tsv"), (CHEMICAL, "drugs.tsv")):
        rows = [line.split("\t") for line in (lexicons / table).read_text(encoding="utf-8").splitlines()[1:]]
        words = {tuple(WORD.findall(row[2])) for row in rows if row[3] != "code" and len(row[2]) > 2}
        found[label] = [list(held) for held in sorted(words) if len(held) <= MOST_WORDS]
    return found


def renamed(words: list[str], tags: list[str], names: dict[str, list[list[str]]], draw: random.Random) -> tuple[list[str], list[str]]:
    """The sentence with about half of its names exchanged for others of their kind, so that a name is known by where it stands."""
    said: list[str] = []
    marks: list[str] = []
    at = 0
    while at < len(words):
        end, label = at + 1, tags[at][2:]
        while label and end < len(words) and tags[end] == f"I-{label}":
            end += 1
        other = draw.choice(names[label]) if label in names and draw.random() < 0.5 else words[at:end]
        said += other
        marks += [f"{'I' if i else 'B'}-{label}" for i in range(len(other))] if label else ["O"]
        at = end
    return said, marks


def unsure(words: list[str], tags: list[str], known: frozenset[str]) -> tuple[list[str], list[str | None]]:
    """The sentence for a head that also knows a type not marked here: where a word is known to be of that type, nothing is known."""
    return words, [None if tag == "O" and word.lower() in known else tag for word, tag in zip(words, tags, strict=True)]


def entity_doc(vocab: Vocab, words: list[str], tags: Sequence[str | None]) -> Doc:
    """A gold doc of one sentence with its entities; a tag that is None is not known."""
    return Doc(vocab, words=words, spaces=spaces_between(words), ents=tags)


def spaces_between(words: Iterable[str]) -> list[bool]:
    """Guess where white space stood between the tokens of an IOB file, which does not tell."""
    held = list(words)
    return [
        not (_closing(following) or word in "([-/'" or following == "-") for word, following in zip(held, [*held[1:], "."], strict=True)
    ]


def _closing(word: str) -> bool:
    return word in {".", ",", ";", ":", ")", "]", "%", "'", "/"}
