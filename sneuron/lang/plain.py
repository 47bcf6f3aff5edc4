"""Descriptions as dicts, texts and numbers that JSON can hold, and back, checked against the annotations of fields."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from sneuron import errors

__all__ = ["as_plain", "from_plain"]

_T = TypeVar("_T")


def as_plain(thing: Any) -> Any:
    """A description as dicts, texts and numbers that JSON can hold; infinities become "inf" and "-inf"."""
    if dataclasses.is_dataclass(thing):
        return {f.name: as_plain(getattr(thing, f.name)) for f in dataclasses.fields(thing) if not _unsaid(thing, f)}
    if isinstance(thing, Mapping):
        return {str(key): as_plain(value) for key, value in thing.items()}
    if isinstance(thing, float) and math.isinf(thing):
        return "inf" if thing > 0 else "-inf"
    return thing


def _unsaid(thing: Any, known: dataclasses.Field[Any]) -> bool:
    """Whether a later field holds its default."""
    if not known.metadata.get("later"):
        return False
    default = known.default if known.default_factory is dataclasses.MISSING else known.default_factory()
    return bool(getattr(thing, known.name) == default)


def from_plain(kind: type[_T], data: Any, where: str) -> _T:
    """The description of type `kind` that `data` (dicts, texts, numbers) holds.

    Raises
    ------
    ModelError
        When a field is unknown, missing, or of the wrong type; `where` and the field are named.
    """
    if isinstance(data, kind):
        return data
    if not isinstance(data, Mapping):
        raise errors.ModelError(where, f"{data!r:.60} is no table of fields", possible=_fields(kind))
    hints = typing.get_type_hints(kind)
    for key in data:
        if key not in hints:
            raise errors.unknown(where, "field", str(key), sorted(hints))
    for known in dataclasses.fields(kind):  # type: ignore[arg-type]
        if (
            known.name not in data
            and known.default is dataclasses.MISSING
            and known.default_factory is dataclasses.MISSING
        ):
            raise errors.ModelError(where, f"field {known.name!r} is missing", possible=_fields(kind))
    return kind(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in data.items()})


def _fields(kind: type) -> list[str]:
    return [f.name for f in dataclasses.fields(kind)]


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` checked against the annotation of its field."""
    origin = typing.get_origin(hint)
    if origin is Mapping:
        return _mapping(typing.get_args(hint)[1], value, where)
    if origin is types.UnionType:
        return value if isinstance(value, str) else from_plain(typing.get_args(hint)[1], value, where)
    if hint is Any:
        return _free(value, where)
    if dataclasses.is_dataclass(hint):
        return from_plain(typing.cast("Any", hint), value, where)
    if hint is float:
        return _float(value, where)
    if type(value) is not hint:
        raise errors.ModelError(where, f"{value!r:.60} is no {'text' if hint is str else hint.__name__}")
    return value


def _mapping(item: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise errors.ModelError(where, f"{value!r:.60} is no table")
    return {str(key): _value(item, held, f"{where}.{key}") for key, held in value.items()}


def _free(value: Any, where: str) -> Any:
    """Numbers, texts and truths, in lists and tables; all numbers as floats, so that equal ones are the same text."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _free(held, f"{where}.{key}") for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_free(held, where) for held in value]
    return _float(value, where)


def _float(value: Any, where: str) -> float:
    """A number, or one of the texts "inf" and "-inf"."""
    if value in ("inf", "-inf") and isinstance(value, str):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.ModelError(where, f"{value!r:.60} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.nan
    if math.isnan(number):
        raise errors.ModelError(where, f"{value!r:.20} is no number that a computer can hold")
    return number
