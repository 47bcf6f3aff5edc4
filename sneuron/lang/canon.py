"""Canonical JSON: one text for one thing, read back strictly.

Sorted keys, no spaces, ASCII, floats that round-trip exactly; what JSON readers usually let through in silence
(NaN, 1e999, duplicate keys, lone surrogates, bombs) is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from sneuron import errors

__all__ = ["MAX_BYTES", "MAX_DEPTH", "digest", "dumps", "loads", "unwrapped"]

MAX_BYTES, MAX_DEPTH = 1_000_000, 100


def dumps(thing: Any) -> str:
    """The canonical text of dicts, lists, texts, truths and finite numbers."""
    return json.dumps(thing, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(text: str) -> str:
    """The sha256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def loads(text: str | bytes, where: str) -> Any:
    """What a JSON text holds.

    Raises
    ------
    ModelError
        For texts over 1 MB or nested deeper than 100 (found before any parsing), NaN and infinities, numbers too large
        for a float, duplicate keys, a byte order mark, lone surrogates, bytes that are not UTF-8, and broken JSON.
    """
    text = _decoded(text, where)
    _check_depth(text, where)
    try:
        held = json.loads(
            text, parse_constant=_no_constant(where), parse_float=_floats(where), object_pairs_hook=_unique(where)
        )
    except (json.JSONDecodeError, RecursionError, ValueError) as cause:
        if isinstance(cause, errors.SneuronError):
            raise
        place = f" (line {cause.lineno}, column {cause.colno})" if isinstance(cause, json.JSONDecodeError) else ""
        raise errors.ModelError(where, f"this is no JSON: {str(cause).split(':')[0][:80]}{place}") from None
    _check_text(held, where)
    return held


def unwrapped(data: Any, kind: str, schema: str, where: str) -> Any:
    """What a dict with "schema" holds under `kind`; any other thing as it is."""
    if not isinstance(data, Mapping) or kind not in data:
        return data
    extra = [k for k in data if k not in ("schema", kind)]
    if extra:
        raise errors.unknown(where, "field", str(extra[0]), ["schema", kind])
    if data.get("schema") != schema:
        raise errors.ModelError(
            where, f"schema {data.get('schema')!r:.60} is not known", schema, mend="Read it with a newer sneuron."
        )
    return data[kind]


def _decoded(text: str | bytes, where: str) -> str:
    if len(text) > MAX_BYTES:
        raise errors.ModelError(where, f"{len(text)} bytes of JSON are too many", possible=f"at most {MAX_BYTES}")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as cause:
            raise errors.ModelError(where, f"byte {cause.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise errors.ModelError(where, "the text begins with a byte order mark", mend="Save it as UTF-8 without BOM.")
    return text


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def _check_depth(text: str, where: str) -> None:
    """Count brackets outside of strings."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        char = found.group()
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH:
            raise errors.ModelError(where, "the JSON is nested too deep", possible=f"depth {MAX_DEPTH}")


def _no_constant(where: str) -> Any:
    def refuse(word: str) -> Any:
        raise errors.ModelError(
            where, f"{word} is not a number of JSON", mend='Write "inf" or "-inf" where a bound is open.'
        )

    return refuse


def _floats(where: str) -> Any:
    def read(word: str) -> float:
        value = float(word)
        if math.isinf(value):
            raise errors.ModelError(where, f"{word[:40]} is too large a number", possible="at most 1.8e308")
        return value

    return read


def _unique(where: str) -> Any:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        held = dict(pairs)
        if len(held) < len(pairs):
            seen: set[str] = set()
            twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise errors.ModelError(where, f"key {twice!a:.60} occurs twice")
        return held

    return build


def _check_text(held: Any, where: str) -> None:
    """Refuse lone surrogates anywhere."""
    stack = [held]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, str) and not item.isascii():
            try:
                item.encode("utf-8")
            except UnicodeEncodeError:
                raise errors.ModelError(where, f"text {item!a:.60} holds half a character") from None
