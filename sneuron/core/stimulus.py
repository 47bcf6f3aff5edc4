"""Stimuli as data: steps, ramps, sines, chirps, pulses, frozen noise, replayed recordings."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import ROLE, model_of
from sneuron.lang.emit import EDGE
from sneuron.lang.model import Waveform, load_stimulus
from sneuron.lang.program import Wave

__all__ = ["InjCur", "chirp", "noise", "pulses", "ramp", "replay", "sine", "step"]

SAMPLE = "sample"
NOISE_STEP = 0.1
"""Sampling interval (ms) of frozen noise; between samples the current is a straight line."""

Array = NDArray[Any]


def step(amplitude: Any, start: Any = 0.0, stop: Any = np.inf) -> xr.Dataset:
    """A step of current: `amplitude` from `start` to `stop`.

    Parameters
    ----------
    amplitude : number, text with unit, list or DataArray
        In the current unit of the neuron (uA/cm2 or pA).  A list makes the dim `step.amplitude`.
    start, stop : same, ms
        The instant `start` belongs to the step, `stop` does not.

    Returns
    -------
    xarray.Dataset
        The stimulus, for `InjCur`.

    Examples
    --------
    >>> step(10, start=50, stop=450).attrs["kind"]
    'step'
    """
    return _stimulus("step", amplitude=amplitude, start=start, stop=stop)


def ramp(first: Any, last: Any, start: Any = 0.0, stop: Any = 1000.0) -> xr.Dataset:
    """A current that grows in a straight line from `first` at `start` to `last` at `stop`, and is 0 outside (ms)."""
    return _stimulus("ramp", first=first, last=last, start=start, stop=stop)


def sine(
    amplitude: Any, freq: Any, offset: Any = 0.0, phase: Any = 0.0, start: Any = 0.0, stop: Any = np.inf
) -> xr.Dataset:
    """Offset + amplitude sin(2 pi freq (t - start) + phase) from `start` to `stop` (ms; freq in Hz, phase in rad)."""
    return _stimulus("sine", amplitude=amplitude, freq=freq, offset=offset, phase=phase, start=start, stop=stop)


def chirp(
    amplitude: Any, freq_first: Any, freq_last: Any, offset: Any = 0.0, start: Any = 0.0, stop: Any = 10000.0
) -> xr.Dataset:
    """A sine whose frequency grows linearly from `freq_first` to `freq_last` (Hz) between `start` and `stop` (ms).

    Puil, Gimbarzevsky & Miura 1986, doi:10.1152/jn.1986.55.5.995.
    """
    return _stimulus(
        "chirp", amplitude=amplitude, freq_first=freq_first, freq_last=freq_last, offset=offset, start=start, stop=stop
    )


def pulses(amplitude: Any, width: Any, period: Any, start: Any = 0.0, count: Any = np.inf) -> xr.Dataset:
    """A train of `count` rectangular pulses of `width`, one each `period`, from `start` (ms)."""
    return _stimulus("pulses", amplitude=amplitude, width=width, period=period, start=start, count=count)


def noise(
    mean: Any = 0.0, std: Any = 1.0, tau: float = 3.0, start: Any = 0.0, stop: float = 1000.0, seed: Any = 0
) -> xr.Dataset:
    """Frozen noise: one Ornstein-Uhlenbeck current, the same for every neuron that shares its seed.

    Parameters
    ----------
    mean, std : number, list or DataArray
        In the current unit of the neuron; may differ from point to point while the noise stays the same.
    tau : float, ms
        Correlation time; 0 gives independent samples.
    start, stop : ms
    seed : int or sequence of int
        Several seeds make the dim `seed`... of independent noises.

    Returns
    -------
    xarray.Dataset

    Notes
    -----
    w(t + d) = w(t) exp(-d/tau) + sqrt(1 - exp(-2d/tau)) xi, exact for any d; drawn every 0.1 ms from Philox
    keyed by the seed, with straight lines between: the same current under any dt.
    Mainen & Sejnowski 1995, doi:10.1126/science.7770778.
    """
    where = "noise"
    length = labels.number(stop, "ms", where) - float(np.min(labels_number(start, "ms", where)))
    tau_ms = labels.number(tau, "ms", where)
    if not 0 < length < 1e9 or tau_ms < 0:
        raise errors.TimeError(
            where, f"stop {stop!r} and tau {tau!r} cannot be", mend="Give stop > start, and tau >= 0, in ms."
        )
    seeds = seed if isinstance(seed, xr.DataArray) else _seeds(seed)
    samples = {"n": int(np.ceil(length / NOISE_STEP)) + 1, "tau": tau_ms}
    rows = xr.apply_ufunc(_drawn, seeds, kwargs=samples, output_core_dims=[[SAMPLE]], vectorize=True)
    made = _stimulus("noise", mean=mean, std=std, start=start, stop=stop)
    return _with_wave(made, rows, NOISE_STEP).assign_attrs(tau=tau_ms, seed=np.asarray(seeds).ravel().tolist())


def replay(recording: Any, scale: Any = 1.0, offset: Any = 0.0, start: Any = 0.0, hold: bool = False) -> xr.Dataset:
    """A recorded current, played again.

    Parameters
    ----------
    recording : DataArray, dims (..., time)
        With a `time` coordinate (ms, or with units) and units of current; other dims, such as `sweep`,
        become dims of the state.
    scale, offset : number, list or DataArray
        scale * recording + offset is injected while it plays; nothing before and after.
    start : number, ms
        When its first sample is played.
    hold : bool
        Keep each sample until the next one; straight lines between samples otherwise.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    DataError
        Without an evenly spaced `time` coordinate, or with NaN.
    """
    where = "replay"
    if not isinstance(recording, xr.DataArray) or labels.TIME not in recording.coords:
        raise errors.DataError(
            where,
            "a DataArray with a 'time' coordinate is needed",
            mend="xr.DataArray(i, dims='time', coords={'time': t})",
        )
    time = recording[labels.TIME]
    t = np.asarray(labels.convert(time.values.astype(float), labels.units_of(time.attrs), "ms", f"{where}: time"))
    gap = np.diff(t)
    if t.size < 2 or not np.allclose(gap, gap[0], rtol=1e-3) or gap[0] <= 0:
        raise errors.DataError(
            where, "the time coordinate is not evenly spaced and growing", mend="Interpolate it onto even times."
        )
    if recording.dtype.kind not in "fiu" or not np.all(np.isfinite(recording.values)):
        raise errors.DataError(where, "the recording holds values that are not numbers", mend="Cut or fill them.")
    made = _stimulus("replay", scale=scale, offset=offset, start=start)
    wave = recording.astype(np.float64).transpose(..., labels.TIME)
    interval = float((t[-1] - t[0]) / (t.size - 1))
    samples = wave.rename({labels.TIME: SAMPLE}).drop_vars(SAMPLE)
    return _with_wave(made.assign_attrs(hold=int(hold)), samples, interval)


def InjCur(state: xr.Dataset, stimulus: xr.Dataset | xr.DataArray | Any) -> xr.Dataset:
    """The state with one more current injected.

    Parameters
    ----------
    state : Dataset
        From `InitNeu`.
    stimulus : Dataset, number or DataArray
        From `step`, `ramp`, `sine`, `chirp`, `pulses`, `noise` or `replay`; a number (or labelled array
        without time) is a constant current; a DataArray with `time` is replayed.

    Returns
    -------
    xarray.Dataset
        Parameters of the stimulus are variables such as `step.amplitude`; new dims of the stimulus are
        new dims of the state.  Stimuli add up.

    Raises
    ------
    UnitError
        When the unit of the stimulus is no current of this neuron.

    Notes
    -----
    C dv/dt = I + sum of stimuli - sum of membrane currents.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InjCur(InitNeu({"model": "hh"}), step([5, 10], start=50, stop=450))
    >>> cell["step.amplitude"].values
    array([ 5., 10.])
    """
    model = model_of(state, "InjCur")
    if not (isinstance(stimulus, xr.Dataset) and "kind" in stimulus.attrs):
        return _constant_or_replayed(state, stimulus, model.current_unit)
    kind = str(stimulus.attrs["kind"])
    listed = json.loads(state.attrs["stimulus"])
    name = _free_name(kind, [s["name"] for s in listed])
    unit = model.current_unit
    variables = {
        f"{name}.{k}": _in_unit(v, unit, f"InjCur: {k!r} of {kind!r}")
        for k, v in stimulus.variables.items()
        if k in stimulus.data_vars
    }
    swept = {k: f"{name}.{str(k).removeprefix(kind + '.')}" for k in stimulus.dims if str(k).startswith(kind + ".")}
    swept |= {SAMPLE: f"{name}.{SAMPLE}"} if SAMPLE in stimulus.dims else {}
    added = xr.Dataset(variables, coords=stimulus.coords).rename(swept)
    for k in swept.values():
        if k in added.coords:
            added[k].attrs.update(units=unit if not added[k].attrs.get("units") else added[k].attrs["units"])
    entry = {"name": name, "kind": kind} | {
        k: v for k, v in stimulus.attrs.items() if k in ("interval", "tau", "seed", "hold")
    }
    merged = xr.merge([state, added], combine_attrs="override", join="exact", compat="equals")
    return merged.assign_attrs(state.attrs | {"stimulus": json.dumps([*listed, entry])})


def waves_of(state: xr.Dataset) -> tuple[Wave, ...]:
    """The stimuli of a state as the compiler wants them."""
    return tuple(_wave(s["name"], s["kind"]) for s in json.loads(state.attrs["stimulus"]))


@functools.lru_cache(maxsize=64)
def _wave(name: str, kind: str) -> Wave:
    found = load_stimulus(kind)
    current = _current(found, kind)
    used = {s.name for s in current.free_symbols} - {"t", "w"}
    return Wave(name, current, tuple(sorted(used)), found.played)


def _current(found: Waveform, kind: str) -> sp.Expr:
    symbols = {n: sp.Symbol(n, real=True) for n in ("t", "w", "mean", "std", "scale", "offset", "start", "stop")}
    on = sp.And(symbols["t"] >= symbols["start"], symbols["t"] < symbols["stop"])
    if kind == "noise":
        return sp.Piecewise((symbols["mean"] + symbols["std"] * symbols["w"], on), (0, True))
    if kind == "replay":
        return sp.Piecewise((symbols["scale"] * symbols["w"] + symbols["offset"], on), (0, True))
    current = found.current
    for name in reversed(list(found.functions)):
        current = current.xreplace({sp.Symbol(name, real=True): found.functions[name]})
    return current


def played(
    state: xr.Dataset, first: int, n_steps: int, dt: float, origin: float
) -> tuple[Array, list[xr.DataArray | None]]:
    """Samples of all played stimuli at three places in each step, and for each stimulus the row that neurons play."""
    samples: list[Array] = []
    rows: list[xr.DataArray | None] = []
    count = 0
    places = np.array([EDGE, 0.5, 1.0 - EDGE])
    t = origin + (first + np.arange(n_steps)[:, None] + places).reshape(-1) * dt
    for entry in json.loads(state.attrs["stimulus"]):
        name = entry["name"]
        if f"{name}.wave" not in state:
            rows.append(None)
            continue
        wave = state[f"{name}.wave"].transpose(..., f"{name}.{SAMPLE}")
        start = state[f"{name}.start"]
        if start.ndim:
            raise errors.TimeError(
                f"InjCur: {name!r}", "a played stimulus starts at one time for all", mend="Give one start."
            )
        at = (t - float(start)) / float(entry["interval"])
        flat = wave.values.reshape(-1, wave.shape[-1])
        samples.append(np.stack([_read(row, at, bool(entry.get("hold"))) for row in flat]))
        shape = [wave.sizes[d] for d in wave.dims[:-1]]
        rows.append(xr.DataArray(count + np.arange(flat.shape[0]).reshape(shape), dims=wave.dims[:-1]))
        count += flat.shape[0]
    return (np.concatenate(samples) if samples else np.zeros((1, 3))), rows


def _read(row: Array, at: Array, hold: bool) -> Array:
    """Samples of a row at places `at`: straight lines between samples, or each held until the next; 0 outside."""
    if not hold:
        return np.interp(at, np.arange(row.size), row, left=0.0, right=0.0)
    inside = (at >= 0) & (at < row.size)
    return np.where(inside, row[np.clip(at, 0, row.size - 1).astype(np.int64)], 0.0)


def _stimulus(kind: str, **values: Any) -> xr.Dataset:
    """A stimulus of the library with these values, as a dataset."""
    found = load_stimulus(kind)
    variables: dict[str, xr.DataArray] = {}
    for name, value in values.items():
        param = found.params.get(name)
        variables[name] = _value(kind, name, value, param.unit if param else "ms")
    _check_order(kind, variables)
    return xr.Dataset(variables, attrs={"kind": kind})


def _value(kind: str, name: str, value: Any, unit: str) -> xr.DataArray:
    where = f"{kind}: {name!r}"
    if isinstance(value, xr.DataArray):
        return value.astype(np.float64).assign_attrs(units=labels.units_of(value.attrs) or unit)
    if isinstance(value, str) and unit == "":
        number, own = _split(value, where)
        return xr.DataArray(number, attrs={"units": own})
    if np.ndim(value) == 0:
        return xr.DataArray(labels_number(value, unit, where), attrs={"units": unit})
    array = np.array([labels_number(v, unit, where) for v in value])
    dim = f"{kind}.{name}"
    return xr.DataArray(array, dims=dim, coords={dim: (dim, array, {"units": unit})}, attrs={"units": unit})


def labels_number(value: Any, unit: str, where: str) -> Any:
    """`labels.number`, for one value or an array of them."""
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    return labels.number(value, unit, where)


def _split(text: str, where: str) -> tuple[float, str]:
    """Number and unit of a text such as "0.1 nA"."""
    number, _, unit = text.strip().partition(" ")
    try:
        return float(number), unit.strip()
    except ValueError as cause:
        raise errors.ParameterError(
            where, f"text {text!r} is not a number with a unit", mend="Write it as '0.1 nA'."
        ) from cause


def _check_order(kind: str, variables: dict[str, xr.DataArray]) -> None:
    for name, array in variables.items():
        if np.isnan(array.values).any():
            raise errors.ParameterError(f"{kind}: {name!r}", "NaN is not a value")
    if {"start", "stop"} <= set(variables) and not bool((variables["stop"] > variables["start"]).all()):
        raise errors.TimeError(kind, "stop is not after start", mend="Give start < stop, in ms.")


def _with_wave(made: xr.Dataset, wave: xr.DataArray, interval: float) -> xr.Dataset:
    if "stop" not in made:
        last = wave.sizes[SAMPLE] - (0 if made.attrs.get("hold") else 1)
        made["stop"] = (made["start"] + last * interval).assign_attrs(units="ms")
    made["wave"] = wave.assign_attrs(
        units=labels.units_of(wave.attrs) or ("1" if made.attrs["kind"] == "noise" else "")
    )
    return made.assign_attrs(interval=interval)


def _seeds(seed: Any) -> xr.DataArray:
    values = np.atleast_1d(np.asarray(seed))
    if values.dtype.kind not in "iu" or values.ndim > 1 or (values < 0).any():
        raise errors.ParameterError("noise: 'seed'", f"{seed!r} is not a whole number >= 0 or a list of them")
    if np.ndim(seed) == 0:
        return xr.DataArray(values[0])
    return xr.DataArray(values, dims="noise.seed", coords={"noise.seed": values})


def _drawn(seed: Any, n: int, tau: float) -> Array:
    """One row of unit noise."""
    from scipy.signal import lfilter

    normal = np.random.Generator(np.random.Philox(key=[int(seed), 0x6E6F697365])).standard_normal(n)
    keep = np.exp(-NOISE_STEP / tau) if tau > 0 else 0.0
    drive = normal * np.sqrt(1.0 - keep**2)
    drive[0] = normal[0]
    return np.asarray(lfilter([1.0], [1.0, -keep], drive))


def _in_unit(variable: xr.Variable, unit: str, where: str) -> xr.DataArray:
    """A stimulus variable in the unit of the neuron's currents; times and pure numbers stay."""
    own = labels.units_of(variable.attrs)
    attrs = dict(variable.attrs) | {ROLE: "input"}
    if own in ("ms", "Hz", "rad", "1"):
        return xr.DataArray(variable.values, dims=variable.dims, attrs=attrs)
    values = labels.convert(variable.values, own or None, unit, where)
    return xr.DataArray(values, dims=variable.dims, attrs=attrs | {"units": unit})


def _free_name(kind: str, taken: list[str]) -> str:
    name, k = kind, 2
    while name in taken:
        name, k = f"{kind}_{k}", k + 1
    return name


def _constant_or_replayed(state: xr.Dataset, current: Any, unit: str) -> xr.Dataset:
    if isinstance(current, xr.DataArray) and labels.TIME in current.dims:
        return InjCur(state, replay(current))
    if isinstance(current, xr.DataArray):
        added = labels.convert(current, labels.units_of(current.attrs), unit, "InjCur")
    elif np.ndim(current) == 0:
        added = labels.number(current, unit, "InjCur")
    else:
        raise errors.ParameterError(
            "InjCur", f"{type(current).__name__} is no stimulus", "a number, a DataArray, step(...), ramp(...), ..."
        )
    total = state["I"] + added
    return state.drop_vars("I").assign(I=total.assign_attrs(state["I"].attrs)).assign_attrs(state.attrs)
