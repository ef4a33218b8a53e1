"""A local mirror: order, checksums, holes, republished and cut files."""

from __future__ import annotations

import datetime
import gzip
import hashlib
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.evidence.store import Store
from miner.refresh import RunReport
from miner.sources.mirror import check_sum, is_mirror, mirror_files
from tests.http.bench import FUSED, OTHER, Bench, fused
from tests.http.records import Fake, document

NEWER = "An NTRK2 fusion drives it after all."
NEWEST = "An NTRK3 fusion drives it in the end."


class Mirror:
    """A folder with ``baseline`` and ``updatefiles``, and a bench that takes it in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mirror"
        self.bench = Bench(folder)
        for name in ("baseline", "updatefiles"):
            (self.folder / name).mkdir(parents=True)

    def put(self, number: int, *fakes: Fake, deleted: tuple[int, ...] = (), form: str = "MD5({name})= {sum}\n") -> Path:
        """Put a file, the first two into the baseline, with its checksum."""
        path = self.folder / ("baseline" if number < 3 else "updatefiles") / f"pubmed24n{number:04}.xml.gz"
        path.write_bytes(gzip.compress(document(fakes, deleted=deleted), mtime=0))
        self.sign(path, form)
        return path

    def sign(self, path: Path, form: str = "MD5({name})= {sum}\n") -> None:
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        path.with_name(path.name + ".md5").write_text(form.format(name=path.name, sum=digest))

    def refresh(self) -> RunReport:
        return self.bench.refresh(self.folder)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_files_are_applied_in_order_with_revisions_and_deletions(mirror: Mirror) -> None:
    mirror.put(3, fused(1, NEWER), deleted=(2,))
    mirror.put(1, fused(1), fused(2))
    mirror.put(4, fused(1, NEWEST), fused(4))
    mirror.put(2, fused(3))
    report = mirror.refresh()
    assert (report.outcome, report.sources, report.new, report.deleted) == ("done", 4, 4, 1)
    assert mirror.bench.held() == {
        "1": (NEWEST, "current", 1),
        "2": (FUSED, "withdrawn", 0),
        "3": (FUSED, "current", 1),
        "4": (FUSED, "current", 1),
    }
    with Store.open(mirror.bench.settings.db, readonly=True) as store:
        assert [version["text"] for version in store.versions("1")] == [FUSED, NEWER]
        assert [run.kind for run in store.runs()] == ["files"] * 4


def test_a_mirror_that_was_taken_in_writes_not_one_byte(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.refresh()
    before = mirror.bench.digest()
    report = mirror.refresh()
    assert (report.outcome, report.sources, report.sources_seen, mirror.bench.digest()) == ("unchanged", 1, 1, before)


def test_the_next_day_only_the_new_file_is_read(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.refresh()
    mirror.put(2, fused(2), fused(1, NEWER))
    report = mirror.refresh()
    assert (report.sources, report.sources_seen, report.read, report.new, report.changed) == (2, 1, 2, 1, 1)


def test_a_revision_without_the_terms_that_brought_the_paper_in_is_read(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.put(2, Fake(1, "Nothing of this."))
    mirror.refresh()
    assert mirror.bench.held() == {"1": ("Nothing of this.", "current", 0)}


@pytest.mark.parametrize("form", ["MD5({name})= {sum}\n", "MD5 (/data/{name}) = {sum}", "{sum}  {name}\n", "{sum} *{name}\n", "{sum}\n"])
def test_checksums_are_read_in_every_usual_form(mirror: Mirror, form: str) -> None:
    mirror.put(1, fused(1), form=form)
    assert mirror.refresh().new == 1


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("MD5({name})= 0123456789abcdef0123456789abcdef\n", "has MD5 [0-9a-f]{32}, and pubmed24n0002.xml.gz.md5 says 0123456789abcdef"),
        ("MD5(pubmed24n0009.xml.gz)= {sum}\n", "is no MD5 of pubmed24n0002.xml.gz"),
        ("<html>busy</html>", "is no MD5 of pubmed24n0002.xml.gz"),
        ("", "is no MD5 of pubmed24n0002.xml.gz"),
    ],
)
def test_a_wrong_checksum_ends_the_job_before_anything_is_applied(mirror: Mirror, form: str, told: str) -> None:
    mirror.put(1, fused(1))
    mirror.put(2, fused(2), form=form)
    with pytest.raises(InputError, match=told):
        mirror.refresh()
    assert not mirror.bench.settings.db.exists()


def test_a_cut_file_is_never_half_applied(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.refresh()
    path = mirror.put(3, fused(2), fused(3), fused(4))
    whole = path.read_bytes()
    path.rename(path.with_name("pubmed24n0002.xml.gz"))
    path.with_name(path.name + ".md5").unlink()
    path = path.with_name("pubmed24n0002.xml.gz")
    path.write_bytes(whole[:-40])
    with pytest.raises(InputError, match=r"has no pubmed24n0002\.xml\.gz\.md5"):
        mirror.refresh()
    mirror.sign(path)  # the checksum is of the cut file: only its content can tell
    with pytest.raises(InputError, match=r"cannot be read|is cut"):
        mirror.refresh()
    assert list(mirror.bench.held()) == ["1"]
    path.write_bytes(whole)
    mirror.sign(path)
    assert (mirror.refresh().new, sorted(mirror.bench.held())) == (3, ["1", "2", "3", "4"])


def test_a_file_that_fails_leaves_the_ones_before_it_applied(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    path = mirror.put(2, fused(2))
    path.write_bytes(gzip.compress(document([fused(2)])[:-25]))
    mirror.sign(path)
    with pytest.raises(InputError):
        mirror.refresh()
    assert list(mirror.bench.held()) == ["1"]
    mirror.put(2, fused(2))
    report = mirror.refresh()
    assert (report.sources_seen, report.new) == (1, 1)


def test_a_hole_in_the_numbers_is_an_error(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.put(4, fused(4))
    with pytest.raises(InputError, match=r"pubmed24n0002\.xml\.gz and 1 more is missing"):
        mirror.refresh()


def test_a_hole_behind_files_that_were_applied_and_cleared_away_is_an_error(mirror: Mirror) -> None:
    first = mirror.put(1, fused(1))
    mirror.refresh()
    first.unlink()
    mirror.put(3, fused(3))
    with pytest.raises(InputError, match=r"pubmed24n0002\.xml\.gz is missing"):
        mirror.refresh()
    mirror.put(2, fused(2))
    assert mirror.refresh().new == 2


def test_a_number_that_stands_twice_is_an_error(mirror: Mirror) -> None:
    path = mirror.put(1, fused(1))
    (mirror.folder / "updatefiles" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="stands twice"):
        mirror.refresh()


def test_a_mirror_without_any_checksum_is_read_as_it_is(mirror: Mirror) -> None:
    mirror.put(1, fused(1)).with_name("pubmed24n0001.xml.gz.md5").unlink()
    assert mirror.refresh().new == 1


def test_a_republished_file_and_all_after_it_are_applied_again(mirror: Mirror) -> None:
    mirror.put(1, fused(1), fused(5))
    mirror.put(2, fused(1, NEWER))
    mirror.put(3, deleted=(5,))
    mirror.refresh()
    mirror.put(1, fused(1, "An NTRK1 fusion, as published again."), fused(5), fused(6))
    report = mirror.refresh()
    assert (report.outcome, report.sources_seen) == ("done", 0)
    assert mirror.bench.held() == {"1": (NEWER, "current", 1), "5": (FUSED, "withdrawn", 0), "6": (FUSED, "current", 1)}
    assert mirror.refresh().outcome == "unchanged"


def test_what_was_set_aside_of_a_file_is_tried_again_alone(mirror: Mirror) -> None:
    mirror.put(1, fused(1), fused(2, "BROKEN NTRK2 fusion"))
    mirror.put(2, fused(1, NEWER))
    assert mirror.refresh().outcome == "partial"
    mirror.bench.miner.mined.clear()
    report = mirror.refresh()
    assert (report.outcome, report.set_aside, report.sources_seen, mirror.bench.miner.mined) == ("partial", 1, 1, [])
    assert mirror.bench.held() == {"1": (NEWER, "current", 1)}


def test_a_new_year_follows_the_old_one(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.put(2, fused(1, NEWER))
    path = mirror.folder / "baseline" / "pubmed25n0001.xml.gz"
    path.write_bytes(gzip.compress(document([fused(1, NEWEST, changed=datetime.date(2024, 2, 1))])))
    mirror.sign(path)
    mirror.refresh()
    assert mirror.bench.held() == {"1": (NEWEST, "current", 1)}


def test_a_folder_of_other_files_is_no_mirror(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(document([fused(1)]))
    (tmp_path / "pubmed24n0001.xml.gz.md5").write_text("")
    assert not is_mirror(tmp_path)


def test_files_are_told_in_order_and_partial_downloads_left_out(mirror: Mirror) -> None:
    for number in (3, 1, 2):
        mirror.put(number, fused(number, OTHER))
    (mirror.folder / "updatefiles" / ".pubmed24n0004.xml.gz.Xy1").write_bytes(b"half")
    files = mirror_files(mirror.folder)
    assert [file.number for file in files] == [1, 2, 3]
    for file in files:
        check_sum(file)


def test_a_later_file_of_the_same_content_counts_again(mirror: Mirror) -> None:
    mirror.put(1, fused(1))
    mirror.put(2, deleted=(1,))
    mirror.refresh()
    mirror.put(3, fused(1))
    mirror.refresh()
    assert mirror.bench.held() == {"1": (FUSED, "current", 1)}
