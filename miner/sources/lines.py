"""Byte streams → numbered lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from miner.errors import InputError
from miner.sources.medline import CHUNK, Stream


def lines(stream: Stream, source: str) -> Iterator[tuple[int, str]]:
    r"""Yield (number from 1, line without its end); only ``\n`` ends a line. InputError names the line that is cut or no UTF-8."""
    number, rest = 0, b""
    while chunk := _chunk(stream, source, number):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield number, _decode(line, source, number)
    if rest:
        yield number + 1, _decode(rest, source, number + 1)


def _chunk(stream: Stream, source: str, number: int) -> bytes:
    try:
        return stream.read(CHUNK)
    except (EOFError, OSError) as error:
        raise InputError(f"{source}:{number + 1}: cannot be read further: {error}; fetch the file again") from error


def _decode(line: bytes, source: str, number: int) -> str:
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    try:
        return line.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}:{number}: is no UTF-8 at byte {error.start + 1}") from error
