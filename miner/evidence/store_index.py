"""The evidence as arrays, for pages over many rows: masks for filters, counts of facets, bounds for the order; one database state.

Rows of evidence go by their place in the order of the table, in which those of one proposition stand together, and those of one
subject: a set of rows is a mask over places. Facets are one list of (facet, place), by facet and then by place; a filter is some
stretches of it, and the rows under each value of all facets are counted in one pass over it. About 100 bytes a row of evidence.
Nothing in an index changes once it is made; ``store_index_read`` makes it, and makes the next state out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from miner.evidence.held import Held
from miner.evidence.store_facets import KINDS
from miner.evidence.support import CONFIRMED, LEVEL_WEIGHTS, SIZES
from miner.schema import StudyType

if TYPE_CHECKING:
    from miner.evidence.table import TableRow

TOPIC = "topic"
COUNTED = (*KINDS, TOPIC)
"""Kinds of facet that an index holds, in the order of their numbers."""
COLUMNS = ("ids", "propositions", "subjects", "papers", "weights", "years", "patients", "rejected", "background")
SIZED = "ABC"
FEW = 0.1
"""Share of all rows up to which facets are counted by the rows that are left, not by all entries of the facets."""


@dataclass(frozen=True)
class Facets:
    """What evidence can be filtered by: ``numbers`` ascending, kind and name of each, and the places under each.

    Those of facet ``i`` are ``places[starts[i] : starts[i + 1]]``, ascending.
    """

    numbers: Any
    kinds: Sequence[str]
    names: Sequence[str]
    starts: Any
    places: Any

    @cached_property
    def codes(self) -> Any:
        """The facet of each entry of ``places``."""
        import numpy

        return numpy.repeat(numpy.arange(len(self.numbers), dtype=numpy.int32), numpy.diff(self.starts))

    def of(self, code: int) -> Any:
        """Return the places under a facet."""
        return self.places[self.starts[code] : self.starts[code + 1]]

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """Kind → the facet at each place, -1 for none, of the kinds of which no row has two."""
        import numpy

        found = {}
        size = int(self.places.max()) + 1 if len(self.places) else 0
        for kind, (first, last) in self.stretches.items():
            begin, end = self.starts[first], self.starts[last]
            column = numpy.full(size, -1, dtype=numpy.int32)
            column[self.places[begin:end]] = self.codes[begin:end]
            if int((column >= 0).sum()) == end - begin:
                found[kind] = column
        return found

    @cached_property
    def stretches(self) -> Mapping[str, tuple[int, int]]:
        """Kind → its first facet and the one after its last."""
        found: dict[str, tuple[int, int]] = {}
        for code, kind in enumerate(self.kinds):
            found[kind] = (found.get(kind, (code, 0))[0], code + 1)
        return found

    def numbers_of(self, kind: str, values: Sequence[str]) -> list[int]:
        """Return the numbers of the facets of a kind that are called so."""
        first, last = self.stretches.get(kind, (0, 0))
        return [int(self.numbers[code]) for code in range(first, last) if self.names[code] in values]

    @property
    def topics(self) -> Sequence[str]:
        """The topics."""
        return self.names[slice(*self.stretches.get(TOPIC, (0, 0)))]

    @cached_property
    def ranks(self) -> Any:
        """The place of each facet's name among all names."""
        import numpy

        made = numpy.empty(len(self.names), dtype=numpy.int32)
        made[sorted(range(len(self.names)), key=self.names.__getitem__)] = numpy.arange(len(self.names), dtype=numpy.int32)
        return made


@dataclass(frozen=True)
class Index:
    """Arrays over places, all of one length, and the facets; ``seq`` tells the state of the database that they are of.

    ``propositions``, ``subjects`` and ``papers`` are hashes of this process: equal where what they stand for is.
    """

    seq: int
    ids: Any
    propositions: Any
    subjects: Any
    papers: Any
    weights: Any
    years: Any
    patients: Any
    rejected: Any
    background: Any
    facets: Facets
    kept: Held[Any] = field(default_factory=lambda: Held(64))
    rows: Held[Sequence[TableRow]] = field(default_factory=lambda: Held(20_000))

    @classmethod
    def of(cls, seq: int, columns: Sequence[Any], facets: Facets, rows: Held[Sequence[TableRow]] | None = None) -> Index:
        """Return an index of its columns, in the order of its fields; ``rows`` are those of the state before that still hold."""
        made = dict(zip(COLUMNS, columns, strict=True))
        return cls(seq=seq, facets=facets, **made) if rows is None else cls(seq=seq, facets=facets, rows=rows, **made)

    @property
    def size(self) -> int:
        """Number of rows of evidence."""
        return len(self.ids)

    @cached_property
    def places(self) -> Any:
        """Id of evidence → its place; -1 where there is none."""
        import numpy

        made = numpy.full(int(self.ids.max()) + 1 if self.size else 1, -1, dtype=numpy.int32)
        made[self.ids] = numpy.arange(self.size, dtype=numpy.int32)
        return made

    @cached_property
    def owners(self) -> Any:
        """The number of the proposition at each place."""
        return _numbered(self.propositions)

    @cached_property
    def groups(self) -> Any:
        """The number of the subject at each place."""
        return _numbered(self.subjects)

    @cached_property
    def levels(self) -> Any:
        """The points of the level at each place."""
        import numpy

        made = numpy.ones(self.size)
        for letter, points in LEVEL_WEIGHTS.items():
            made[self._having("level", letter.casefold())] = points
        return made

    @cached_property
    def sized(self) -> Any:
        """Where patients add points: at levels A to C, where the paper reports its own."""
        import numpy

        made = numpy.zeros(self.size, dtype=bool)
        for letter in SIZED:
            made[self._having("level", letter.casefold())] = True
        return made & ~self.background

    @cached_property
    def own(self) -> Any:
        """The patients that a paper itself reports, and that count: it is no review, and neither retracted nor rejected."""
        made = self.patients * (~self.background & (self.weights > 0) & ~self.rejected)
        made[self._having("study_type", str(StudyType.REVIEW))] = 0
        return made

    def _having(self, kind: str, name: str) -> Any:
        first, last = self.facets.stretches.get(kind, (0, 0))
        code = next((code for code in range(first, last) if self.facets.names[code].casefold() == name), None)
        return self.facets.places[:0] if code is None else self.facets.of(code)

    def mask_of(self, places: Any) -> Any:
        """Return the mask of places."""
        import numpy

        made = numpy.zeros(self.size, dtype=bool)
        made[places] = True
        return made

    def mask_of_ids(self, ids: Any) -> Any:
        """Return the mask of evidence by its ids."""
        return self.mask_of(self.places[ids])

    def mask_of_facets(self, numbers: Sequence[int]) -> Any:
        """Return the mask of the evidence that has one of the facets."""
        import numpy

        made = numpy.zeros(self.size, dtype=bool)
        for code in numpy.searchsorted(self.facets.numbers, numpy.array(numbers, dtype=numpy.int64)):
            made[self.facets.of(code)] = True
        return made

    @cached_property
    def opposed(self) -> Any:
        """The mask of the rows on a subject of which other evidence, not rejected, says the opposite."""
        import numpy

        if not self.size:
            return numpy.zeros(0, dtype=bool)
        shown = numpy.bincount(self.owners, ~self.rejected) > 0
        firsts, _ = _runs(self.owners)
        groups = self.groups[firsts]
        others = numpy.bincount(groups, shown)[groups] - shown
        return (others > 0)[self.owners]

    def counts(self, mask: Any, kinds: Sequence[str], most: int) -> dict[str, tuple[tuple[str, int], ...]]:
        """Count the propositions that a mask leaves under each value of some kinds of facet, the commonest first."""
        import numpy

        places = numpy.flatnonzero(mask)
        few = len(places) < self.size * FEW
        wanted = [kind for kind in kinds if kind in self.facets.stretches]
        short = [kind for kind in wanted if few and kind in self.facets.columns]
        counted = numpy.zeros(len(self.facets.numbers), dtype=numpy.int64)
        if short:
            counted += self._counted_short(places, [self.facets.columns[kind] for kind in short])
        for first, last in _joined([self.facets.stretches[kind] for kind in wanted if kind not in short]):
            counted[first:last] += self._counted(mask, first, last)
        return {kind: self._named(counted[slice(*self.facets.stretches[kind])], self.facets.stretches[kind][0], most) for kind in wanted}

    def _counted_short(self, places: Any, columns: Sequence[Any]) -> Any:
        """Count under kinds of which no row has two, for some rows: each pair of proposition and facet once."""
        import numpy

        size = len(self.facets.numbers)
        owners = self.owners[places].astype(numpy.int64) * size
        keys = numpy.concatenate([(owners + codes)[codes >= 0] for codes in (column[places] for column in columns)])
        keys.sort()
        new = numpy.ones(len(keys), dtype=bool)
        new[1:] = keys[1:] != keys[:-1]
        return numpy.bincount(keys[new] % size, minlength=size)

    def _counted(self, mask: Any, first: int, last: int) -> Any:
        """Count under a stretch of facets in one pass over its entries, in which those of a proposition follow each other."""
        import numpy

        facets = self.facets
        begin, end = facets.starts[first], facets.starts[last]
        chosen = numpy.flatnonzero(mask[facets.places[begin:end]])
        owners, codes = self.owners[facets.places[begin:end][chosen]], facets.codes[begin:end][chosen]
        new = numpy.ones(len(chosen), dtype=bool)
        new[1:] = (owners[1:] != owners[:-1]) | (codes[1:] != codes[:-1])
        return numpy.bincount(codes[new] - first, minlength=last - first)

    def _named(self, counted: Any, first: int, most: int) -> tuple[tuple[str, int], ...]:
        import numpy

        met = numpy.flatnonzero(counted)
        order = met[numpy.lexsort((self.facets.ranks[first + met], -counted[met]))][:most]
        return tuple((self.facets.names[first + code], int(counted[code])) for code in order)

    def left(self, mask: Any) -> Left:
        """Return the propositions that a mask leaves."""
        return Left(self, mask)


def _numbered(hashes: Any) -> Any:
    import numpy

    made = numpy.zeros(len(hashes), dtype=numpy.int32)
    numpy.cumsum(hashes[1:] != hashes[:-1], out=made[1:])
    return made


def _joined(stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches that follow each other."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


class Left:
    """The evidence that a mask leaves: ``places``, and where each proposition begins and ends among them."""

    def __init__(self, index: Index, mask: Any) -> None:
        import numpy

        self.index = index
        self.places = numpy.flatnonzero(mask)
        self.firsts, self.lasts = _runs(index.owners[self.places])
        self.total = len(self.firsts)

    @cached_property
    def subjects(self) -> Any:
        """The number of the subject of each proposition."""
        return self.index.groups[self.places[self.firsts]]

    def exact(self, sort: str) -> Any:
        """Return what each proposition has to be sorted by, the most first; zeros for the order of the table."""
        import numpy

        match sort:
            case "papers":
                papers = self.index.papers[self.places]
                again = numpy.zeros(len(papers), dtype=numpy.int64)
                again[1:] = papers[1:] == papers[:-1]
                again[self.firsts] = 0
                return self.lasts - self.firsts - numpy.add.reduceat(again, self.firsts)
            case "year":
                return numpy.maximum.reduceat(self.index.years[self.places], self.firsts)
            case _:
                return numpy.zeros(self.total)

    def bounds(self, sort: str) -> tuple[Any, Any]:
        """Return the least and the most that the support, or the patients, of each proposition can be; equal where it is known.

        What two papers share of a study is not known here, nor how far the opposite outweighs; one paper that nothing opposes is.
        """
        import numpy

        index, single = self.index, self.lasts - self.firsts == 1
        own = index.own[self.places]
        most = numpy.maximum.reduceat(own, self.firsts)
        if sort == "patients":
            return most.astype(float), numpy.add.reduceat(own, self.firsts).astype(float)
        weights = numpy.where(index.rejected[self.places], 0.0, index.weights[self.places])
        levels = index.levels[self.places]
        size = numpy.zeros(self.total)
        for least, points in reversed(SIZES):
            size[most >= least] = points
        added = numpy.where(index.sized[self.places], numpy.repeat(size, self.lasts - self.firsts), 0.0)
        points = weights * (levels + added) / levels
        high = numpy.add.reduceat(points, self.firsts)
        low = numpy.where(single, high, numpy.maximum.reduceat(weights, self.firsts))
        shared = numpy.bincount(self.subjects)[self.subjects] > 1
        all_high = numpy.bincount(self.subjects, high)[self.subjects]
        low = numpy.where(shared & (low > 0), low * low / numpy.maximum(low + all_high - high, 1e-9), low)
        known = single & ~shared
        return numpy.where(known, numpy.round(low, 2), low - 0.01), numpy.where(known, numpy.round(high, 2), high + CONFIRMED + 0.01)

    def of_subjects(self, chosen: Any) -> list[tuple[Any, Any]]:
        """Return (propositions, ids of their evidence) of each subject of the propositions given."""
        import numpy

        found = []
        for subject in numpy.unique(self.subjects[chosen]):
            first, last = numpy.searchsorted(self.subjects, [subject, subject + 1])
            found.append((range(int(first), int(last)), self.index.ids[self.places[self.firsts[first] : self.lasts[last - 1]]]))
        return found


def _runs(owners: Any) -> tuple[Any, Any]:
    import numpy

    if not len(owners):
        return owners, owners
    first = numpy.flatnonzero(numpy.r_[True, owners[1:] != owners[:-1]])
    return first, numpy.r_[first[1:], len(owners)]
