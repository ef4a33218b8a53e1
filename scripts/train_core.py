"""Train models/en_bio_core: tagger and parser from CRAFT, entities from BioNLP13CG, BC5CDR and NCBI-disease, over floret vectors.

    scripts/train core [--data ../shared/data/corpora] [--vectors FOLDER] [--output models/en_bio_core]

Seeds are fixed; each of the two halves (``--only parse``, ``--only entities``) takes less than an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import spacy
import train_corpora as corpora
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.initialize import load_vectors_into_model
from spacy.util import fix_random_seed
from thinc.api import Adam, NumpyOps, set_current_ops

SEED = 20
WIDTH, DEPTH = 96, 4
# Entity heads that share one set of token vectors: (name, corpora); the last only helps the first and is dropped after training.
HEADS = (("ner_gene", ("BioNLP13CG",)), ("ner", ("BC5CDR", "NCBI-disease")), ("ner_help", ("BC2GM",)))


def tok2vec(*, rows: tuple[int, int, int, int], vectors: bool) -> dict[str, Any]:
    """Config of the token vectors: hashed embeddings of word, prefix, suffix and shape, beside the static vectors."""
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": WIDTH,
            "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
            "rows": list(rows),
            "include_static_vectors": vectors,
        },
        "encode": {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": WIDTH, "depth": DEPTH, "window_size": 1, "maxout_pieces": 3},
    }


def listener(upstream: str) -> dict[str, Any]:
    """Config of a component that takes its token vectors from another."""
    return {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH, "upstream": upstream}


def transitions(state: str, upstream: str, width: int) -> dict[str, Any]:
    """Config of a transition-based model over shared token vectors."""
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": state,
        "extra_state_tokens": False,
        "hidden_width": width,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": listener(upstream),
    }


def blank(vectors: Path | None) -> Language:
    """An empty English pipeline with the word vectors."""
    nlp = spacy.blank("en")
    if vectors is not None:
        load_vectors_into_model(nlp, str(vectors))
    return nlp


def parse_pipeline() -> Language:
    """Tagger and parser over one set of token vectors."""
    nlp = blank(None)
    nlp.add_pipe("tok2vec", name="tok2vec", config={"model": tok2vec(rows=(5000, 1000, 2500, 2500), vectors=False)})
    nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener("tok2vec")}})
    nlp.add_pipe("parser", config={"model": transitions("parser", "tok2vec", 64), "min_action_freq": 20})
    return nlp


def entity_pipeline(vectors: Path | None) -> Language:
    """The entity heads over one set of token vectors."""
    nlp = blank(vectors)
    nlp.add_pipe("tok2vec", name="tok2vec_ner", config={"model": tok2vec(rows=(5000, 2500, 2500, 2500), vectors=vectors is not None)})
    for name, _ in HEADS:
        nlp.add_pipe("ner", name=name, config={"model": transitions("ner", "tok2vec_ner", 64)})
    return nlp


def example(gold: Doc) -> Example:
    """A training example: the words of a gold doc, unread, beside it."""
    return Example(Doc(gold.vocab, words=[t.text for t in gold], spaces=[bool(t.whitespace_) for t in gold]), gold)


def use_numpy_gemm(nlp: Language) -> None:
    """Multiply matrices by numpy in every component, which is about twice as fast on a CPU."""
    ops = NumpyOps(use_blis=False)
    for _, component in nlp.pipeline:
        for node in getattr(component, "model", None).walk() if hasattr(component, "model") else ():
            node.ops = ops


def batches(examples: list[Example], *, words: int, draw: random.Random) -> Iterator[list[Example]]:
    """Shuffled batches of about ``words`` tokens."""
    draw.shuffle(examples)
    held: list[Example] = []
    size = 0
    for one in examples:
        held.append(one)
        size += len(one.reference)
        if size >= words:
            yield held
            held, size = [], 0
    if held:
        yield held


def fit(
    nlp: Language,
    feed: Callable[[random.Random], Iterator[tuple[list[Example], list[str]]]],
    judge: Callable[[], float],
    *,
    epochs: int,
    log: Path,
) -> None:
    """Train by epochs and keep the averaged weights that ``judge`` likes best.

    ``feed`` yields (examples, names of the components they teach) for one epoch.
    """
    optimizer = Adam(0.001, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True)
    nlp.initialize(lambda: [one for names in FIRST for one in names], sgd=optimizer)
    use_numpy_gemm(nlp)
    shared = nlp.get_pipe(nlp.pipe_names[0])
    listeners = dict(shared.listener_map)
    draw, best, kept = random.Random(SEED), -1.0, None
    for epoch in range(epochs):
        started, losses = time.process_time(), {}
        if epoch == epochs - 3:
            optimizer.learn_rate = 0.0003
        for batch, names in feed(draw):
            # Shared token vectors learn from their last listener alone, so the others must not stand after those taught now.
            shared.listener_map = {name: listeners[name] for name in names}
            with nlp.select_pipes(enable=[nlp.pipe_names[0], *names]):
                nlp.update(batch, sgd=optimizer, losses=losses, drop=0.15)
        shared.listener_map = listeners
        with nlp.use_params(optimizer.averages):
            score = judge()
            if score > best:
                best, kept = score, nlp.to_bytes(exclude=["vocab"])
        row = {
            "epoch": epoch,
            "score": round(score, 4),
            "seconds": round(time.process_time() - started),
            **{k: round(float(v)) for k, v in losses.items()},
        }
        with log.open("a") as out:
            out.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    if kept is not None:
        nlp.from_bytes(kept, exclude=["vocab"])
        use_numpy_gemm(nlp)


FIRST: list[list[Example]] = []


def read_again(nlp: Language, golds: list[Doc]) -> list[Example]:
    """The pipeline's reading of gold docs, beside them."""
    plain = [example(gold) for gold in golds]
    for one, doc in zip(plain, nlp.pipe([e.predicted for e in plain]), strict=True):
        one.predicted = doc
    return plain


def _label(token: Any, attr: str) -> str:
    return str(token.dep_).lower()


def parse_scores(nlp: Language, golds: list[Doc]) -> dict[str, float]:
    """Tag accuracy, attachment scores (punctuation left out as in spaCy, and with it) and sentence F1."""
    read = read_again(nlp, golds)
    scores: dict[str, float] = {"tag_acc": Scorer.score_token_attr(read, "tag")["tag_acc"]}
    attach = Scorer.score_deps(read, "dep", getter=_label, ignore_labels=("p", "punct"))
    every = Scorer.score_deps(read, "dep", getter=_label, ignore_labels=())
    scores |= {"uas": attach["dep_uas"], "las": attach["dep_las"], "uas_with_punct": every["dep_uas"], "las_with_punct": every["dep_las"]}
    scores["sents_f"] = Scorer.score_spans(read, "sents", getter=lambda doc, _: doc.sents)["sents_f"]
    return {name: round(float(value), 4) for name, value in scores.items()}


def entity_scores(nlp: Language, golds: list[Doc], labels: frozenset[str]) -> dict[str, float]:
    """Precision, recall and F1 of exact entity spans, over some labels and by label."""
    tallies = {label: [0, 0, 0] for label in sorted(labels)}
    for one in read_again(nlp, golds):
        said = {(e.start, e.end, e.label_) for e in one.predicted.ents if e.label_ in labels}
        held = {(e.start, e.end, e.label_) for e in one.reference.ents}
        for label, tally in tallies.items():
            p, g = {e for e in said if e[2] == label}, {e for e in held if e[2] == label}
            tally[0], tally[1], tally[2] = tally[0] + len(p & g), tally[1] + len(p), tally[2] + len(g)
    tallies["all"] = [sum(column) for column in zip(*tallies.values(), strict=True)]
    return {f"{label}_{k}": v for label, (hit, p, g) in tallies.items() for k, v in _prf(hit, p, g).items()}


def _prf(hit: int, predicted: int, gold: int) -> dict[str, float]:
    p, r = hit / predicted if predicted else 0.0, hit / gold if gold else 0.0
    return {"p": round(p, 4), "r": round(r, 4), "f": round(2 * p * r / (p + r), 4) if p + r else 0.0}


def train_parse(data: Path, work: Path, epochs: int) -> tuple[Language, dict[str, float]]:
    """Train tagger and parser; figures on the articles held back."""
    nlp, parts = parse_pipeline(), corpora.craft(data)
    devel = [corpora.tree_doc(nlp.vocab, group) for group in corpora.grouped(parts["devel"], seed=SEED)]
    train = [example(corpora.tree_doc(nlp.vocab, group)) for group in corpora.grouped(parts["train"], seed=SEED)]
    FIRST[:] = [train]

    def feed(draw: random.Random) -> Iterator[tuple[list[Example], list[str]]]:
        for batch in batches(train, words=1200, draw=draw):
            yield batch, ["tagger", "parser"]

    fit(nlp, feed, lambda: parse_scores(nlp, devel)["las"], epochs=epochs, log=work / "parse.jsonl")
    test = [corpora.tree_doc(nlp.vocab, group) for group in corpora.grouped(parts["test"], seed=SEED)]
    return nlp, parse_scores(nlp, test)


def train_entities(data: Path, vectors: Path | None, work: Path, epochs: int) -> tuple[Language, dict[str, Any]]:
    """Train the entity heads; figures on the devel parts, which training did not see (a tenth of train picks the epoch)."""
    nlp = entity_pipeline(vectors)
    train: dict[str, list[Example]] = {}
    picked: dict[str, list[Doc]] = {}
    for name, names in HEADS:
        docs = [corpora.entity_doc(nlp.vocab, *one) for corpus in names for one in corpora.iob(data, corpus, "train")]
        train[name] = [example(doc) for i, doc in enumerate(docs) if (i // 40 % 12 if name != "ner_help" else i % 2)]
        picked[name] = [doc for i, doc in enumerate(docs) if not i // 40 % 12]
    FIRST[:] = list(train.values())
    labels = {"ner_gene": frozenset({"GENE", "CELL"}), "ner": frozenset({"CHEMICAL", "DISEASE"})}

    def feed(draw: random.Random) -> Iterator[tuple[list[Example], list[str]]]:
        queue = [(batch, [name]) for name, held in train.items() for batch in batches(held, words=700, draw=draw)]
        draw.shuffle(queue)
        yield from queue

    def judge() -> float:
        scores = []
        for name, wanted in labels.items():
            with nlp.select_pipes(enable=["tok2vec_ner", name]):
                scores.append(entity_scores(nlp, picked[name], wanted)["all_f"])
        return sum(scores) / len(scores)

    fit(nlp, feed, judge, epochs=epochs, log=work / "entities.jsonl")
    nlp.remove_pipe("ner_help")
    return nlp, judged_entities(nlp, data)


def judged_entities(nlp: Language, data: Path) -> dict[str, Any]:
    """Entity figures on the devel part of each corpus, all heads running, then each head alone on its own."""
    figures: dict[str, Any] = {"each head alone": {}}
    for corpus in ("BioNLP13CG", "BC5CDR", "NCBI-disease"):
        golds = [corpora.entity_doc(nlp.vocab, *one) for one in corpora.iob(data, corpus, "devel")]
        labels = frozenset(corpora.LABELS[corpus].values())
        figures[corpus] = entity_scores(nlp, golds, labels)
        with nlp.select_pipes(enable=["tok2vec_ner", next(name for name, names in HEADS if corpus in names)]):
            figures["each head alone"][corpus] = entity_scores(nlp, golds, labels)
    return figures


def joined(parse: Language, entities: Language) -> Language:
    """One pipeline of both halves; the entities' vectors are the pipeline's, and the parser needs none."""
    for name in parse.pipe_names:
        entities.add_pipe(name, source=parse, before="tok2vec_ner")
    return entities


def main() -> None:
    """Train what is asked for and write the pipeline with its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).parents[1]
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data" / "corpora")
    parser.add_argument("--vectors", type=Path, help="folder of floret vectors; without, hashed features alone")
    parser.add_argument("--output", type=Path, default=root / "models" / "en_bio_core")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "miner-train", help="where the halves lie")
    parser.add_argument("--only", choices=("parse", "entities", "join"))
    parser.add_argument("--epochs-parse", type=int, default=7)
    parser.add_argument("--epochs-entities", type=int, default=10)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    fix_random_seed(SEED)
    set_current_ops(NumpyOps(use_blis=False))
    if given.only in (None, "parse"):
        _keep(given.work, "parse", *train_parse(given.data, given.work, given.epochs_parse))
    if given.only in (None, "entities"):
        _keep(given.work, "entities", *train_entities(given.data, given.vectors, given.work, given.epochs_entities))
    if given.only in (None, "join"):
        write(given.work, given.output)


def _keep(work: Path, name: str, nlp: Language, figures: dict[str, Any]) -> None:
    nlp.to_disk(work / name)
    (work / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(name, json.dumps(figures), flush=True)


def write(work: Path, output: Path) -> None:
    """Join the halves and write pipeline and metrics.json; the card beside them stays."""
    nlp = joined(spacy.load(work / "parse"), spacy.load(work / "entities"))
    nlp.meta |= {
        "name": "bio_core",
        "version": "1.0.0",
        "license": "CC BY 4.0",
        "description": "Tagger, parser, entities of biomedical English",
    }
    card = (output / "README.md").read_text() if (output / "README.md").exists() else None
    shutil.rmtree(output, ignore_errors=True)
    nlp.to_disk(output)
    _trim_strings(nlp, output / "vocab" / "strings.json")
    metrics = {name: json.loads((work / f"{name}.json").read_text()) for name in ("parse", "entities")}
    metrics["megabytes"] = round(sum(f.stat().st_size for f in output.rglob("*") if f.is_file()) / 1e6, 1)
    (output / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    if card is not None:
        (output / "README.md").write_text(card)


def _trim_strings(nlp: Language, path: Path) -> None:
    """Keep the strings of labels and of the language; those of the training texts are only weight."""
    labels = {label for name in nlp.pipe_names for label in getattr(nlp.get_pipe(name), "labels", ())}
    path.write_text(json.dumps(sorted(labels | set(spacy.blank("en").vocab.strings))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
