"""Train word vectors on the titles and abstracts of PubMed files: floret, 25,000 rows of 64 numbers, in about five minutes.

    python scripts/train_vectors.py FOLDER FILE [FILE ...]      (needs floret 0.10.5, which scripts/train installs)

FOLDER becomes a spaCy folder of vectors, looked up by the lower-cased word. One thread, so that a run can be repeated.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.training.initialize import convert_vectors

from miner.nlp.tokens import make_tokenizer
from miner.schema import Record
from miner.sources.files import read_records

ROWS, WIDTH, EPOCHS = 25_000, 64, 2


def lines(paths: list[Path], every: int) -> Iterator[str]:
    """Yield the lower-cased tokens of each record that has an abstract, or of every so many-th of them."""
    tokenizer = make_tokenizer(spacy.blank("en"))
    for path in paths:
        for at, record in enumerate(read_records(path, on_reject=lambda *_: None)):
            if not at % every and isinstance(record, Record) and record.sections:
                yield " ".join(token.lower_ for token in tokenizer(record.text) if not token.is_space)


def main() -> None:
    """Write the vectors."""
    import floret

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("inputs", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1, help="learn from every so many-th record, to try things out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts, table = Path(folder) / "texts.txt", Path(folder) / "vectors.floret"
        with texts.open("w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines(given.inputs, given.every))
        trained = floret.train_unsupervised(
            str(texts), model="cbow", mode="floret", hashCount=2, bucket=ROWS, minn=4, maxn=5, minCount=10, dim=WIDTH,
            epoch=EPOCHS, neg=5, thread=1, lr=0.08,
        )  # fmt: skip
        trained.save_floret_vectors(str(table))
        nlp = spacy.blank("en")
        convert_vectors(nlp, table, truncate=-1, prune=-1, mode="floret", attr="LOWER")
        nlp.to_disk(given.output)


if __name__ == "__main__":
    main()
