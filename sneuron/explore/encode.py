"""Plain data for what a plan holds: numbers, texts, and labelled arrays, losslessly and in one canonical form."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors

__all__ = ["canonical", "decode", "encode", "sha256"]

_TAG = "$"


def encode(value: Any, where: str) -> Any:
    """`value` as JSON holds it; arrays keep dims, coords, attrs and every bit.

    Raises
    ------
    PlanError
        For what has no such form (functions, open files, ...).

    Examples
    --------
    >>> encode({"window": (0, float("inf"))}, "outputs")
    {'window': [0, {'$': 'float', 'value': 'inf'}]}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, np.generic):
        return encode(value.item(), where)
    if isinstance(value, float):
        return value if math.isfinite(value) else {_TAG: "float", "value": str(value)}
    if isinstance(value, xr.Dataset | xr.DataArray):
        return _labelled(value, where)
    if isinstance(value, Mapping):
        return {str(k): encode(v, where) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encode(v, where) for v in value]
    if isinstance(value, np.ndarray):
        return _array(value, where)
    if hasattr(value, "magnitude") and hasattr(value, "units"):
        return f"{value.magnitude!r} {value.units:~C}"
    raise errors.PlanError(
        where,
        f"a {type(value).__name__} cannot be written into a plan",
        "numbers, texts, lists, dicts, arrays, DataArrays, Datasets",
    )


def decode(value: Any) -> Any:
    """The inverse of `encode`; tuples come back as lists."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    tag = value.get(_TAG)
    if tag == "float":
        return float(value["value"])
    if tag == "array":
        data = base64.b64decode(value["data"])
        return np.frombuffer(data, dtype=np.dtype(value["dtype"])).reshape(value["shape"]).copy()
    if tag == "dataset":
        return _dataset(value)
    if tag == "dataarray":
        (name,) = (n for n in value["variables"] if n not in value["coords"])
        return _dataset(value)[name].rename(value["name"])
    return {k: decode(v) for k, v in value.items()}


def canonical(data: Any) -> str:
    """The one JSON text of plain data: sorted keys, shortest exact floats, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256(data: Any) -> str:
    """Hash of the canonical text of plain data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def _array(value: np.ndarray, where: str) -> dict[str, Any]:
    if value.dtype.kind not in "biufUS":
        raise errors.PlanError(
            where, f"an array of dtype {value.dtype} cannot be written into a plan", "numbers and texts"
        )
    little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode()
    return {_TAG: "array", "dtype": little.dtype.str, "shape": list(value.shape), "data": data}


def _labelled(value: xr.Dataset | xr.DataArray, where: str) -> dict[str, Any]:
    single = isinstance(value, xr.DataArray)
    data = value.to_dataset(name="values") if isinstance(value, xr.DataArray) else value
    variables = {
        str(n): {"dims": list(v.dims), "values": _array(v.values, where), "attrs": encode(dict(v.attrs), where)}
        for n, v in data.variables.items()
    }
    own: dict[str, Any] = (
        {"name": None if value.name is None else str(value.name)} if isinstance(value, xr.DataArray) else {}
    )
    attrs = encode(dict(data.attrs), where)
    coords = sorted(str(c) for c in data.coords)
    return {_TAG: "dataarray" if single else "dataset", "variables": variables, "coords": coords, "attrs": attrs, **own}


def _dataset(value: Mapping[str, Any]) -> xr.Dataset:
    made = {
        n: xr.Variable(tuple(v["dims"]), decode(v["values"]), decode(v["attrs"])) for n, v in value["variables"].items()
    }
    coords = {n: made.pop(n) for n in value["coords"]}
    return xr.Dataset(made, coords=coords, attrs=decode(value["attrs"]))
