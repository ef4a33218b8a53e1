"""Write CIViC's evidence statements as records that the miner reads: python scripts/civic_texts.py evidence_train.jsonl texts.jsonl"""

import json
import sys
from pathlib import Path


def main(source: Path, target: Path) -> None:
    """Write one record a statement; its id is ``civic-`` and the number of the evidence item."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for item in map(json.loads, lines):
            row = {"id": f"civic-{item['evidence_id']}", "pmid": None, "title": "", "abstract": item["evidence_statement"]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
