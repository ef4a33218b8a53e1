"""Parts in place of files: what ``refresh`` reads and mines when the work is done already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from miner.cluster import codec, parts
from miner.config import Models, Topic
from miner.lexicon import Lexicon, load_lexicon
from miner.mine import Miner, load
from miner.schema import Mined, Reading, Record
from miner.sources import Deleted, OnReject, Reject, Tally, read_records
from miner.sources.items import Screen


class PartMiner:
    """A miner that knows the answers: of the records that a part holds it reads nothing again.

    What a part does not hold whole (a record that did not matter but is in the database already) is read by the pipeline.
    """

    def __init__(self, topic: Topic, lexicon_dirs: tuple[Path, ...], models: Models | None = None) -> None:
        self.topic, self.lexicon_dirs, self.models = topic, lexicon_dirs, models
        self._held: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def lexicon(self) -> Lexicon:
        """The lexicon that the parts were read with."""
        return load_lexicon(self.lexicon_dirs)

    @cached_property
    def _pipeline(self) -> Miner:
        return load(self.topic, lexicon_dirs=self.lexicon_dirs, models=self.models)

    @property
    def repeatable(self) -> bool:
        """Answers are given once."""
        return False

    def forget(self) -> None:
        """Let go of what was not asked for."""
        self._held.clear()

    def hold(self, record: Record, row: dict[str, Any]) -> None:
        """Keep what a part says of a record until it is asked for."""
        self._held[_key(record)] = row

    def read(self, record: Record) -> Reading:
        """Return the reading of a record; what failed on the worker fails here."""
        row = self._held.get(_key(record))
        if row is None:
            return self._pipeline.read(record)
        if row["kind"] == "failed":
            del self._held[_key(record)]
            kind, _, reason = row["reason"].partition(": ")
            raise type(kind, (Exception,), {})(reason)
        return replace(codec.loads(Mined, row["mined"]).reading, record=record)

    def assertions(self, reading: Reading) -> Mined:
        """Return what was found in a record."""
        row = self._held.pop(_key(reading.record), None)
        if row is None or not row["relevant"]:
            return self._pipeline.assertions(self._pipeline.read(reading.record))
        return replace(codec.loads(Mined, row["mined"]), reading=reading)


class PartReader:
    """Reads the items of a file out of its part, as ``read_records`` reads them out of the file."""

    def __init__(self, of: Mapping[Path, Path], miner: PartMiner) -> None:
        self.parts, self.miner = of, miner

    def __call__(
        self, path: Path, *, on_reject: OnReject | None = None, screen: Screen | None = None, tally: Tally | None = None
    ) -> Iterator[Record | Deleted]:
        """Yield the records and deletions of a file; a file of which a kept record was passed over is read itself."""
        self.miner.forget()
        tally = Tally() if tally is None else tally
        part = self.parts[path]
        if self._kept(part, screen):
            rows = {row["pmid"]: row for row in parts.read(part) if row["kind"] in ("record", "failed")}
            for item in read_records(path, on_reject=on_reject, screen=screen, tally=tally):
                if isinstance(item, Record) and (row := rows.get(item.pmid or item.id)) and codec.dumps(item) == row["record"]:
                    self.miner.hold(item, row)
                yield item
            return
        for row in parts.read(part):
            yield from self._item(row, on_reject, tally)

    def _kept(self, part: Path, screen: Screen | None) -> bool:
        """Tell whether the worker passed over a record that is in the database and must be read whatever it says."""
        keep: frozenset[str] = getattr(screen, "keep", frozenset())
        return bool(keep) and any(row["kind"] == "passed over" and row["pmid"] in keep for row in parts.read(part, ["kind", "pmid"]))

    def _item(self, row: dict[str, Any], on_reject: OnReject | None, tally: Tally) -> Iterator[Record | Deleted]:
        match row["kind"]:
            case "passed over":
                tally.skipped += 1
            case "rejected":
                tally.rejected += 1
                if on_reject is not None:
                    on_reject(Reject(row["version"], row["pmid"], row["reason"]))
            case "deleted":
                tally.deleted += 1
                yield Deleted(row["pmid"], row["version"])
            case _:
                tally.read += 1
                record = codec.loads(Record, row["record"])
                self.miner.hold(record, row)
                yield record


def _key(record: Record) -> tuple[str, str]:
    return record.pmid or record.id, codec.dumps(replace(record, fetched_at=""))
