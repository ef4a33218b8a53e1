"""Open the database, or say why not: foreign, newer, read-only, broken. Nothing is written before the checks are done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from miner.errors import LockedError, StoreError
from miner.evidence.store_migrate import migrate
from miner.evidence.store_schema import SCHEMA

APPLICATION_ID = 0x4D494E52  # "MINR"
SCHEMA_VERSION = 4
WAIT_SECONDS = 30.0
CACHE_KB = 32_768
_MAGIC = b"SQLite format 3\x00"
_NO_WRITE_BIT = 0o222
_opened: set[tuple[int, int]] = set()


def open_database(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """Return a connection to a database of this schema, made if it is not there; raise StoreError where that cannot be."""
    path = Path(path)
    exists = _check_file(path, readonly=readonly)
    with told(path):
        if readonly and exists:
            _bring_up_to_date(path)
        connection = _connect_readonly(path) if readonly else sqlite3.connect(path, isolation_level=None, timeout=WAIT_SECONDS)
        try:
            fresh = _check_content(connection, path, exists=exists)
            if fresh and readonly:
                raise StoreError(f"{path} is an empty database; fill it with: miner refresh --db {path}")
            _prepare(connection, fresh=fresh, readonly=readonly)
            _opened.add(_identity(path))
        except BaseException:
            connection.close()
            raise
    return connection


def _check_file(path: Path, *, readonly: bool) -> bool:
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}; let its folder be read, or name another with --db") from error
    if is_folder:
        raise StoreError(f"{path} is a folder; name a database file with --db")
    if not exists:
        if readonly:
            raise StoreError(f"no database at {path}; make one with: miner refresh --db {path}")
        _make_parent(path)
        return False
    try:
        head = _head(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if head and head != _MAGIC:
        raise StoreError(f"{path} is no SQLite database; name another file with --db")
    if not readonly:
        _check_writable(path)
    return bool(head)


def _head(path: Path) -> bytes:
    """Return the first bytes of a file that no connection of this process has open.

    Closing a file drops every lock that the process holds on it, those of SQLite's other connections too; a writer would then
    take itself for the last one and remove the log that they read.
    """
    if _identity(path) in _opened:
        return _MAGIC
    with path.open("rb") as file:
        return file.read(len(_MAGIC))


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _make_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder of {path} cannot be made: {error.strerror}") from error
    if not path.parent.stat().st_mode & _NO_WRITE_BIT:
        raise StoreError(f"{path.parent} is a read-only folder; name another place with --db")


def _check_writable(path: Path) -> None:
    # The superuser passes every permission check, so the bits are read too: a file marked read-only is meant to be.
    for place, kind in ((path, "a read-only file"), (path.parent, "in a read-only folder")):
        if not place.stat().st_mode & _NO_WRITE_BIT:
            raise StoreError(f"{path} is {kind}; make it writable (chmod u+w {place}) or name another database with --db")


def _connect_readonly(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, timeout=WAIT_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        # A WAL database in a folder that cannot be written has no place for its index; without a log it cannot change either.
        connection.close()
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def _check_content(connection: sqlite3.Connection, path: Path, *, exists: bool) -> bool:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not exists or (application == 0 and version == 0 and tables == 0):
        return True
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; name another file with --db")
    if version > SCHEMA_VERSION:
        raise StoreError(f"{path} has schema {version}, this program knows {SCHEMA_VERSION}; upgrade the program")
    return False


def _prepare(connection: sqlite3.Connection, *, fresh: bool, readonly: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA case_sensitive_like = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    if readonly:
        connection.execute("PRAGMA query_only = ON")
        return
    if fresh:
        _create(connection)
    else:
        migrate(connection, SCHEMA_VERSION)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _bring_up_to_date(path: Path) -> None:
    """Migrate a database that is about to be read; one that cannot be written must be brought up to date elsewhere."""
    connection = _connect_readonly(path)
    try:
        if _check_content(connection, path, exists=True):
            return
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()
    if version < SCHEMA_VERSION:
        try:
            _check_writable(path)
        except StoreError as error:
            raise StoreError(f"{path} has schema {version}, this program reads {SCHEMA_VERSION}, and cannot change it: {error}") from error
        open_database(path, readonly=False).close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, with the file and what to do."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreError(f"{path}: a row breaks a rule of the schema ({error}); this is a bug") from error
    except sqlite3.OperationalError as error:
        raise _explained(path, error) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is damaged ({error}); restore it or rebuild it from its sources") from error


def _explained(path: Path, error: sqlite3.OperationalError) -> StoreError | LockedError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return LockedError(f"{path} is being written by another process; wait for it to end")
    if "full" in text:
        return StoreError(f"{path}: the disk is full; free some space and run again, nothing of this step was kept")
    if "disk I/O" in text:
        return StoreError(f"{path}: the disk is full or broken ({text}); nothing of this step was kept, run again when it is mended")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"{path} cannot be written or opened ({text}); check its folder and permissions")
    return StoreError(f"{path}: {text}")
