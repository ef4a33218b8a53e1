"""Files and folders → records: the kind of a file is told by its content, not by its name."""

from __future__ import annotations

import gzip
import hashlib
import importlib
from collections.abc import Iterator
from contextlib import closing
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO, cast

from miner import plugins
from miner.errors import InputError, MinerError
from miner.schema import Record
from miner.sources import jsonl, medline, nbib
from miner.sources.ahead import Ahead
from miner.sources.items import Deleted, OnReject, Screen, Tally

AHEAD_FROM = 4 << 20  # bytes of a packed file from which a thread unpacks it

_GZIP = b"\x1f\x8b"
_IGNORED = frozenset({".md5", ".sha256"})


def read_records(
    path: Path, *, on_reject: OnReject | None = None, screen: Screen | None = None, tally: Tally | None = None
) -> Iterator[Record | Deleted]:
    """Yield the records and deletions of a file, or of every file of a folder in order of name.

    Parameters
    ----------
    path
        PubMed XML, nbib (MEDLINE) or JSONL, plain or gzipped, or a folder of these.
    on_reject
        Takes each XML record that cannot be read; without it such a record raises. A broken line of JSONL always raises.
    screen
        Leaves out, and counts in ``tally``, the records that cannot matter.

    Raises
    ------
    InputError
        The file is missing, unreadable, empty, cut, or none of these kinds.
    """
    tally = Tally() if tally is None else tally
    for file in source_files(path):
        yield from _read_file(file, on_reject, screen, tally)


def source_files(path: Path) -> tuple[Path, ...]:
    """The file itself, or the files of a folder in order of name; hidden files, checksums and subfolders are not sources."""
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if not path.is_dir():
            return (path,)
        files = tuple(sorted(f for f in path.iterdir() if f.is_file() and f.suffix not in _IGNORED and not f.name.startswith(".")))
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror or error}; let it be read, or name another source") from error
    if not files:
        raise InputError(f"{path}: the folder holds no files")
    return files


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes as they lie on disk."""
    with _open(path) as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        return digest.hexdigest()


def _read_file(path: Path, on_reject: OnReject | None, screen: Screen | None, tally: Tally) -> Iterator[Record | Deleted]:
    with _open(path) as raw, closing(_Source(raw)) as stream:
        match _kind(_head(stream, path)):
            case "xml":
                two = stream.ahead is not None
                yield from medline.read_stream(stream, path.name, on_reject=on_reject, screen=screen, tally=tally, two=two)
            case "nbib":
                yield from _screened(nbib.read_stream(stream, path.name), screen, tally)
            case "jsonl":
                yield from _screened(jsonl.read_stream(stream, path.name), screen, tally)
            case _:
                yield from _screened(_of_others(path, stream.head), screen, tally)


def _of_others(path: Path, head: bytes) -> Iterator[Record]:
    """Read a file by the first source of another package that recognises it; its failure is named."""
    for name, source in plugins.sources():
        try:
            if not source.recognises(head):
                continue
            yield from source.read(path)
            return
        except MinerError:
            raise
        except Exception as error:  # whatever a package of others raises
            raise InputError(f"{path}: the source {name} failed: {type(error).__name__}: {error}") from error
    others = "".join(f" nor {name}" for name, _ in plugins.sources())
    raise InputError(f"{path}: is neither PubMed XML nor nbib nor JSONL (one object a line){others}")


def _screened(records: Iterator[Record], screen: Screen | None, tally: Tally) -> Iterator[Record]:
    for record in records:
        if screen is None or screen.matches(record):
            tally.read += 1
            yield record
        else:
            tally.skipped += 1


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror or error}; let it be read, or name another source") from error


def _unpack(raw: BinaryIO) -> BinaryIO:
    """Open gzip through isal where it is installed (2.7 times faster), else through the standard library."""
    try:
        igzip = importlib.import_module("isal.igzip")
    except ImportError:
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    return cast(BinaryIO, igzip.IGzipFile(fileobj=raw))


def _head(stream: _Source, path: Path) -> bytes:
    try:
        head = stream.read(4096)
    except (EOFError, OSError) as error:
        raise InputError(f"{path}: cannot be read: {error}; fetch the file again") from error
    if not head.strip():
        raise InputError(f"{path}: is empty; fetch the file again")
    stream.head = head
    return head


def _kind(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return "xml"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "xml"
    if start.startswith(b"{"):
        return "jsonl"
    return "nbib" if nbib.looks_like(start) else None


class _Source:
    """The unpacked bytes of a file; ``head`` is what was read to tell its kind and is given out once more."""

    def __init__(self, raw: BinaryIO) -> None:
        packed = raw.read(2) == _GZIP
        large = raw.seek(0, SEEK_END) > AHEAD_FROM
        raw.seek(0)
        self.stream = _unpack(raw) if packed else raw
        self.head = b""
        self.ahead = Ahead(self.stream.read, medline.CHUNK) if packed and large else None

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; OSError or EOFError where they are damaged or cut."""
        if self.head:
            head, self.head = self.head, b""
            return head
        try:
            return self.ahead.read() if self.ahead else self.stream.read(size)
        except Exception as error:
            if type(error).__name__ in {"error", "IsalError"}:  # zlib's and isal's own classes
                raise OSError(str(error)) from error
            raise

    def close(self) -> None:
        """End the thread that unpacks, if there is one."""
        if self.ahead:
            self.ahead.close()
