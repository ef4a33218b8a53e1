"""Files that appear whole or not at all, or standard output in their place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from miner.errors import InputError


@contextmanager
def writing(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears whole or not at all."""
    with _opened(output, binary=False) as handle:
        yield handle


@contextmanager
def writing_bytes(output: Path | None) -> Iterator[BinaryIO]:
    """The same for bytes, which a terminal does not take."""
    if (output is None or str(output) == "-") and sys.stdout.isatty():
        raise InputError("this format is no text for a terminal; name a file with -o")
    with _opened(output, binary=True) as handle:
        yield handle


@contextmanager
def _opened(output: Path | None, *, binary: bool) -> Iterator[Any]:
    if output is None or str(output) == "-":
        yield sys.stdout.buffer if binary else sys.stdout
        return
    if output.is_dir():
        raise InputError(f"{output} is a folder; name a file to write")
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") if binary else part.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
        os.replace(part, output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
