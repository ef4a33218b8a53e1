"""The support of a proposition: one score that a reader can recompute by hand.

Each study counts once, with the points of its best paper:

- level: A 5, B 4, C 3, D 2, E 1;
- patients, where the study is at level A, B or C and its papers report its own: 1 from 10 on, 2 from 100, 3 from 1,000;
- halved where the paper hedges, halved again where it only repeats others (which adds no patients), halved again under an
  expression of concern; nothing where it is retracted or withdrawn, or a curator rejected it.

One point more where studies of at least two different years agree. The sum is multiplied by the consistency: the points for
the proposition over the points for it and for its opposite (same claim, profile, tumour and therapies, the other direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from miner.schema import Polarity, Status

if TYPE_CHECKING:
    from miner.evidence.studies import Study
    from miner.evidence.table import Paper

LEVEL_WEIGHTS = {"A": 5.0, "B": 4.0, "C": 3.0, "D": 2.0, "E": 1.0}
STATUS_WEIGHTS = {Status.CURRENT: 1.0, Status.CONCERN: 0.5, Status.RETRACTED: 0.0, Status.WITHDRAWN: 0.0}
_BY_NAME = {str(status): value for status, value in STATUS_WEIGHTS.items()}
SIZES = ((1000, 3.0), (100, 2.0), (10, 1.0))
CONFIRMED = 1.0


@dataclass(frozen=True, slots=True)
class Support:
    """The score and what it is made of: ``points`` of the studies, one for confirmation, ``consistency`` 0 to 1."""

    points: float
    confirmed: float
    consistency: float
    studies: int
    patients: int | None
    first: int | None
    last: int | None

    @property
    def value(self) -> float:
        """The score, to two digits."""
        return round((self.points + self.confirmed) * self.consistency, 2)

    def __str__(self) -> str:
        told = f"{self.studies} {'study' if self.studies == 1 else 'studies'} {self.points:g}"
        told += f" + {self.confirmed:g} confirmed {self.first}–{self.last}" if self.confirmed else ""
        return f"support {self.value:g} ({told}" + (f" × consistency {self.consistency:.2f})" if self.consistency < 1 else ")")


def weigh(level: str, polarity: str, background: bool, record_status: str) -> float:
    """Return the points of a level, halved where hedged, where only repeated, under a concern; nothing where retracted."""
    unsure = 0.5 if polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL) else 1.0
    repeated = 0.5 if background else 1.0
    return LEVEL_WEIGHTS[level] * unsure * repeated * _BY_NAME[record_status]


def paper_points(paper: Paper, patients: int | None = None) -> float:
    """Return the points of one paper, those of its patients among them."""
    if paper.status == "rejected":
        return 0.0
    weight = weigh(paper.level, paper.polarity, paper.background, paper.record_status)
    counted = paper.level in "ABC" and not paper.background
    size = next((points for least, points in SIZES if patients and patients >= least), 0.0) if counted else 0.0
    return weight * (LEVEL_WEIGHTS[paper.level] + size) / LEVEL_WEIGHTS[paper.level]


def study_points(study: Study) -> float:
    """Return the points of a study: those of its best paper."""
    if len(study.papers) == 1:
        return paper_points(study.papers[0], study.n_patients)
    return max(paper_points(paper, study.n_patients) for paper in study.papers)


def points(studies: Sequence[Study]) -> float:
    """Return the points of studies."""
    return sum(map(study_points, studies))


def support(studies: Sequence[Study], opposed: float = 0.0) -> Support:
    """Return the support of a proposition by its studies, against the points of those for the opposite."""
    counted = [(study, value) for study in studies if (value := study_points(study))]
    sound = [study for study, _ in counted]
    own = sum(value for _, value in counted)
    years = {study.lead.year for study in sound if study.lead.year and not study.is_repeated}
    patients = [study.n_patients for study in sound if study.n_patients]
    return Support(
        points=own,
        confirmed=CONFIRMED if len(years) > 1 else 0.0,
        consistency=own / (own + opposed) if own else 1.0,
        studies=len(sound),
        patients=sum(patients) if patients else None,
        first=min(years, default=None),
        last=max(years, default=None),
    )
