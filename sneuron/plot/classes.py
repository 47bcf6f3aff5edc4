"""Where in parameter space classes live, what they do there, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from sneuron import errors
from sneuron.labels import TIME, flag_names
from sneuron.plot.decimate import decimated
from sneuron.plot.draw import GREY, INK, label, spread, tidy
from sneuron.plot.map import edges, log_spread

__all__ = ["PlotClasses"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_HUES = ("#aab4be", "#5c6b73", "#dfe4e8", "#0f6fb3", "#8f5fbf", "#d1495b", "#d98c00", "#2e933c", "#3aa6b9", "#7a5230")
"""Colours of classes, in the order of their flags: what does little is grey."""
_NONE, _NOTHING = "none", "#ffffff"
_WIDTH, _EDGE, _HEAD, _TRACE, _CELL, _SIDE, _GAP, _OUTPUTS = 14.0, 0.35, 0.95, 0.92, 1.02, 4.2, 0.06, 2.8
"""Inches at least: of the figure; around it; the bar of shares; a trace; a cell of the matrix, and all of it; between
cells; panels of outputs.
"""
_BINS, _GRID = 24, 14
_COLUMNS, _DOTS = 2500, 20_000
_FEW = 5


@dataclass(frozen=True, eq=False)
class _Classes:
    """The class of each point, by number, -1 for none; names and colours of those that occur."""

    number: IntArray
    names: tuple[str, ...]
    hues: tuple[str, ...]

    @property
    def counts(self) -> IntArray:
        return np.bincount(self.number[self.number >= 0], minlength=len(self.names))

    def values(self, column: FloatArray, name: str) -> FloatArray:
        """What a column holds at the points of a class, where it holds a number."""
        there: FloatArray = column[self.number == self.names.index(name)]
        return np.asarray(there[np.isfinite(there)])


def PlotClasses(
    data: xr.Dataset,
    of: str,
    params: Sequence[str],
    examples: xr.Dataset | None = None,
    lower: str | None = None,
    upper: str | None = None,
    against: Sequence[str] | None = None,
    spread: str | None = None,
) -> Figure:
    """How many points have each flag of an output, where they live, what they do there, and an example of each.

    Parameters
    ----------
    data : Dataset
        The results of a study: the output `of`, a flag with the attributes `flag_values` and `flag_meanings`, over any
        dims; parameters as coordinates.
    of : str
        The output that is drawn.
    params : sequence of str
        Parameters of the matrix. On its diagonal, the shares of all classes over one parameter; below it, the share
        of `lower` over each pair; above it, that of `upper`.
    examples : Dataset, optional
        `v(class, time)` (mV) of a point of each class, the names of classes, and the parameters along `class`.
    lower, upper : str, optional
        Names of classes; the two most frequent when omitted.
    against : (str, str), optional
        Two outputs, one drawn over the other (across, up) at up to 20,000 points of each class.
    spread : str, optional
        An output whose distribution in each class is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    DataError
        `of` is no flag; an output has dims that `of` has not; no point has a class.
    UnknownNameError
        An output, a parameter or a class that there is not.

    Examples
    --------
    >>> flags = {"flag_values": [0.0, 1.0], "flag_meanings": "silent tonic", "long_name": "how it fires"}
    >>> gna = np.linspace(80, 160, 50)
    >>> data = xr.Dataset({"fires": ("point", (gna > 100) * 1.0, flags)}, {"gNa": ("point", gna)})
    >>> figure = PlotClasses(data, "fires", ["gNa"])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['silent 26.0 %', 'tonic 74.0 %']
    """
    columns = {name: _column(data, name, of) for name in (of, *params, *(against or ()), *([spread] if spread else ()))}
    classes = _classes(data[of], columns[of])
    shown = [_named(name, classes, data[of]) for name in _pair(classes, lower, upper)]
    rows = 0 if examples is None else _rows(examples, params)
    cell = max(_CELL, _SIDE / max(1, len(params)) - _GAP)
    side = len(params) * (cell + _GAP)
    head, block = _EDGE + _HEAD, rows * _TRACE + (0.55 if rows else 0.0)
    left = 1.0 + side + 1.15
    width = max(_WIDTH, left + _OUTPUTS + _EDGE)
    figure = Figure(figsize=(width, head + block + max(side, _SIDE) + 0.95 + _EDGE))
    page = _Page(figure, width)
    about = [str(data.attrs.get("title", "")), str(data[of].attrs.get("long_name", of))]
    _shares(page, classes, ": ".join(filter(None, about)), head)
    if examples is not None:
        _examples(page, examples, data, params, classes, head)
    top = head + block + 0.2
    _matrix(page, data, {p: columns[p] for p in params}, classes, shown, (top, cell))
    below = 2 if against and spread else 1
    room = (max(side, _SIDE) - 0.85 * (below - 1)) / below
    if against is not None:
        ax = page.axes(left, top, width - _EDGE - left, room)
        _against(ax, data, [columns[name] for name in against], against, classes)
    if spread is not None:
        ax = page.axes(left, top + (below - 1) * (room + 0.85), width - _EDGE - left, room)
        _spread(ax, data[spread], columns[spread], classes)
    return figure


@dataclass(frozen=True)
class _Page:
    """A figure on which axes are placed in inches from its top left corner."""

    figure: Figure
    width: float

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        wide, high = self.width, self.figure.get_size_inches()[1]
        return self.figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))


def _column(data: xr.Dataset, name: str, of: str) -> FloatArray:
    """Values of an output or a parameter at each point, in the order of the dims of `of`."""
    if name not in data.variables:
        raise errors.unknown("PlotClasses", "output or parameter", name, [str(v) for v in data.variables])
    array, dims = data[name], data[of].dims
    if not set(array.dims) <= set(dims):
        raise errors.DataError("PlotClasses", f"{name!r} has dims {array.dims}", f"some of {dims}")
    return spread(array, {d: data.sizes[d] for d in dims}).astype(np.float64).ravel()


def _classes(flags: xr.DataArray, values: FloatArray) -> _Classes:
    names = flag_names(flags.attrs, f"PlotClasses, {flags.name!r}")
    hues = {name: _HUES[k % len(_HUES)] for k, name in enumerate(names.values())}
    held = {value: name for value, name in names.items() if (values == value).any()}
    if not held:
        raise errors.DataError("PlotClasses", f"no point has a class {flags.name!r}", mend="Look at `status`.")
    number = np.full(values.size, -1)
    for k, value in enumerate(held):
        number[values == value] = k
    return _Classes(number, tuple(held.values()), tuple(hues[n] for n in held.values()))


def _pair(classes: _Classes, lower: str | None, upper: str | None) -> list[str]:
    """The classes below and above the diagonal."""
    frequent = [classes.names[k] for k in np.argsort(-classes.counts, kind="stable")]
    first = lower or next((n for n in frequent if n != upper), frequent[0])
    return [first, upper or next((n for n in frequent if n != first), frequent[0])]


def _named(name: str, classes: _Classes, flags: xr.DataArray) -> str:
    """A class by name, one that occurs or one that might."""
    known = list(flag_names(flags.attrs, "PlotClasses").values())
    if name not in known:
        raise errors.unknown("PlotClasses", "class", name, known)
    return name


def _rows(examples: xr.Dataset, params: Sequence[str]) -> int:
    """How many examples there are; each has a voltage and all parameters."""
    lacking = [name for name in ("v", "class", *params) if name not in examples.variables]
    if lacking:
        mend = "Give v over class and time, with the parameters as coordinates along class."
        raise errors.DataError("PlotClasses", f"the examples have no {lacking[0]!r}", mend=mend)
    return examples.sizes["class"]


def _shares(page: _Page, classes: _Classes, title: str, head: float) -> None:
    """One bar, as long as all points, and what its parts mean."""
    ax = page.axes(_EDGE, 0.42, page.width - 2 * _EDGE, 0.26)
    total, left = classes.number.size, 0.0
    parts = [*zip(classes.names, classes.hues, classes.counts, strict=True)]
    lost = int(np.count_nonzero(classes.number < 0))
    parts += [(_NONE, _NOTHING, np.int64(lost))] if lost else []
    for _, hue, many in parts:
        ax.barh(0, many, left=left, height=1.0, color=hue, edgecolor="white" if hue != _NOTHING else GREY, lw=0.8)
        left += float(many)
    ax.set_xlim(0, total)
    ax.set_ylim(-0.5, 0.5)
    ax.set_axis_off()
    ax.set_title(f"{title} ({total:,} points)", loc="left", fontsize=13, color=INK, fontweight="bold", pad=7)
    handles = [
        Patch(fc=hue, ec=GREY if hue == _NOTHING else "none", label=f"{name} {_percent(many / total)}")
        for name, hue, many in parts
    ]
    high = page.figure.get_size_inches()[1]
    page.figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=((_EDGE - 0.1) / page.width, 1 - (head - 0.55) / high),
        ncols=len(parts), frameon=False, fontsize=9.5, handlelength=0.9, handleheight=0.9, columnspacing=1.6,
    )  # fmt: skip


def _percent(share: float) -> str:
    """A share as text: one digit, two for what is rare.

    >>> _percent(0.123), _percent(0.0004)
    ('12.3 %', '0.04 %')
    """
    return f"{100 * share:.1f} %" if share >= 1e-3 or share == 0 else f"{100 * share:.2g} %"


def _examples(
    page: _Page, examples: xr.Dataset, data: xr.Dataset, params: Sequence[str], classes: _Classes, top: float
) -> None:
    """A trace of each class, with the parameters of its point in words and as bars over their ranges."""
    names = [str(name) for name in examples["class"].values]
    for row, name in enumerate(names):
        at, y = examples.isel({"class": row}), top + 0.3 + row * _TRACE
        hue = classes.hues[classes.names.index(name)] if name in classes.names else INK
        ax = page.axes(_EDGE + 0.45, y, page.width - 3.9, _TRACE - 0.3)
        ax.plot(*decimated(at["v"], _COLUMNS), color=INK, lw=0.6)
        values = ",  ".join(f"{p} {float(at[p]):.3g}" for p in params if p in at.coords)
        ax.set_title(name, loc="left", fontsize=9.5, color=_dark(hue), fontweight="bold", pad=2)
        ax.set_title(values, loc="right", fontsize=7, color="#5c6b73", pad=2)
        ax.set_xlim(*(float(t) for t in at[TIME].values[[0, -1]]))
        _bare(ax, bottom=row == len(names) - 1)
        _profile(
            page.axes(page.width - 2.7, y, 2.7 - _EDGE, _TRACE - 0.3), at, data, params, hue, row == len(names) - 1
        )
    low, high = float(examples["v"].min()), float(examples["v"].max())
    for ax in page.figure.axes[1::2][: len(names)]:
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        ax.set_yticks([-50, 0] if low < -50 else [0], ["-50", "0 mV"] if low < -50 else ["0 mV"])


def _bare(ax: Axes, bottom: bool) -> None:
    """Thin scales; time under the last trace only."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines["bottom"].set_visible(bottom)
    ax.tick_params(labelsize=7, length=2, pad=1.5, labelbottom=bottom, bottom=bottom)
    if bottom:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t / 1000:g} s"))


def _profile(ax: Axes, at: xr.Dataset, data: xr.Dataset, params: Sequence[str], hue: str, named: bool) -> None:
    """Where each parameter of a point lies between the least and the greatest of all points."""
    ends = [(float(data[p].min()), float(data[p].max())) for p in params]
    part = [(float(at[p]) - low) / (high - low or 1.0) for p, (low, high) in zip(params, ends, strict=True)]
    place = np.arange(len(params))
    ax.bar(place, 1.0, color="#f0f2f4", width=0.72)
    ax.bar(place, part, color=hue, width=0.72)
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    ax.set_xticks(place, list(params) if named else [""] * len(params), fontsize=7)
    ax.tick_params(axis="x", length=0, pad=2)
    ax.spines[:].set_visible(False)


def _dark(hue: str) -> str:
    """A colour for text: pale ones are given up."""
    red, green, blue = (int(hue[k : k + 2], 16) for k in (1, 3, 5))
    return hue if 0.3 * red + 0.59 * green + 0.11 * blue < 150 else "#5c6b73"


# -- the matrix --------------------------------------------------------------------------------------


def _matrix(
    page: _Page,
    data: xr.Dataset,
    columns: Mapping[str, FloatArray],
    classes: _Classes,
    shown: list[str],
    place: tuple[float, float],
) -> None:
    """Pairs of parameters: the share of one class below the diagonal, of another above, of all on it.

    `place` is the top of the matrix and the side of a cell.
    """
    params, left, (top, cell) = list(columns), 1.0, place
    coarse = {p: _edges(values, _GRID) for p, values in columns.items()}
    places = {p: _bin(values, coarse[p]) for p, values in columns.items()}
    maps = {(x, y): _share_map(places[x], places[y], coarse[x].size - 1, coarse[y].size - 1, classes, shown[j > i])
            for i, y in enumerate(params) for j, x in enumerate(params) if i != j}  # fmt: skip
    scales = [max([float(np.nanmax(m)) for (x, y), m in maps.items() if (params.index(x) > params.index(y)) == side]
                  or [1.0]) for side in (False, True)]  # fmt: skip
    for i, y in enumerate(params):
        for j, x in enumerate(params):
            ax = page.axes(left + j * (cell + _GAP), top + i * (cell + _GAP), cell, cell)
            if i == j:
                _stack(ax, columns[x], classes)
            else:
                drawn, ramp = np.ma.masked_invalid(maps[x, y]), _ramp(classes, shown[j > i])
                ax.pcolormesh(coarse[x], coarse[y], drawn, cmap=ramp, vmin=0, vmax=scales[j > i], rasterized=True)
                ax.set_ylim(coarse[y][0], coarse[y][-1])
            ax.set_xlim(coarse[x][0], coarse[x][-1])
            _scaled(ax, data[x], coarse[x], "x", i == len(params) - 1)
            _scaled(ax, data[y], coarse[y], "y", j == 0 and i > 0)
    if len(params) > 1:
        side = len(params) * (cell + _GAP)
        _bars(page, classes, shown, scales, left, top + side + 0.52, side)


def _edges(values: FloatArray, bins: int) -> FloatArray:
    """Edges of bins over the range of values; around each of them where they are few."""
    held = np.unique(values[np.isfinite(values)])
    if held.size <= bins:
        return edges(held)[0]
    low, high = float(held[0]), float(held[-1])
    return np.geomspace(low, high, bins + 1) if log_spread(values) else np.linspace(low, high, bins + 1)


def _bin(values: FloatArray, sides: FloatArray) -> IntArray:
    return np.clip(np.searchsorted(sides, values, "right") - 1, 0, sides.size - 2)


def _share_map(x: IntArray, y: IntArray, across: int, up: int, classes: _Classes, name: str) -> FloatArray:
    """The part of the points of each cell that is of a class; NaN where no point is."""
    cell = y * across + x
    own = classes.number == (classes.names.index(name) if name in classes.names else -2)
    many = np.bincount(cell[classes.number >= 0], minlength=across * up)
    part = np.bincount(cell[own], minlength=across * up)
    return np.where(many, part / np.maximum(many, 1), np.nan).reshape(up, across)


def _stack(ax: Axes, values: FloatArray, classes: _Classes) -> None:
    """Shares of all classes over one parameter, one above the other."""
    sides = _edges(values, _BINS)
    place = _bin(values, sides)
    many = range(len(classes.names))
    counts = np.stack([np.bincount(place[classes.number == k], minlength=sides.size - 1) for k in many])
    share = counts / np.maximum(counts.sum(0), 1)
    below = np.zeros(sides.size - 1)
    for part, hue in zip(share, classes.hues, strict=True):
        ax.stairs(below + part, sides, baseline=below, fill=True, color=hue, lw=0)
        below = below + part
    ax.set_ylim(0, 1)


def _ramp(classes: _Classes, name: str) -> LinearSegmentedColormap:
    """From white to the colour of a class, and on to a dark shade of it."""
    hue = classes.hues[classes.names.index(name)] if name in classes.names else GREY
    return LinearSegmentedColormap.from_list(name, ["#ffffff", hue, _shade(hue)])


def _shade(hue: str) -> str:
    parts = [int(int(hue[k : k + 2], 16) * 0.45) for k in (1, 3, 5)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _scaled(ax: Axes, coord: xr.DataArray, sides: FloatArray, name: str, shown: bool) -> None:
    """The ends of an axis and its name, at the rim of the matrix only."""
    axis = ax.xaxis if name == "x" else ax.yaxis
    ax.spines[:].set_linewidth(0.5)
    ax.spines[:].set_color("#9aa5b1")
    ax.tick_params(axis="x" if name == "x" else "y", length=2 if shown else 0, labelsize=7, pad=1.5)
    if ax.get_ylim() == (0.0, 1.0) and name == "y":
        axis.set_ticks([])
        return
    if log_spread(sides):
        ax.set(**{f"{name}scale": "log"})
    ends = [float(sides[0]), float(sides[-1])]
    axis.set_ticks(ends, [_end(end, ends) for end in ends] if shown else ["", ""])
    if shown:
        unit = str(coord.attrs.get("units", ""))
        text = f"{coord.name}\n[{unit}]" if unit not in ("", "1") else str(coord.name)
        axis.set_label_text(text, fontsize=8.5)
        first, last = axis.get_ticklabels()
        first.set(**({"ha": "left"} if name == "x" else {"va": "bottom"}))
        last.set(**({"ha": "right"} if name == "x" else {"va": "top"}))


def _end(end: float, ends: list[float]) -> str:
    """The end of a range, short; next to nothing is 0.

    >>> _end(0.0004, [0.0004, 12.4998]), _end(12.4998, [0.0004, 12.4998])
    ('0', '12.5')
    """
    return "0" if abs(end) < 1e-3 * max(map(abs, ends)) else f"{end:.3g}"


def _bars(
    page: _Page, classes: _Classes, shown: list[str], scales: list[float], left: float, top: float, width: float
) -> None:
    """What the colours of the two halves mean."""
    for k, (name, side) in enumerate(zip(shown, ("below", "above"), strict=True)):
        ax = page.axes(left + k * (width / 2 + 0.1), top, width / 2 - 0.3, 0.11)
        bar = page.figure.colorbar(
            ScalarMappable(Normalize(0, 100 * scales[k]), _ramp(classes, name)), cax=ax, orientation="horizontal"
        )
        bar.outline.set_linewidth(0.5)
        bar.ax.tick_params(labelsize=7, length=2, pad=1.5)
        bar.set_label(f"{side} the diagonal: % {name}", fontsize=8.5)


# -- outputs -----------------------------------------------------------------------------------------


def _against(ax: Axes, data: xr.Dataset, columns: list[FloatArray], names: Sequence[str], classes: _Classes) -> None:
    """One output over another, a dot a point, rare classes on top."""
    rng = np.random.default_rng(0)
    held = np.isfinite(columns[0]) & np.isfinite(columns[1])
    for k in np.argsort(-classes.counts, kind="stable"):
        there = np.flatnonzero(held & (classes.number == k))
        chosen = there if there.size <= _DOTS else np.sort(rng.choice(there, _DOTS, replace=False))
        style: dict[str, Any] = {"s": 1.5 if chosen.size > 2000 else 5.0, "lw": 0, "alpha": 0.6, "rasterized": True}
        ax.scatter(columns[0][chosen], columns[1][chosen], color=classes.hues[k], **style)
    for name, column, axis in zip(names, columns, "xy", strict=True):
        if _wide(column[held]):
            ax.set(**{f"{axis}scale": "log"})
        ax.set(**{f"{axis}label": label(data[name])})
    _plain(ax)


def _spread(ax: Axes, output: xr.DataArray, column: FloatArray, classes: _Classes) -> None:
    """The distribution of an output in each class that has it: its shape, its middle half, and its median."""
    held = [name for name in classes.names if classes.values(column, name).size]
    every = np.concatenate([np.zeros(0), *(classes.values(column, name) for name in held)])
    log = _wide(every)
    ax.set_yscale("log" if log else "linear")
    for place, name in enumerate(held):
        values, hue = classes.values(column, name), classes.hues[classes.names.index(name)]
        if np.unique(values).size > _FEW:
            _shape(ax, place, values, hue, log)
        else:
            ax.plot(np.full(values.size, place), values, "o", ms=3, color=hue)
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        ax.plot([place, place], [low, high], color=INK, lw=2.5, solid_capstyle="butt")
        ax.plot(place, middle, "o", ms=4.5, mfc="white", mec=INK, mew=1)
    if every.size:
        low, high = float(every.min()), float(every.max())
        room = 0.04 * (high - low) or 1.0
        ax.set_ylim(*((low / 1.2, high * 1.2) if log else (low - room, high + room)))
    ax.set_xticks(range(len(held)), held)
    ax.set_ylabel(label(output))
    _plain(ax)


def _shape(ax: Axes, place: int, values: FloatArray, hue: str, log: bool) -> None:
    """A violin, as wide as the density of the values, or of their logarithms."""
    drawn: Any = ax.violinplot(
        [np.log10(values) if log else values], [place], widths=0.85, showextrema=False, points=200
    )
    for body in drawn["bodies"]:
        body.set(facecolor=hue, edgecolor="none", alpha=0.85)
        if log:
            corners = body.get_paths()[0].vertices
            corners[:, 1] = 10.0 ** corners[:, 1]


def _wide(values: FloatArray) -> bool:
    """Whether positive values differ so much that they are drawn on a log scale."""
    return bool(values.size and values.min() > 0 and values.max() > 20 * values.min())


def _plain(ax: Axes) -> None:
    tidy(ax)
    ax.tick_params(labelsize=8)
    ax.xaxis.label.set_fontsize(9)
    ax.yaxis.label.set_fontsize(9)
