"""JSON that shows its own damage: the text carries a checksum of itself, and only the very same bytes are accepted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sneuron import errors

__all__ = ["digest", "seal", "unseal"]


def digest(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def seal(body: Mapping[str, Any]) -> bytes:
    """`body` as JSON text with its checksum under the key `sum`.

    >>> b'"sum": "' in seal({"a": 1})
    True
    """
    plain = {key: value for key, value in body.items() if key != "sum"}
    return _text({**plain, "sum": digest(_text(plain))})


def unseal(data: bytes, file: Path | str) -> dict[str, Any]:
    """The body of a sealed text; DamageError naming `file` when a single byte of it is another."""
    try:
        body = json.loads(data.decode("utf8"))
    except (ValueError, RecursionError) as cause:
        raise damage(file, f"is not readable ({len(data):,} bytes)") from cause
    if not isinstance(body, dict) or seal(body) != data:
        raise damage(file, "does not match its own checksum")
    return body


def damage(file: Path | str, what: str, mend: str | None = None) -> errors.DamageError:
    """The error for a file whose bytes are not those that were written."""
    return errors.DamageError(str(file), f"the file is damaged: it {what}", mend=mend or "Run `sneuron verify`.")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: NumPy numbers and arrays become Python's, NaN and infinity become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _text(body: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain(body), sort_keys=True, ensure_ascii=False, indent=1, default=str) + "\n").encode("utf8")
