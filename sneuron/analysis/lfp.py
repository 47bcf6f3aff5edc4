"""LfpEst: what an electrode would see of a network: proxies, unitary potentials of spikes, fields of currents."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.analysis.fields import lead_field, places_of
from sneuron.labels import EVENT, EVENT_NEURON, EVENT_TIME, NEURON, SITE, SPIKE, SPIKE_TIME, TIME

__all__ = ["LfpEst"]

Array = NDArray[Any]
WHERE = "LfpEst"
USES = {
    "reference": {"excitation", "inhibition", "scale"},
    "currents": {"excitation", "inhibition", "scale"},
    "rate": {"dt", "window", "scale"},
    "kernel": {"sites", "positions", "inhibitory", "layer", "dt", "window"},
    "sources": {"sites", "positions", "matrix", "sigma", "radius", "balanced"},
}
"""Methods, and the arguments that each looks at."""
LAG, WEIGHT = 6.0, 1.65
"""Of the reference weighted sum: how late excitation counts (ms), and how much inhibition does."""
AMPLITUDES = {"soma": (0.48, 3.0), "deep": (-0.16, -0.2), "superficial": (0.24, -1.2), "surface": (-0.08, 0.3)}
"""Unitary potentials of excitatory and inhibitory cells (uV) at the cell itself, by layer."""
WIDTHS = (3.15, 2.1)
"""Standard deviations of both (ms)."""
LATENCY, VELOCITY, DECAY = 10.4, 200.0, 200.0
"""From spike to peak (ms), speed along the axon (um/ms), and how far unitary potentials reach (um)."""
FAR = 8.0
"""Standard deviations beyond which a unitary potential is 0: less than 2e-14 of its peak."""
UNBALANCED = 1e-6
"""Part of the sum of absolute currents that their sum may be."""


def LfpEst(
    network: Any,
    method: str = "reference",
    *,
    sites: Any = None,
    positions: Any = None,
    matrix: xr.DataArray | None = None,
    excitation: str = "i_exc",
    inhibition: str = "i_inh",
    inhibitory: Any = None,
    layer: str = "soma",
    dt: Any = 1.0,
    window: tuple[Any, Any] | None = None,
    scale: Any = None,
    sigma: Any = 0.3,
    radius: Any = 0.0,
    balanced: bool = False,
) -> xr.DataArray:
    r"""An estimate of the local field potential of a network; lazy where its data are.

    Parameters
    ----------
    network : Dataset or DataArray
        For "reference" and "currents" a run with traces of synaptic currents (..., neuron, time); for "rate" and
        "kernel" spikes (a run, `spike_time(..., neuron, spike)` in ms, or a raster of bool with `time`); for "sources"
        currents (..., source, time) that leave the cells, in nA or pA.
    method : {"reference", "currents", "rate", "kernel", "sources"}
        Proxies: the reference weighted sum, the sum of absolute currents, the rate of the neurons.  Potentials at
        sites: "kernel" adds the unitary potential of each spike, "sources" the potentials of currents.
    sites : array (site, axis), um
    positions : array (neuron, axis), um
        Of neurons, or of sources: points (source, axis) or lines (source, end, axis).  `position` of the network when
        omitted.
    matrix : DataArray (site, source), mV/nA, optional
        Of "sources", from `lead_field` or a model of your own, in place of sites, positions, sigma and radius.
    excitation, inhibition : str
        Names of the traces of both.
    inhibitory : array of bool (neuron), optional
        Of "kernel": which neurons are inhibitory; none when omitted.
    layer : {"soma", "deep", "superficial", "surface"}
        Of "kernel": where the sites are.
    dt : number or text, ms
        Of "rate" and "kernel": the interval of the result.
    window : (start, stop), ms, optional
        Of "rate" and "kernel": what is looked at; what the data state (`t_start`, `t_stop`) when omitted.
    scale : number or text, mV/nA (mV/Hz of "rate"), optional
        Turns a proxy into a potential.
    sigma : number or text, S/m
    radius : number or list, um
        Of the sources.
    balanced : bool
        Of "sources": currents that do not add up to 0 at each time, to a part in 10^6, are refused; those of lazy data
        give NaN.  Currents through membranes do, in each cell.

    Returns
    -------
    xarray.DataArray
        Potentials: dims (..., site, time), mV.  Proxies: dims (..., time), in the unit of the currents ("rate": Hz, the
        mean of all neurons), or mV with `scale`; the reference weighted sum is NaN in its first 6 ms.

    Raises
    ------
    DataError, ParameterError, UnitError
        For data without what a method needs, and for positions and matrices that do not fit.

    Notes
    -----
    Reference weighted sum :math:`\sum |I_E(t - 6 ms)| - 1.65 \sum |I_I(t)|` (Mazzoni et al. 2015,
    doi:10.1371/journal.pcbi.1004584), linear between samples.  Unitary potentials
    :math:`A\, e^{-d/\lambda} e^{-(t - t_s - 10.4 ms - d/v)^2/2\sigma^2}`, lambda 200 um, v 200 um/ms, sigma 3.15 ms of
    excitatory and 2.1 ms of inhibitory cells, A by layer (Telenczuk, Telenczuk & Destexhe 2020,
    doi:10.1016/j.jneumeth.2020.108871).  Sources: see `lead_field`; sums run over sources in their order, and do not
    depend on chunks.

    Examples
    --------
    >>> current = xr.DataArray([[1.0, 2.0]], dims=("source", "time"), attrs={"units": "nA"})
    >>> found = LfpEst(current, "sources", sites=[[10.0, 0.0, 0.0]], positions=[[0.0, 0.0, 0.0]])
    >>> found.dims, found.round(6).values
    (('site', 'time'), array([[0.026526, 0.053052]]))
    """
    if method not in USES:
        raise errors.unknown(f"{WHERE}: 'method'", "method", str(method), list(USES))
    _unused(
        method, sites=sites, positions=positions, matrix=matrix, excitation=excitation, inhibition=inhibition,
        inhibitory=inhibitory, layer=layer, dt=dt, window=window, scale=scale, sigma=sigma, radius=radius,
        balanced=balanced,
    )  # fmt: skip
    if method == "sources":
        field = _matrix(network, sites, positions, matrix, sigma, radius)
        return _fields(network, field, balanced)
    if method == "kernel":
        return _kernels(network, _Spots(network, sites, positions, inhibitory, layer), _grid(network, dt, window))
    if method == "rate":
        return _scaled(_rate(network, _grid(network, dt, window)), scale, "Hz")
    return _scaled(_proxy(network, method, excitation, inhibition), scale, "nA")


def _unused(method: str, **given: Any) -> None:
    """Refuse what a method would not look at, where it is not the default."""
    used = USES[method] - ({"sigma", "radius"} if given["matrix"] is not None else set())
    defaults = inspect.signature(LfpEst).parameters
    for name, value in given.items():
        if name not in used and (np.ndim(value) or value != defaults[name].default):
            raise errors.ParameterError(
                f"{WHERE}: {name!r}", f"method {method!r} has no use for it", mend="Leave it out."
            )


def _scaled(proxy: xr.DataArray, scale: Any, unit: str) -> xr.DataArray:
    if scale is None:
        return proxy
    factor = labels.number(scale, f"mV/{unit}", f"{WHERE}: 'scale'")
    there = labels.convert(1.0, str(proxy.attrs["units"]), unit, f"{WHERE}: 'scale'")
    volts: xr.DataArray = proxy * (factor * there)
    return volts.assign_attrs(proxy.attrs | {"units": "mV", "scale": factor})


# -- proxies -----------------------------------------------------------------------------------------------------------


def _trace(network: Any, name: str) -> xr.DataArray:
    """Absolute currents, added over neurons in their order."""
    if not isinstance(network, xr.Dataset) or name not in network:
        held = sorted(map(str, network.data_vars)) if isinstance(network, xr.Dataset) else None
        what = f"there is no trace {name!r}"
        raise errors.DataError(WHERE, what, held, mend=f"Record it: RunSim(..., record=[{name!r}]).")
    trace = network[name]
    if TIME not in trace.dims or TIME not in trace.coords or trace.dtype.kind not in "fiu":
        raise errors.DataError(
            f"{WHERE}: {name!r}", f"dims {trace.dims} are no trace", "(..., neuron, time), with time"
        )
    if "units" not in trace.attrs:
        raise errors.UnitError(f"{WHERE}: {name!r}", "the trace has no units", mend="Assign attrs['units'].")
    dims = [d for d in ("trace", NEURON) if d in trace.dims]
    if not dims:
        return abs(trace).assign_attrs(trace.attrs)
    ones = np.ones((1, trace.sizes[dims[0]]))
    return (
        _summed(abs(trace), xr.DataArray(ones, dims=(SITE, dims[0])), False).isel({SITE: 0}).assign_attrs(trace.attrs)
    )


def _proxy(network: Any, method: str, excitation: str, inhibition: str) -> xr.DataArray:
    exc, inh = _trace(network, excitation), _trace(network, inhibition)
    unit = str(exc.attrs["units"])
    found: xr.DataArray
    inh = inh * labels.convert(1.0, str(inh.attrs["units"]), unit, f"{WHERE}: {inhibition!r}")
    if method == "currents":
        found, name = exc + inh, "sum of absolute synaptic currents"
    else:
        found, name = _later(exc) - WEIGHT * inh, "reference weighted sum of synaptic currents"
    return found.transpose(..., TIME).rename("lfp").assign_attrs({"units": unit, "long_name": name, "method": method})


def _later(trace: xr.DataArray) -> xr.DataArray:
    """A trace as it was 6 ms ago: between two samples in a straight line."""
    time = np.asarray(trace[TIME].values, np.float64)
    step = (time[-1] - time[0]) / (time.size - 1) if time.size > 1 else math.nan
    if not (step > 0 and np.allclose(np.diff(time), step, rtol=1e-6)):
        raise errors.DataError(WHERE, "the samples of the traces are not evenly spaced")
    samples = LAG / step
    whole = round(samples)
    if abs(samples - whole) < 1e-6:
        return trace.shift({TIME: whole})
    low = math.floor(samples)
    share = samples - low
    return (1 - share) * trace.shift({TIME: low}) + share * trace.shift({TIME: low + 1})


# -- spikes ------------------------------------------------------------------------------------------------------------


def _grid(network: Any, dt: Any, window: Any) -> tuple[float, float, int]:
    """Start, interval and number of the samples of a result."""
    step = labels.number(dt, "ms", f"{WHERE}: 'dt'")
    if not 0 < step < math.inf:
        raise errors.TimeError(f"{WHERE}: 'dt'", f"{dt!r} is no interval", "above 0 ms")
    if window is None:
        start, stop = (_stated(network, name) for name in ("t_start", "t_stop"))
    else:
        start, stop = (labels.number(t, "ms", f"{WHERE}: 'window'") for t in window)
    if not start < stop:
        raise errors.TimeError(f"{WHERE}: 'window'", f"{start:g} to {stop:g} ms is no window")
    return start, step, math.floor((stop - start) / step + 1e-9)


def _stated(network: Any, name: str) -> float:
    held = [network, *(network.data_vars.values() if isinstance(network, xr.Dataset) else [])]
    found = [h.attrs[name] for h in held if hasattr(h, "attrs") and name in h.attrs]
    if not found:
        raise errors.TimeError(f"{WHERE}: 'window'", f"the data do not state {name}", mend="Give window=(start, stop).")
    return float(found[0])


def _inputs(network: Any) -> tuple[list[xr.DataArray], list[list[str]], Any]:
    """Arrays of spikes, their core dims, and what makes times and neurons of their blocks."""
    if isinstance(network, xr.Dataset) and EVENT_TIME in network and EVENT_NEURON in network:
        return [network[EVENT_TIME], network[EVENT_NEURON]], [[EVENT], [EVENT]], _from_events
    array = network.get(SPIKE_TIME) if isinstance(network, xr.Dataset) else network
    if isinstance(array, xr.DataArray) and NEURON in array.dims:
        if SPIKE in array.dims and array.dtype.kind == "f":
            return [array], [[NEURON, SPIKE]], _from_times
        if array.dtype == bool and TIME in array.coords:
            return [array], [[NEURON, TIME]], functools.partial(_from_raster, np.asarray(array[TIME].values, float))
    raise errors.DataError(
        WHERE, "these are no spikes of neurons",
        "a run, spike_time(..., neuron, spike), or a raster of bool (..., neuron, time)",
    )  # fmt: skip


def _from_events(times: Array, neurons: Array) -> tuple[Array, Array]:
    there = ~np.isnan(times)
    return times[there], neurons[there].astype(np.int64)


def _from_times(table: Array) -> tuple[Array, Array]:
    neuron, place = np.nonzero(~np.isnan(table))
    return table[neuron, place], neuron


def _from_raster(at: Array, table: Array) -> tuple[Array, Array]:
    neuron, place = np.nonzero(table)
    return at[place], neuron


def _over_points(network: Any, of: Any, outer: list[str], sizes: dict[str, int], grid: Any) -> xr.DataArray:
    """A function of times and neurons, of each point; lazily where the spikes are lazy."""
    arrays, core, read = _inputs(network)

    def block(*tables: Array) -> Array:
        shape = tables[0].shape[: tables[0].ndim - len(core[0])]
        found = np.empty((*shape, *sizes.values()))
        for at in np.ndindex(*shape):
            found[at] = of(*read(*(t[at] for t in tables)))
        return found

    found: xr.DataArray = xr.apply_ufunc(
        block, *arrays, input_core_dims=core, output_core_dims=[outer], dask="parallelized", output_dtypes=[float],
        dask_gufunc_kwargs={"output_sizes": sizes, "allow_rechunk": True}, exclude_dims=set().union(*core) & {TIME},
    )  # fmt: skip
    start, step, n = grid
    time = xr.DataArray(start + np.arange(n) * step, dims=TIME, attrs={"units": "ms", "long_name": "time"})
    return found.assign_coords({TIME: time}).rename("lfp")


def _neurons(network: Any) -> int:
    """How many neurons there are."""
    if isinstance(network, xr.Dataset | xr.DataArray) and NEURON in network.sizes:
        return int(network.sizes[NEURON])
    raise errors.DataError(
        WHERE, "the spikes do not say how many neurons there are", mend="Give them the dim 'neuron'."
    )


def _rate(network: Any, grid: tuple[float, float, int]) -> xr.DataArray:
    start, step, n = grid
    many = _neurons(network)

    def of(times: Array, neurons: Array) -> Array:
        place = np.floor((times - start) / step + 1e-9).astype(np.int64)
        inside = (place >= 0) & (place < n)
        return np.bincount(place[inside], minlength=n) / (many * step * 1e-3)

    found = _over_points(network, of, [TIME], {TIME: n}, grid)
    return found.assign_attrs({"units": "Hz", "long_name": "mean rate of the neurons", "method": "rate"})


class _Spots:
    """How strongly, how late and for how long each site sees a spike of each neuron."""

    def __init__(self, network: Any, sites: Any, positions: Any, inhibitory: Any, layer: str) -> None:
        if layer not in AMPLITUDES:
            raise errors.unknown(f"{WHERE}: 'layer'", "layer", str(layer), list(AMPLITUDES))
        many = _neurons(network)
        self.site, there = _needed(sites, "sites")
        _, own = _needed(_own(network, positions), "positions")
        if own.shape != (many, there.shape[1]):
            raise errors.DataError(f"{WHERE}: 'positions'", f"{own.shape} are no positions of {many} neurons")
        which = np.zeros(many, bool) if inhibitory is None else np.asarray(inhibitory)
        if which.shape != (many,) or which.dtype != bool:
            what = f"{which.shape} of {which.dtype} do not say which of {many} neurons"
            raise errors.DataError(f"{WHERE}: 'inhibitory'", what, "true or false for each")
        which = which.astype(int)
        distance = np.sqrt(((there[:, None] - own) ** 2).sum(-1))
        self.height = 1e-3 * np.asarray(AMPLITUDES[layer])[which] * np.exp(-distance / DECAY)
        self.delay = LATENCY + distance / VELOCITY
        self.width = np.asarray(WIDTHS)[which]

    def seen(self, times: Array, neurons: Array, grid: tuple[float, float, int]) -> Array:
        """Potentials, dims (site, time)."""
        start, step, n = grid
        reach = math.ceil(FAR * max(WIDTHS) / step)
        around = np.arange(-reach, reach + 1)
        rows = []
        for height, delay in zip(self.height, self.delay, strict=True):
            peak = (times + delay[neurons] - start) / step
            place = np.rint(peak).astype(np.int64)[:, None] + around
            off = (place - peak[:, None]) * (step / self.width[neurons][:, None])
            values = height[neurons][:, None] * np.exp(-0.5 * off**2) * (np.abs(off) <= FAR)
            inside = (place >= 0) & (place < n)
            rows.append(np.bincount(place[inside], values[inside], minlength=n))
        return np.stack(rows)


def _kernels(network: Any, spots: _Spots, grid: tuple[float, float, int]) -> xr.DataArray:
    of = functools.partial(spots.seen, grid=grid)
    sizes = {SITE: len(spots.height), TIME: grid[2]}
    found = _over_points(network, of, [SITE, TIME], sizes, grid)
    kept = {k: c for k, c in spots.site.coords.items() if c.dims == (SITE,)}
    attrs = {"units": "mV", "long_name": "local field potential", "method": "kernel"}
    return found.assign_coords(kept).assign_attrs(attrs)


def _own(network: Any, positions: Any) -> Any:
    """Positions as given, or as the network has them."""
    if positions is not None or not isinstance(network, xr.Dataset):
        return positions
    return network.get("position")


def _needed(given: Any, name: str) -> tuple[xr.DataArray, Array]:
    if given is None:
        raise errors.ParameterError(f"{WHERE}: {name!r}", "it is not said where they are", "an array of um")
    return places_of(given, f"{WHERE}: {name!r}")


# -- currents ----------------------------------------------------------------------------------------------------------


def _matrix(network: Any, sites: Any, positions: Any, matrix: Any, sigma: Any, radius: Any) -> xr.DataArray:
    """Potentials for currents, dims (site, source), mV/nA."""
    if matrix is None:
        if sites is None or positions is None:
            missing = "sites" if sites is None else "positions"
            raise errors.ParameterError(f"{WHERE}: {missing!r}", "it is not said where they are", "an array of um")
        return lead_field(positions, sites, sigma, radius)
    if sites is not None or positions is not None:
        raise errors.ParameterError(
            f"{WHERE}: 'matrix'", "it says where sites and sources are", mend="Give one of both."
        )
    if not isinstance(matrix, xr.DataArray) or matrix.ndim != 2 or SITE not in matrix.dims:
        raise errors.DataError(f"{WHERE}: 'matrix'", "it has not the dims (site, source)", "what lead_field returns")
    if not isinstance(network, xr.DataArray):
        return matrix
    factor = labels.convert(1.0, labels.units_of(matrix.attrs), "mV/nA", f"{WHERE}: 'matrix'")
    scaled: xr.DataArray = matrix * factor
    return scaled.transpose(SITE, ...)


def _fields(network: Any, matrix: xr.DataArray, balanced: bool) -> xr.DataArray:
    source = str(matrix.dims[1])
    if not isinstance(network, xr.DataArray) or source not in network.dims or network.dtype.kind not in "fiu":
        what = f"{type(network).__name__} holds no currents along {source!r}"
        raise errors.DataError(WHERE, what, f"a DataArray (..., {source}, time)")
    if network.sizes[source] != matrix.sizes[source]:
        what = f"there are {network.sizes[source]} currents, and {matrix.sizes[source]} sources"
        raise errors.DataError(WHERE, what, mend="Give one position for each current.")
    if "units" not in network.attrs:
        raise errors.UnitError(WHERE, "the currents have no units", "'nA', 'pA'", mend="Assign attrs['units'].")
    factor = float(labels.convert(1.0, str(network.attrs["units"]), "nA", f"{WHERE}: currents"))
    if balanced and network.chunks is None:
        _check_balance(network.transpose(..., source).values)
    found = _summed(network, matrix.drop_vars(source, errors="ignore") * factor, balanced)
    attrs = {"units": "mV", "long_name": "local field potential", "method": "sources"}
    last = [SITE, *([TIME] if TIME in found.dims else [])]
    return found.transpose(..., *last).rename("lfp").assign_attrs(attrs)


def _summed(values: xr.DataArray, matrix: xr.DataArray, balanced: bool) -> xr.DataArray:
    """Matrix times values, source by source: sums have the same bits however the rest is cut."""
    source = str(matrix.dims[1])
    table = matrix.values

    def block(currents: Array) -> Array:
        total = np.zeros((*currents.shape[:-1], len(table)))
        for k in range(table.shape[1]):
            total += currents[..., k, None] * table[:, k]
        if balanced:
            total[_off(currents)] = np.nan
        return total

    found: xr.DataArray = xr.apply_ufunc(
        block, values, input_core_dims=[[source]], output_core_dims=[[SITE]], dask="parallelized",
        output_dtypes=[float], dask_gufunc_kwargs={"output_sizes": {SITE: len(table)}, "allow_rechunk": True},
    )  # fmt: skip
    return found.assign_coords({k: c for k, c in matrix.coords.items() if c.dims == (SITE,)})


def _off(currents: Array) -> Array:
    """Where currents, last axis, do not add up to 0."""
    return np.asarray(np.abs(currents.sum(-1)) > UNBALANCED * np.abs(currents).sum(-1))


def _check_balance(currents: Array) -> None:
    off = _off(currents)
    if off.any():
        worst = float(np.abs(currents.sum(-1)).max())
        what = f"the currents add up to {worst:g} at {int(off.sum())} of {off.size} times"
        raise errors.DataError(
            f"{WHERE}: 'balanced'", what, "0", mend="Give all currents of a cell, stimuli among them."
        )
