"""Names by a trained pipeline, fast: what a word is without its context is computed once, and only open names are read step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import NumpyOps

Floats = NDArray[np.float32]
# Attributes that a word has without its context.
LEXICAL = frozenset({"ORTH", "LOWER", "NORM", "PREFIX", "SUFFIX", "SHAPE"})
MOST_WORDS = 50_000
ENCODED = ["dropout", "expand_window", "layernorm", "maxout"]


class Found(NamedTuple):
    """A name: half-open range of words, counted through all sentences, and its label."""

    start: int
    end: int
    label: str


class _RowOps(NumpyOps):  # type: ignore[misc]
    """Multiply row by row, so that what a word gets does not hang on the words that were new beside it, down to the last bit."""

    def gemm(self, x: Floats, y: Floats, out: Any = None, trans1: bool = False, trans2: bool = False) -> Floats:
        left = x.T if trans1 else x
        product: Floats = np.matmul(left[:, None, :], y.T if trans2 else y)[:, 0]
        if out is not None:
            out[...] = product
        return product


class Encoder:
    """The layers that look at a word's neighbours, by their own weights, in fewer passes over the numbers than layer by layer."""

    def __init__(self, layers: Sequence[Any], pad: int) -> None:
        self.pad = pad
        self.layers: list[tuple[Floats, Floats, Floats, Floats]] = []
        for layer in layers:
            node = {node.name: node for node in layer.walk()}
            weights, bias = node["maxout"].get_param("W"), node["maxout"].get_param("b")
            flat = weights.transpose(1, 0, 2).reshape(-1, weights.shape[2]).T
            scale, shift = node["layernorm"].get_param("G"), node["layernorm"].get_param("b")
            self.layers.append((np.ascontiguousarray(flat), bias.T.reshape(-1), scale, shift))

    def __call__(self, sentences: Sequence[Floats]) -> Floats:
        """Vectors of all words; between sentences stand ``pad`` rows that begin as nothing, as spaCy does it."""
        width = sentences[0].shape[1]
        starts = np.cumsum([1 + self.pad, *(len(words) + self.pad for words in sentences)])
        rows = np.zeros((starts[-1] + 1, width), dtype="f")
        inner = rows[1:-1]
        kept = np.concatenate([np.arange(start, start + len(words)) for start, words in zip(starts[:-1], sentences, strict=True)])
        rows[kept] = np.concatenate(sentences)
        window = np.empty((len(inner), 3 * width), dtype="f")
        for weights, bias, scale, shift in self.layers:
            window[:, :width], window[:, width : 2 * width], window[:, 2 * width :] = rows[:-2], inner, rows[2:]
            pieces = window @ weights
            pieces += bias
            top = np.maximum(pieces[:, :width], pieces[:, width : 2 * width])
            for at in range(2 * width, pieces.shape[1], width):
                np.maximum(top, pieces[:, at : at + width], out=top)
            top -= top.mean(axis=1, keepdims=True)
            top /= np.sqrt(np.einsum("ij,ij->i", top, top) / width + 1e-8)[:, None]
            top *= scale
            top += shift
            inner += top
        encoded: Floats = rows[kept]
        return encoded


def encoder(model: Any) -> Callable[[Sequence[Floats]], Floats]:
    """Return what runs an encoder: our own way where its layers are windows of one word each side, else the model's."""
    layers = model.layers[0].layers if model.name.startswith("with_array") else []
    made = [sorted(node.name for node in layer.walk() if not node.layers) for layer in layers]
    windows = [node.attrs["window_size"] for layer in layers for node in layer.walk() if node.name == "expand_window"]
    if layers and all(names == ENCODED for names in made) and set(windows) == {1} and all(x.name.startswith("residual") for x in layers):
        return Encoder(layers, model.attrs["pad"])
    return lambda sentences: np.concatenate(model.predict(list(sentences)))


class WordVectors:
    """Token vectors of one tok2vec model; the part that looks at a word alone is kept by word."""

    def __init__(self, nlp: Language, model: Any) -> None:
        self.vocab, self.embed, self.encode = nlp.vocab, model.get_ref("embed"), encoder(model.get_ref("encode"))
        ops = _RowOps(use_blis=False)
        for node in self.embed.walk():
            node.ops = ops
        self.rows: dict[str, int] = {}
        self.table: Floats = np.zeros((0, 0), dtype="f")

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Floats:
        """Vectors of the words of all sentences, one after the other; each sentence is read by itself."""
        new = sorted({word for words in sentences for word in words if word not in self.rows})
        if len(self.rows) + len(new) > MOST_WORDS:
            self.rows.clear()
            new = sorted({word for words in sentences for word in words})
        if new:
            self._add(new)
        rows = self.rows
        return self.encode([self.table[[rows[word] for word in words]] for words in sentences])

    def _add(self, new: Sequence[str]) -> None:
        (made,) = self.embed.predict([Doc(self.vocab, words=list(new))])
        at = len(self.rows)
        if at + len(new) > len(self.table):
            grown = np.zeros((2 * (at + len(new)), made.shape[1]), dtype="f")
            grown[:at] = self.table[:at].reshape(at, made.shape[1])
            self.table = grown
        self.table[at : at + len(new)] = made
        self.rows.update(zip(new, range(at, at + len(new)), strict=True))


class Head:
    """The greedy reading of one ``ner`` component, by its own weights."""

    def __init__(self, component: Any, vectors: WordVectors) -> None:
        model = component.model
        self.vectors, self.linear, self.lower = vectors, model.get_ref("tok2vec").layers[-1], model.get_ref("lower")
        upper = model.get_ref("upper")
        self.weights: Floats = upper.get_param("W").T
        self.bias: Floats = upper.get_param("b")
        names = [component.moves.get_class_name(at) for at in range(component.moves.n_moves)]
        moves = [(move, label) for move, _, label in (name.partition("-") for name in names)]
        unseen = model.attrs["unseen_classes"]
        self.starting = np.array(
            [move == "O" or (move in "BU" and label != "" and at not in unseen) for at, (move, label) in enumerate(moves)]
        )
        self.begins = np.array([move == "B" for move, _ in moves])
        self.opens = np.array([move in ("B", "U") for move, _ in moves])
        self.moves = moves
        self.column = {name: at for at, name in enumerate(moves)}

    def __call__(self, vectors: Floats, words: Sequence[str], lasts: NDArray[np.bool_], taken: NDArray[np.bool_]) -> Iterator[Found]:
        """Find the names.

        Parameters
        ----------
        vectors, words
            Token vectors, a row a word, and the words.
        lasts, taken
            Of each word, whether it ends its sentence, and whether it is part of a name found before.
        """
        pad, bias = self.lower.get_param("pad")[0], self.lower.get_param("b")
        featured, _ = self.lower(self.linear.predict(vectors), is_train=False)
        here, first, before = (featured[1:, at] for at in range(3))
        scores = _highest(here, pad[1] + pad[2] + bias) @ self.weights + self.bias
        scores[:, ~self.starting] = -np.inf
        stops = lasts | np.append(taken[1:], True)
        scores[np.ix_(stops, self.begins)] = -np.inf
        best, free = scores.argmax(axis=1), 0
        for start in np.flatnonzero(self.opens[best] & ~taken).tolist():
            if start < free or words[start].isspace():
                continue
            move, label = self.moves[best[start]]
            free = start + 1
            if move == "B":
                inside, last = self.column["I", label], self.column["L", label]
                weights, margin = self.weights[:, inside] - self.weights[:, last], self.bias[last] - self.bias[inside]
                fixed = first[start] + bias
                while not stops[free] and _highest(here[free] + before[free - 1], fixed) @ weights >= margin:
                    free += 1
                free += 1
            yield Found(start, free, label)


def _highest(pieces: Floats, fixed: Floats) -> Floats:
    """The larger of the pieces (the last axis) after something fixed is added."""
    top: Floats = pieces[..., 0] + fixed[..., 0]
    for at in range(1, fixed.shape[-1]):
        np.maximum(top, pieces[..., at] + fixed[..., at], out=top)
    return top


def reader(nlp: Language, wanted: frozenset[str]) -> Callable[[Sequence[Sequence[str]]], list[Found]] | None:
    """Return what reads sentences of words by the named components of a pipeline, or None where one of them is of another make."""
    chosen: list[tuple[str, Any]] = [(name, pipe) for name, pipe in nlp.pipeline if nlp.get_pipe_meta(name).factory in wanted]
    sources: dict[int, WordVectors] = {}
    heads: list[Head] = []
    for name, component in chosen:
        model = _source(nlp, component) if nlp.get_pipe_meta(name).factory == "ner" else None
        if model is None:
            return None
        heads.append(Head(component, sources.setdefault(id(model), WordVectors(nlp, model))))
    return lambda sentences: _read(heads, sentences)


def _read(heads: Sequence[Head], sentences: Sequence[Sequence[str]]) -> list[Found]:
    kept = [words for words in sentences if words]
    if not kept:
        return []
    together = [word for words in kept for word in words]
    lasts = np.zeros(len(together), dtype=bool)
    lasts[np.cumsum([len(words) for words in kept]) - 1] = True
    taken = np.zeros(len(lasts), dtype=bool)
    known: dict[int, Floats] = {}
    found: list[Found] = []
    for head in heads:
        if id(head.vectors) not in known:
            known[id(head.vectors)] = head.vectors(kept)
        for one in head(known[id(head.vectors)], together, lasts, taken.copy()):
            taken[one.start : one.end] = True
            found.append(one)
    return sorted(found)


def _source(nlp: Language, component: Any) -> Any:
    """The tok2vec model that a component hears, where both are built as here understood; else None."""
    model = component.model
    if model.name != "parser_model" or not model.attrs["has_upper"]:
        return None
    lower, (heard, *_) = model.get_ref("lower"), model.get_ref("tok2vec").layers
    if lower.get_dim("nF") != 3 or lower.get_dim("nP") < 2 or component.cfg.get("beam_width", 1) != 1:
        return None
    if heard.name == "tok2vec-listener":
        pipes: list[Any] = [pipe for _, pipe in nlp.pipeline]
        heard = next((pipe.model for pipe in pipes if component.name in getattr(pipe, "listening_components", ())), heard)
    if not heard.has_ref("embed") or not heard.has_ref("encode"):
        return None
    attributes = {name for node in heard.get_ref("embed").walk() for name in node.attrs.get("columns", ())}
    return heard if attributes and attributes <= LEXICAL else None


def spread(found: Sequence[Found], words: Sequence[str], defined: Sequence[tuple[range, range]]) -> list[Found]:
    """Let a short form be, wherever it stands, what the long form that defines it was read as.

    Parameters
    ----------
    found, words
        Names read, in order, and the words of the text.
    defined
        Places of a short form and of its long form, where one defines the other.
    """
    ends: dict[int, Found] = {}
    for one in found:
        ends[one.end] = one
    labels = {tuple(words[short.start : short.stop]): ends[long.stop].label for short, long in defined if long.stop in ends and short}
    if not labels:
        return list(found)
    kept = [one._replace(label=labels.get(tuple(words[one.start : one.end]), one.label)) for one in found]
    taken = {place for one in kept for place in range(one.start, one.end)}
    for form, label in labels.items():
        for start, word in enumerate(words):
            place = range(start, start + len(form))
            if word == form[0] and tuple(words[start : place.stop]) == form and taken.isdisjoint(place):
                kept.append(Found(start, place.stop, label))
                taken.update(place)
    return sorted(kept)
