"""What a finished study says: its best points, as data and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors

__all__ = ["RANK", "best_points", "headed", "ranked_table", "score_of", "written"]

RANK = "rank"


def score_of(data: xr.Dataset, name: str, over: Sequence[str] = ()) -> xr.DataArray:
    """An output averaged over some of its dims; a point that failed anywhere has no score (NaN).

    Parameters
    ----------
    data : Dataset
        The results of a study.
    name : str
        The output.
    over : sequence of str
        Dims to average over.

    Returns
    -------
    DataArray
        Over the remaining dims, lazy when the data are.

    Examples
    --------
    >>> data = xr.Dataset({"rate": (("gNa", "sweep"), [[1.0, 3.0], [2.0, np.nan]])})
    >>> score_of(data, "rate", ["sweep"]).values
    array([ 2., nan])
    """
    if name not in data:
        raise errors.unknown("report", "output", name, [str(v) for v in data.data_vars])
    for dim in over:
        if dim not in data[name].dims:
            raise errors.unknown(f"report, output {name!r}", "dim", dim, [str(d) for d in data[name].dims])
    return data[name].mean(list(over), skipna=False, keep_attrs=True) if over else data[name]


def best_points(
    data: xr.Dataset, rank: str, over: Sequence[str] = (), n: int = 10, order: str = "largest"
) -> xr.Dataset:
    """The points with the best score, best first; points without a score are never among them.

    Parameters
    ----------
    data : Dataset
        The results of a study, lazy or not.
    rank : str
        The output that decides.
    over : sequence of str
        Dims (sweeps, repeats) to average it over first.
    n : int
        How many points at most.
    order : str
        "largest" or "smallest" is best.

    Returns
    -------
    Dataset
        Every variable at these points, along dim `rank` (from 1), loaded; parameters are coordinates; the score is in
        `score`.

    Raises
    ------
    DataError
        When no point has a score.

    Examples
    --------
    >>> data = xr.Dataset({"rate": (("gNa", "gK"), [[1.0, 5.0], [np.nan, 3.0]])}, {"gNa": [80, 120], "gK": [5, 6]})
    >>> found = best_points(data, "rate", n=2)
    >>> found.score.values, found.gNa.values, found.gK.values
    (array([5., 3.]), array([ 80, 120]), array([6, 6]))
    """
    score = score_of(data, rank, over)
    worth = score if order == "largest" else -score
    number = _top(worth.fillna(-np.inf), n)
    place = np.unravel_index(number, score.shape)
    chosen = {dim: xr.DataArray(index, dims=RANK) for dim, index in zip(score.dims, place, strict=True)}
    title = f"mean {rank}" if over else rank
    found = data.assign(score=score.assign_attrs(title=title)).isel(chosen).load()
    found = found.isel({RANK: np.flatnonzero(np.isfinite(found.score.values))})
    if not found.sizes[RANK]:
        raise errors.DataError(
            "report", f"no point has a score {rank!r}", mend="Look at `status` to see what became of them."
        )
    return found.assign_coords({RANK: np.arange(1, found.sizes[RANK] + 1)})


def _top(worth: xr.DataArray, n: int) -> npt.NDArray[np.intp]:
    """Flat numbers of the n largest values, largest first; equal values in the order of their numbers."""
    n = min(n, worth.size)
    if worth.chunks is None:
        flat = worth.values.ravel()
        return np.argsort(-flat, kind="stable")[:n]
    import dask.array

    flat = worth.data.ravel()
    number = np.asarray(dask.array.argtopk(flat, n).compute())
    values = np.asarray(flat[np.sort(number)].compute())
    return np.sort(number)[np.argsort(-values, kind="stable")]


def ranked_table(found: xr.Dataset, params: Sequence[str], columns: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts for the points of `best_points`: parameters, score, then the columns.

    A column with further dims (sweeps) is written as its values, one after the other.
    """
    names = [*params, *columns]
    yield (
        "",
        *(headed(found[p]) for p in params),
        found["score"].attrs["title"],
        *(headed(found[c]) for c in columns),
    )
    for number in range(found.sizes[RANK]):
        row = found.isel({RANK: number})
        cells = [written(row[name].values) for name in names]
        cells.insert(len(params), written(row["score"].values))
        yield (str(number + 1), *cells)


def headed(values: xr.DataArray) -> str:
    """The head of a column: its name and unit."""
    unit = str(values.attrs.get("units", "1"))
    return f"{values.name}" if unit in ("1", "") else f"{values.name} [{unit}]"


def written(values: npt.NDArray[Any]) -> str:
    """Values in a cell of a table, one after the other."""
    return " ".join(f"{v:.4g}" if values.dtype.kind == "f" else str(v) for v in np.ravel(values))
