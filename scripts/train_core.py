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
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import spacy
import train_corpora as corpora
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.initialize import load_vectors_into_model
from spacy.util import fix_random_seed
from thinc.api import Adam, NumpyOps, set_current_ops
from train_scores import entity_scores, example, parse_scores, text_scores

SEED = 20
WIDTH, DEPTH = 96, 4


class Head(NamedTuple):
    """An entity head and the corpus that teaches it, by all types of that corpus if ``whole``.

    A corpus that leaves a type unmarked would teach that there is none. So from ``denying``, a corpus of other types, a head learns
    alone what it must not take, and from ``partly``, which marks some of its types, nothing where a word is elsewhere of the others.
    A head without labels to be judged by only helps the token vectors, which all heads share, and is dropped after training.
    """

    name: str
    corpus: str
    whole: bool = False
    judged: frozenset[str] = frozenset()
    denying: str | None = None
    partly: str | None = None


HEADS = (
    Head("ner_gene", "BioNLP13CG", judged=frozenset({"GENE", "CELL"}), denying="BC5CDR"),
    Head("ner", "BC5CDR", judged=frozenset({"CHEMICAL", "DISEASE"}), denying="BioNLP13CG", partly="NCBI-disease"),
    Head("help_types", "BioNLP13CG", whole=True),
    Head("help_gene", "BC2GM"),
)
# How often a sentence is read with other names in an epoch, and the tables that these come from.
RENAMED, LEXICONS = 0.3, Path(__file__).parents[1] / "miner" / "data" / "lexicons"


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
    for head in HEADS:
        nlp.add_pipe("ner", name=head.name, config={"model": transitions("ner", "tok2vec_ner", 64)})
    return nlp


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
    judge: Callable[[], float] | None,
    *,
    rates: Sequence[float],
    drop: float,
    log: Path,
) -> None:
    """Train one epoch a rate and keep the averaged weights that ``judge`` likes best, the last without a judge.

    ``feed`` yields (examples, names of the components they teach) for one epoch.
    """
    optimizer = Adam(rates[0], L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True)
    nlp.initialize(lambda: [one for names in FIRST for one in names], sgd=optimizer)
    use_numpy_gemm(nlp)
    shared = nlp.get_pipe(nlp.pipe_names[0])
    listeners = dict(shared.listener_map)
    draw, best, kept = random.Random(SEED), -1.0, None
    for epoch, rate in enumerate(rates):
        started, losses = time.process_time(), {}
        optimizer.learn_rate = rate
        for batch, names in feed(draw):
            # Shared token vectors learn from their last listener alone, so the others must not stand after those taught now.
            shared.listener_map = {name: listeners[name] for name in names}
            with nlp.select_pipes(enable=[nlp.pipe_names[0], *names]):
                nlp.update(batch, sgd=optimizer, losses=losses, drop=drop)
        shared.listener_map = listeners
        with nlp.use_params(optimizer.averages):
            score = judge() if judge else float(epoch)
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


def train_parse(data: Path, work: Path, epochs: int, every: int) -> tuple[Language, dict[str, float]]:
    """Train tagger and parser; figures on the articles held back."""
    nlp, parts = parse_pipeline(), {part: held[::every] for part, held in corpora.craft(data).items()}
    devel = [corpora.tree_doc(nlp.vocab, group) for group in corpora.grouped(parts["devel"], seed=SEED)]
    train = [example(corpora.tree_doc(nlp.vocab, group)) for group in corpora.grouped(parts["train"], seed=SEED)]
    FIRST[:] = [train]

    def feed(draw: random.Random) -> Iterator[tuple[list[Example], list[str]]]:
        for batch in batches(train, words=1200, draw=draw):
            yield batch, ["tagger", "parser"]

    rates = [0.001] * (epochs - 3) + [0.0003] * min(epochs, 3)
    fit(nlp, feed, lambda: parse_scores(nlp, devel)["las"], rates=rates, drop=0.15, log=work / "parse.jsonl")
    test = [corpora.tree_doc(nlp.vocab, group) for group in corpora.grouped(parts["test"], seed=SEED)]
    return nlp, parse_scores(nlp, test)


def train_entities(
    data: Path, vectors: Path | None, work: Path, epochs: int, every: int, *, pick: bool
) -> tuple[Language, dict[str, Any]]:
    """Train the entity heads; figures on the devel parts, which training did not see.

    All of the training parts teach, to the last epoch; with ``pick`` a twelfth of them is held back and picks the epoch, which
    tells how many there should be.
    """
    nlp = entity_pipeline(vectors)
    held = {head.name: sentences(data, head, every, pick=pick) for head in HEADS}
    other = corpora.names(LEXICONS)
    picked = {name: [corpora.entity_doc(nlp.vocab, *one) for one in kept] for name, (_, _, kept) in held.items()}
    _name_labels(nlp, held)

    def feed(draw: random.Random) -> Iterator[tuple[list[Example], list[str]]]:
        queue = []
        for name, (marked, partly, _) in held.items():
            said = [corpora.renamed(*one, other, draw) if draw.random() < RENAMED else one for one in marked]
            examples = [example(corpora.entity_doc(nlp.vocab, *one)) for one in [*said, *partly]]
            queue += [(batch, [name]) for batch in batches(examples, words=700, draw=draw)]
        draw.shuffle(queue)
        yield from queue

    def judge() -> float:
        with nlp.select_pipes(enable=["tok2vec_ner", *(head.name for head in HEADS if head.judged)]):
            scores = [entity_scores(nlp, picked[head.name], head.judged)["all_f"] for head in HEADS if head.judged]
        return sum(scores) / len(scores)

    rates = [0.0012 * (1 - epoch / epochs) for epoch in range(epochs)]
    fit(nlp, feed, judge if pick else None, rates=rates, drop=0.2, log=work / "entities.jsonl")
    for head in HEADS:
        if not head.judged:
            nlp.remove_pipe(head.name)
    return nlp, judged_entities(nlp, data, every)


Sentence = tuple[list[str], list[Any]]


def sentences(data: Path, head: Head, every: int, *, pick: bool) -> tuple[list[Sentence], list[Sentence], list[Sentence]]:
    """Sentences to teach a head: marked in full, marked in part; and, to ``pick`` the epoch, a twelfth of the first."""

    def read(corpus: str) -> tuple[list[Sentence], list[Sentence]]:
        found = corpora.iob(data, corpus, "train", whole=head.whole)[::every]
        if not pick:
            return found, []
        return [one for i, one in enumerate(found) if i // 40 % 12], [one for i, one in enumerate(found) if not i // 40 % 12]

    marked, picked = read(head.corpus)
    partly: list[Sentence] = []
    if head.denying:
        partly += [corpora.denied(*one) for one in read(head.denying)[0] if any(tag != "O" for tag in one[1])]
    if head.partly:
        types = set(corpora.LABELS[head.partly].values())
        known = frozenset(
            w.lower() for words, tags in marked for w, tag in zip(words, tags, strict=True) if tag[2:] and tag[2:] not in types
        )
        partly += [corpora.unsure(*one, known) for one in read(head.partly)[0]]
    return marked, partly, picked


def _name_labels(nlp: Language, held: dict[str, tuple[list[Sentence], list[Sentence], list[Sentence]]]) -> None:
    """Give the heads that ship the labels of each other, as one reads after the other, and those of every type their own."""
    FIRST[:] = [[example(corpora.entity_doc(nlp.vocab, *one)) for one in held[head.name][0]] for head in HEADS if not head.whole]
    for head in HEADS:
        if head.whole:
            for label in sorted({tag[2:] for _, tags in held[head.name][0] for tag in tags} - {""}):
                nlp.get_pipe(head.name).add_label(label)


def alone(nlp: Language, head: Head, golds: list[Doc]) -> dict[str, float]:
    """Entity figures of one head that reads alone."""
    with nlp.select_pipes(enable=["tok2vec_ner", head.name]):
        return entity_scores(nlp, golds, head.judged)


def judged_entities(nlp: Language, data: Path, every: int) -> dict[str, Any]:
    """Entity figures on the devel part of each corpus: both heads running, each head alone on its own, and as the miner reads."""
    figures: dict[str, Any] = {"each head alone": {}, "short forms as their long forms": {}}
    for corpus in ("BioNLP13CG", "BC5CDR", "NCBI-disease"):
        golds = [corpora.entity_doc(nlp.vocab, *one) for one in corpora.iob(data, corpus, "devel")[::every]]
        labels = frozenset(corpora.LABELS[corpus].values())
        figures[corpus] = entity_scores(nlp, golds, labels)
        for head in HEADS:
            if head.corpus == corpus and head.judged:
                figures["each head alone"][corpus] = alone(nlp, head, golds)
        figures["short forms as their long forms"][corpus] = text_scores(nlp, golds, labels)
    return figures


def joined(parse: Language, entities: Language) -> Language:
    """One pipeline of both halves; the entities' vectors are the pipeline's, and the parser needs none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\[W113\]")  # The parser's half looks at no vectors.
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
    parser.add_argument("--epochs-entities", type=int, default=12)
    parser.add_argument("--pick", action="store_true", help="hold a twelfth of the entities' training parts back to pick the epoch")
    parser.add_argument("--every", type=int, default=1, help="read every so many-th text, to try things out")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    fix_random_seed(SEED)
    set_current_ops(NumpyOps(use_blis=False))
    if given.only in (None, "parse"):
        _keep(given.work, "parse", *train_parse(given.data, given.work, given.epochs_parse, given.every))
    if given.only in (None, "entities"):
        entities = train_entities(given.data, given.vectors, given.work, given.epochs_entities, given.every, pick=given.pick)
        _keep(given.work, "entities", *entities)
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
