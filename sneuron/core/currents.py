"""Single membrane currents as functions of the voltage: views of the channels of the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.core.parts import CURRENT, IonDyn
from sneuron.core.state import InitNeu
from sneuron.lang.model import channels, load_channel, load_model
from sneuron.lang.spec import Channel, Mount, Neuron, Param, State

__all__ = ["CaCur", "KCur", "LeakCur", "NaCur"]


def LeakCur(voltage: Any, **params: Any) -> xr.DataArray:
    """The leak current g (v - E) at a voltage.

    Parameters
    ----------
    voltage : number, array or DataArray, mV
        Any dims.
    **params
        `g` in mS/cm2, `E` in mV; `channel` for another leak of the library: "leak_na", "leak_k", "leak_cl".

    Returns
    -------
    xarray.DataArray, uA/cm2, outward positive

    Notes
    -----
    Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764: g 0.3 mS/cm2, E -54.3 mV.

    Examples
    --------
    >>> LeakCur(-65.0, g=0.3, E=-54.3).round(2).item()
    -3.21
    """
    return _current("LeakCur", "leak", ("", "na", "k", "cl"), voltage, params)


def NaCur(voltage: Any, **params: Any) -> xr.DataArray:
    """The sodium current at a voltage, with gates at their steady state unless given.

    Parameters
    ----------
    voltage : number, array or DataArray, mV
    **params
        Gates (`m`, `h`), parameters (`g` in mS/cm2, `E` in mV, `celsius`), and `channel`, by default "na_hh": any
        channel of the library that carries sodium ("na_tm", "na_wb", "na_p_golomb", "na_raman", ...).

    Returns
    -------
    xarray.DataArray, uA/cm2, outward positive

    Notes
    -----
    i = g m^3 h (v - E); Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764.  Exact at -40 mV, where the
    textbook form of the rate of m is 0/0.

    Examples
    --------
    >>> NaCur([-65.0, -40.0]).round(3).values
    array([ -1.22 , -68.361])
    """
    return _current("NaCur", "na_hh", ("na",), voltage, params)


def KCur(voltage: Any, **params: Any) -> xr.DataArray:
    """The potassium current at a voltage, with gates at their steady state unless given.

    Parameters
    ----------
    voltage : number, array or DataArray, mV
    **params
        Gates (`n`), parameters (`g` in mS/cm2, `E` in mV, `celsius`), and `channel`, by default "k_hh": any channel
        of the library that carries potassium, alone ("k_a_cs", "k_m_yamada", "k_sk_kohler", ...) or with sodium
        ("h_hm", ...).

    Returns
    -------
    xarray.DataArray, uA/cm2, outward positive

    Notes
    -----
    i = g n^4 (v - E); Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764.

    Examples
    --------
    >>> KCur([-65.0, -55.0]).round(2).values
    array([ 4.4 , 40.48])
    """
    return _current("KCur", "k_hh", ("k", ""), voltage, params)


def CaCur(voltage: Any, **params: Any) -> xr.DataArray:
    """The calcium current at a voltage, with gates at their steady state unless given.

    Parameters
    ----------
    voltage : number, array or DataArray, mV
    **params
        Gates, parameters, and `channel`: "ca_l_ohmic" by default, "ca_l_ghk", "ca_t_ohmic", "ca_t_ghk", "ca_n_ghk",
        "ca_r_poirazi", ...

    Returns
    -------
    xarray.DataArray, uA/cm2, outward positive

    Notes
    -----
    Ohmic: i = g m^p h^q (v - E).  Goldman-Hodgkin-Katz: i = P z F u ([in] - [out] exp(-u)) / (1 - exp(-u)),
    u = z F v / (R T), finite at v = 0.

    Examples
    --------
    >>> bool(CaCur(-20.0) < 0)
    True
    """
    return _current("CaCur", "ca_l_ohmic", ("ca",), voltage, params)


def _current(where: str, default: str, ions: tuple[str, ...], voltage: Any, params: dict[str, Any]) -> xr.DataArray:
    values = dict(params)
    channel = load_channel(str(values.pop("channel", default)))
    _check_kind(channel, ions, where)
    unit = channel.unit or "uA/cm2"
    cell = Neuron(
        name=f"clamped_{channel.name}",
        capacitance="C",
        unit=unit,
        channels={"one": Mount(channel.name)},
        params={"C": Param(1.0, "uF/cm2", 1e-9, 1e9, "a membrane to hold the channel")},
        voltage=State("mV", "-65", -1e9, 1e9),
        source=channel.source,
    )
    known = [n.removeprefix("one.") for m in [load_model(cell)] for n in (*m.params, *m.states) if n.startswith("one.")]
    for name in values:
        if name not in known:
            raise errors.unknown(where, f"parameter of channel {channel.name!r}", name, sorted(known))
    given = {f"one.{name}": value for name, value in values.items()}
    state = InitNeu({"model": cell, "v": _voltage(voltage, where), **given})
    current = IonDyn(state)[CURRENT].isel({labels.CHANNEL: 0}, drop=True)
    anonymous = [d for d in current.dims if str(d).startswith("dim_")]
    current = current.drop_vars([d for d in (*anonymous, labels.POOL) if d in current.coords])
    return current.rename(f"i_{channel.name}").assign_attrs(units=unit, long_name=f"{channel.name} current")


def _check_kind(channel: Channel, ions: tuple[str, ...], where: str) -> None:
    """A channel of one of these ions with a current; a leak has nothing that changes, the others have."""
    leak = not (channel.gates or channel.states or channel.transitions or channel.functions)
    if channel.ion in ions and channel.current and leak == (where == "LeakCur"):
        return
    good = [n for n in channels if channels[n].ion in ions and channels[n].current]
    good = [n for n in good if n.startswith("leak") == (where == "LeakCur")]
    what = "is no leak" if where == "LeakCur" else f"carries {channel.ion or 'no single ion'!r}, not {ions[0]!r}"
    raise errors.ModelError(where, f"channel {channel.name!r} {what}", ", ".join(good))


def _voltage(voltage: Any, where: str) -> Any:
    """Voltages with dims: arrays without names get `dim_0`, `dim_1`, ..."""
    if isinstance(voltage, xr.DataArray) or np.ndim(voltage) == 0:
        return voltage
    array = np.asarray(voltage)
    if array.dtype.kind not in "fiu":
        raise errors.ParameterError(
            f"{where}: voltage", f"values of type {array.dtype} are not real numbers", mend="Give mV."
        )
    return xr.DataArray(array, dims=[f"dim_{k}" for k in range(array.ndim)])
