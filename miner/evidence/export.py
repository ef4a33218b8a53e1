"""Write the evidence for other programs; a format is an exporter and its entry in ``EXPORTERS``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import IO, Any

from miner import plugins
from miner.errors import ConfigError, MinerError
from miner.evidence import (
    export_bioc,
    export_civic,
    export_fusor,
    export_halves,
    export_markdown,
    export_parquet,
    export_references,
    export_rows,
    export_tasks,
    export_va,
    export_xlsx,
)
from miner.evidence.export_rows import cell
from miner.evidence.filters import Filters
from miner.evidence.store import Store
from miner.evidence.table import Paper, TableRow
from miner.plugins import Exporter
from miner.schema import Mention, Record, Status

__all__ = ["COMPARED", "EXPORTERS", "Exporter", "Selection", "cell", "export", "exporter", "forms"]

COMPARED = frozenset({"tsv", "tsv-papers", "jsonl"})
"""Formats whose earlier file tells the gate which rows stood in it."""


class Selection:
    """The rows that filters let through, their evidence, and the records that they rest on.

    Parameters
    ----------
    rows
        Gives rows chosen otherwise, such as those of a search; ``filters`` are not asked then.
    """

    def __init__(
        self, store: Store, filters: Mapping[str, Any] | None = None, rows: Callable[[], Iterable[TableRow]] | None = None
    ) -> None:
        self.store = store
        self.filters = dict(filters or {})
        self._rows = rows
        Filters.of(self.filters)

    @property
    def is_whole(self) -> bool:
        """Tell whether every row is wanted."""
        return self._rows is None and not any(self.filters.values())

    def rows(self) -> Iterator[TableRow]:
        """Yield one row for each proposition, in the order of the table."""
        yield from self._rows() if self._rows else self.store.table(**self.filters)

    def papers(self) -> Iterator[Paper]:
        """Yield the evidence of each row, by PMID within a row."""
        for row in self.rows():
            yield from sorted(row.evidence, key=lambda item: item.pmid)

    def records(self) -> Iterator[Record]:
        """Yield the records that the rows rest on, by PMID; without a filter but a topic's, every record that is not withdrawn."""
        if self._rows is None and set(self.filters) <= {"topic"}:
            yield from (record for record in self._all() if record.status is not Status.WITHDRAWN)
            return
        for pmid in sorted({item.pmid for row in self.rows() for item in row.evidence}):
            if record := self.store.record(pmid):
                yield record

    def _all(self) -> Iterator[Record]:
        topics = Filters.of(self.filters).topic
        if len(topics) < 2:
            return self.store.records(topic=topics[0] if topics else None)
        held = {record.pmid or record.id: record for topic in topics for record in self.store.records(topic=topic)}
        return (held[name] for name in sorted(held))

    def mentions(self, record: Record) -> tuple[Mention, ...]:
        """Return the mentions of a record by offset, as they were read when it was mined."""
        return self.store.mentions(record.pmid or record.id)


EXPORTERS: dict[str, Exporter] = {
    "tsv": export_rows.TSV,
    "tsv-papers": export_rows.PAPERS,
    "jsonl": export_rows.JSONL,
    "parquet": export_parquet.PARQUET,
    "xlsx": export_xlsx.XLSX,
    "markdown": export_markdown.MARKDOWN,
    "civic": export_civic.CIVIC,
    "fusor": export_fusor.FUSOR,
    "va-spec": export_va.VA_SPEC,
    "bioc": export_bioc.BIOC,
    "pubtator": export_bioc.PUBTATOR,
    "prodigy": export_tasks.PRODIGY,
    "labelstudio": export_tasks.LABEL_STUDIO,
    "ris": export_references.RIS,
    "bibtex": export_references.BIBTEX,
}
"""The formats written here; ``docbin`` (spaCy is at home in ``nlp``) and those of other packages come by entry points."""


def forms() -> tuple[str, ...]:
    """Name every format, those of other packages last."""
    return (*EXPORTERS, *(name for name in plugins.names(plugins.EXPORTERS) if name not in EXPORTERS))


def exporter(form: str) -> Exporter:
    """Return the exporter of a format.

    Raises
    ------
    ConfigError
        There is no such format, its package is broken, or what it needs is not installed.
    """
    found = EXPORTERS.get(form) or plugins.exporter(form)
    if found is None:
        near = difflib.get_close_matches(form, forms(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(forms())}"
        raise ConfigError(f"no export format is called {form!r}; {hint}")
    missing = [name for name in found.needs if find_spec(name) is None]
    if missing:
        install = f"pip install 'ntrk-miner[{found.extra}]'" if found.extra else f"pip install {' '.join(missing)}"
        raise ConfigError(f"the format {form!r} needs {', '.join(missing)}, which is not installed; {install}")
    return found


def export(store: Store, form: str, out: IO[Any], **filters: object) -> None:
    """Write what the filters let through; equal stores give equal bytes.

    Raises
    ------
    ConfigError
        On a format or filter that does not exist, or a format whose package is missing or fails.
    """
    write(form, Selection(store, filters), out)


def write(form: str, selection: Selection, out: IO[Any]) -> None:
    """Write a selection in a format; ``out`` takes bytes where the exporter is binary."""
    chosen = exporter(form)
    if selection.is_whole and form in EXPORTERS and export_halves.write_whole(selection.store, form, out):
        return
    if form in EXPORTERS:
        chosen.write(selection, out)
        return
    try:
        chosen.write(selection, out)
    except (MinerError, OSError):
        raise
    except Exception as error:
        raise ConfigError(f"the export format {form!r} of another package failed: {type(error).__name__}: {error}") from error
