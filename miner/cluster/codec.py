"""Plain records ↔ JSON: what a worker mined, written down without loss.

Numbers keep their kind (5 is not 5.0) and a referent its class; two readings are equal before and after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from miner import schema

T = TypeVar("T")
_KIND = "is"
_REFERENTS = {kind.__name__: kind for kind in get_args(schema.Referent)}


def dumps(value: Any) -> str:
    """Write a record of ``schema``, or a tuple of them, as JSON; fields that hold their default are left out."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def loads(kind: type[T], text: str) -> T:
    """Read what ``dumps`` wrote of a value of this kind; ValueError where it is none."""
    try:
        value: T = _made(kind, json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no {getattr(kind, '__name__', kind)}: {error}") from error
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        body = {name: _plain(held) for name, default in _defaults(type(value)) if (held := getattr(value, name)) != default}
        return {_KIND: type(value).__name__, **body} if type(value).__name__ in _REFERENTS else body
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    return value.value if isinstance(value, Enum) else value


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    if isinstance(value, dict) and _KIND in value:
        kind = _REFERENTS[value[_KIND]]
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return None if value is None else _made(next(one for one in get_args(kind) if one is not NoneType), value)
    if origin is tuple:
        parts = get_args(kind)
        kinds = parts[:1] * len(value) if parts[-1:] == (...,) else parts
        return tuple(_made(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        keys, values = get_args(kind)
        return {keys(key): _made(values, held) for key, held in value.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _made(hints[name], held) for name, held in value.items() if name != _KIND})
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value
