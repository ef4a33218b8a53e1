"""Write the titles and abstracts of PubMed files as lower-cased tokens, one record a line, for training word vectors."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import spacy

from miner.nlp.tokens import make_tokenizer
from miner.schema import Record
from miner.sources.files import read_records


def lines(paths: list[Path]) -> Iterator[str]:
    """Yield one line of tokens for each record that has an abstract."""
    tokenizer = make_tokenizer(spacy.blank("en"))
    for path in paths:
        for record in read_records(path, on_reject=lambda *_: None):
            if isinstance(record, Record) and record.sections:
                yield " ".join(token.lower_ for token in tokenizer(record.text) if not token.is_space)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("inputs", type=Path, nargs="+")
    given = parser.parse_args()
    with given.output.open("w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines(given.inputs))


if __name__ == "__main__":
    main()
