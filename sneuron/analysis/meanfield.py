"""Mean field of sparse networks of integrate-and-fire neurons: rates that sustain themselves, and whether they last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors
from sneuron.lang.netparams import changed
from sneuron.lang.network import load_network

__all__ = ["beside", "mean_field", "siegert"]

Array = NDArray[Any]
_NODES, _LEVELS, _STEPS = 64, 400, 1200
_FARTHEST = 25.0
"""Standard deviations from which a threshold is not reached any more: exp(-625) of a rate."""


@dataclass(frozen=True)
class _Neuron:
    """A leaky neuron: times in s, voltages in mV."""

    tau: float
    t_ref: float
    threshold: float
    reset: float


def siegert(mu: Any, sigma: Any, tau: float = 20.0, t_ref: float = 2.0, theta: float = 20.0, Vr: float = 10.0) -> Array:
    r"""Rate of a leaky integrate-and-fire neuron in white noise.

    Parameters
    ----------
    mu, sigma : float or array, mV
        Mean input, and its fluctuation, above 0: tau dv/dt = -v + mu + sigma sqrt(tau) xi(t).
    tau, t_ref : float, ms
    theta, Vr : float, mV
        Threshold and reset.

    Returns
    -------
    ndarray, Hz

    Raises
    ------
    ParameterError
        For parameters that cannot be.

    Notes
    -----
    :math:`1/r = t_{ref} + \tau\sqrt\pi \int_{(V_r-\mu)/\sigma}^{(\theta-\mu)/\sigma} e^{x^2}(1 + \mathrm{erf}\,x)\,dx`
    (Siegert 1951, doi:10.1103/PhysRev.81.617; Ricciardi 1977; in this notation Brunel 2000,
    doi:10.1023/A:1008925309027).

    Examples
    --------
    >>> print(siegert(20.0, 5.0).round(3))
    27.341
    """
    mean, spread = np.asarray(mu, np.float64), np.asarray(sigma, np.float64)
    if not (np.isfinite(mean).all() and (np.isfinite(spread) & (spread > 0)).all()):
        raise errors.ParameterError("siegert", f"mu {mu!r:.60}, sigma {sigma!r:.60}", "finite numbers, sigma above 0")
    return _siegert(mean, spread, _neuron(tau, t_ref, theta, Vr, "siegert"))


def _neuron(tau: float, t_ref: float, theta: float, reset: float, where: str = "mean_field") -> _Neuron:
    if not (0 < tau < np.inf and 0 <= t_ref < np.inf and -np.inf < reset < theta < np.inf):
        given = f"tau {tau!r} ms, t_ref {t_ref!r} ms, theta {theta!r} mV, Vr {reset!r} mV"
        raise errors.ParameterError(where, given, "tau > 0, t_ref >= 0, theta above Vr")
    return _Neuron(tau / 1000.0, t_ref / 1000.0, theta, reset)


def _siegert(mu: Array, sigma: Array, n: _Neuron) -> Array:
    from scipy.special import erfcx

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    low = np.maximum((n.reset - mu) / sigma, -1e3)
    high = (n.threshold - mu) / sigma
    far = high > _FARTHEST
    high = np.clip(high, -1e3, _FARTHEST)
    low = np.minimum(low, high)
    half, middle = (high - low) / 2, (high + low) / 2
    inner = sum(w * erfcx(-(middle + half * x)) for x, w in zip(nodes, weights, strict=True)) * half
    return np.where(far, 0.0, 1.0 / (n.t_ref + n.tau * np.sqrt(np.pi) * inner))


def mean_field(
    g: Any,
    eta: Any,
    J: float = 0.1,
    k: float = 1000.0,
    gamma: float = 0.25,
    delay: float = 1.5,
    tau: float = 20.0,
    t_ref: float = 2.0,
    theta: float = 20.0,
    Vr: float = 10.0,
    stability: bool = True,
) -> xr.Dataset:
    r"""Rates of Brunel's sparse network of excitatory and inhibitory neurons, and whether they are stable.

    Parameters
    ----------
    g, eta : float, list or DataArray
        Strength of inhibition; rate from outside over that which just reaches the threshold. Lists make dims of their
        names.
    J : float, mV
        Jump of v by an excitatory spike; an inhibitory one is -g J.
    k, gamma : float
        Excitatory synapses of a neuron; inhibitory ones as a part of them.
    delay, tau, t_ref : float, ms
    theta, Vr : float, mV
    stability : bool
        Whether stability is computed, too.

    Returns
    -------
    Dataset
        `rate` (Hz), the highest rate that sustains itself, NaN where none does; `lowest`, the lowest such; `unstable`,
        how many modes of the asynchronous state at `rate` grow; `frequency` (Hz) of the one that is farthest beyond its
        boundary, 0 for one that does not oscillate.

    Raises
    ------
    ParameterError
        For parameters that cannot be.

    Notes
    -----
    At a rate r a neuron receives :math:`\mu = k J \tau (\nu_{ext} + (1 - g\gamma) r)`,
    :math:`\sigma^2 = k J^2 \tau (\nu_{ext} + (1 + g^2\gamma) r)`, with :math:`\nu_{ext} = \eta\theta/(k J \tau)`; the
    rates solve r = siegert(mu, sigma). A small modulation at frequency f returns to itself by the factor
    :math:`M(f) = e^{-2\pi i f D} [k J\tau (1-g\gamma) R_\mu(f) + k J^2\tau (1+g^2\gamma) R_{\sigma^2}(f)]`; the
    responses R of a neuron's rate solve the Fokker-Planck equation to first order, integrated from the threshold down
    (Richardson 2007, doi:10.1103/PhysRevE.76.021919). Modes that grow are counted by how often 1 - M winds around 0.
    All is for many neurons and sparse connections (Brunel 2000, doi:10.1023/A:1008925309027).

    Examples
    --------
    >>> found = mean_field([5.0], [2.0, 4.0])
    >>> found.rate.values.round(2), found.unstable.values
    (array([[37.95, 90.72]]), array([[0., 0.]]))
    """
    neuron = _neuron(tau, t_ref, theta, Vr)
    if not (0 < J < np.inf and 0 < k < np.inf and 0 <= gamma < np.inf and 0 <= delay < np.inf):
        given = f"J {J!r}, k {k!r}, gamma {gamma!r}, delay {delay!r}"
        raise errors.ParameterError("mean_field", given, "J, k above 0, gamma, delay not below")
    first, second = xr.broadcast(_axis(g, "g"), _axis(eta, "eta"))
    shape, strength, outside = first.shape, first.values.ravel(), second.values.ravel()
    force = k * J * neuron.tau
    net = _Net(force * (1 - strength * gamma), force * J * (1 + strength**2 * gamma), outside * theta, J)
    low, high = _roots(net, neuron)
    attrs = {"units": "Hz", "long_name": "self-consistent rate"}
    made: dict[str, Any] = {"rate": high, "lowest": low}
    if stability:
        made["unstable"], made["frequency"] = _growing(net, neuron, high, delay / 1000.0)
    found = xr.Dataset({n: (first.dims, np.reshape(v, shape)) for n, v in made.items()}, first.coords)
    for name, text in (("rate", "highest self-consistent rate"), ("lowest", "lowest self-consistent rate")):
        found[name].attrs = {**attrs, "long_name": text}
    if stability:
        found["unstable"].attrs = {"units": "1", "long_name": "modes that grow"}
        found["frequency"].attrs = {"units": "Hz", "long_name": "frequency of the mode that grows"}
    return found


def beside(data: xr.Dataset) -> xr.Dataset | None:
    """Mean field at the points of a study of Brunel's network over `g` and `eta`.

    None for any other, and where neurons or synapses are not those of which it tells.
    """
    if data.attrs.get("model_name") != "brunel" or not {"g", "eta"} <= set(data.coords):
        return None
    plain, net = load_network("brunel"), load_network(data.attrs["model"])
    own = {*net.params, *net.populations, *net.projections} - {"g", "eta"}
    varied = {str(n): c for n, c in data.coords.items() if str(n).partition(".")[0] in own}
    if any(c.ndim for c in varied.values()):
        return None
    net = changed(net, {n: float(c) for n, c in varied.items()})
    many = {n: float(p.params["k"]) for n, p in net.projections.items()}
    free = {n: p.value for n, p in plain.params.items()} | {f"{n}.size": p.size for n, p in plain.populations.items()}
    free |= {f"{n}.k": p.params["k"] for n, p in plain.projections.items()}
    if changed(net, free) != plain or many["ee"] != many["ei"] or many["ie"] != many["ii"]:
        return None
    J, D = (net.params[n].value for n in "JD")
    return mean_field(data["g"], data["eta"], J=J, delay=D, k=many["ee"], gamma=many["ie"] / many["ee"])


def _axis(value: Any, name: str) -> xr.DataArray:
    numbers = np.asarray(value, np.float64)
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise errors.ParameterError(f"mean_field: {name!r}", f"{value!r:.60} cannot be", "finite numbers from 0")
    if isinstance(value, xr.DataArray):
        return value
    return xr.DataArray(numbers, dims=name, coords={name: numbers}) if numbers.ndim else xr.DataArray(float(numbers))


@dataclass(frozen=True)
class _Net:
    """What a rate of 1/s makes of mean and variance, and what comes from outside, of each network."""

    mean: Array
    variance: Array
    outside: Array
    jump: float

    def mu(self, rate: Array) -> Array:
        return np.asarray(self.outside + self.mean * rate)

    def square(self, rate: Array) -> Array:
        return np.asarray(self.outside * self.jump + self.variance * rate)


def _roots(net: _Net, neuron: _Neuron) -> tuple[Array, Array]:
    """The lowest and the highest rate that sustains itself: by signs along a ladder of rates, then by halving."""
    top = 1.0 / neuron.t_ref if neuron.t_ref else 1e4
    levels = np.concatenate([[0.0], np.geomspace(1e-4, top, _LEVELS)])
    gap = np.stack([_gap(net, neuron, np.full(net.outside.shape, r)) for r in levels])
    turns = (gap[:-1] >= 0) & (gap[1:] < 0)
    none = np.where(turns.any(0), 0.0, np.nan)  # without a refractory time a rate may have no end
    first = np.argmax(turns, axis=0)
    last = turns.shape[0] - 1 - np.argmax(turns[::-1], axis=0)
    return _halved(net, neuron, levels, first) + none, _halved(net, neuron, levels, last) + none


def _gap(net: _Net, neuron: _Neuron, rate: Array) -> Array:
    return np.asarray(_siegert(net.mu(rate), np.sqrt(net.square(rate)), neuron) - rate)


def _halved(net: _Net, neuron: _Neuron, levels: Array, place: Array) -> Array:
    low, high = levels[place], levels[place + 1]
    for _ in range(50):
        middle = (low + high) / 2
        above = _gap(net, neuron, middle) >= 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def _growing(net: _Net, neuron: _Neuron, rate: Array, delay: float) -> tuple[Array, Array]:
    """How many modes grow, and the frequency of the largest of them."""
    hertz = np.concatenate([[1e-3], np.arange(1.0, 60.0, 1.0), np.arange(60.0, 1000.0, 5.0)])
    omega = 2 * np.pi * hertz
    some = rate > 1e-3
    loop = np.zeros((hertz.size, rate.size), complex)
    if some.any():
        part = _Net(net.mean[some], net.variance[some], net.outside[some], net.jump)
        loop[:, some] = _loop(part, neuron, rate[some], omega, delay)
    rest = 1 - loop
    turned = np.unwrap(np.angle(rest), axis=0)
    winding = -np.round((turned[-1] - turned[0]) / np.pi)  # of both halves; clockwise for modes that grow
    crossing = (rest.imag[:-1] * rest.imag[1:] <= 0) & (rest.real[:-1] < 0)
    depth = np.where(crossing, -rest.real[:-1], 0.0)
    best = depth.argmax(0)
    frequency = np.where(depth.max(0) > 0, hertz[best], np.nan)
    return np.where(np.isnan(rate), np.nan, np.abs(winding)), np.where(frequency < 1, 0.0, frequency)


def _loop(net: _Net, neuron: _Neuron, rate: Array, omega: Array, delay: float) -> Array:
    """The factor by which a modulation returns, dims (frequency, network)."""
    mean, variance = _responses(net.mu(rate), net.square(rate), rate, omega[:, None], neuron)
    return np.asarray(np.exp(-1j * omega[:, None] * delay) * (net.mean * mean + net.variance * variance))


def _responses(mu: Array, square: Array, rate: Array, omega: Array, n: _Neuron) -> tuple[Array, Array]:
    """Slopes of the rate against mean and variance at frequencies: the Fokker-Planck equation from the threshold."""
    floor = np.minimum(mu, n.reset) - 6 * np.sqrt(square)
    above = np.maximum(1.0, np.round(_STEPS * (n.threshold - n.reset) / (n.threshold - floor)))
    step = (n.threshold - n.reset) / above  # the reset lies between two steps
    spread = square / (2 * n.tau)
    calm, flux = np.zeros_like(mu), rate.copy()
    shape = np.broadcast_shapes(omega.shape, mu.shape)
    waves = [[np.zeros(shape, complex), np.full(shape, start, complex)] for start in (1.0, 0.0, 0.0)]
    back = np.exp(-1j * omega * n.t_ref)
    returned = np.zeros(mu.shape, bool)
    for number in range(_STEPS):
        v = n.threshold - (number + 0.5) * step
        slope = (mu - v) / (n.tau * spread)
        decay, factor = np.exp(-slope * step), step * _shared(-slope * step)
        reset = ~returned & (v < n.reset)
        returned |= reset
        waves[0][1] = waves[0][1] - np.where(reset, back, 0.0)
        flux = np.where(reset, 0.0, flux)
        drift = slope * calm - flux / spread  # dP0/dv
        pushed = (0.0, calm / n.tau, -drift / (2 * n.tau))
        for wave, push in zip(waves, pushed, strict=True):
            old = wave[0]
            wave[0] = old * decay + factor * (wave[1] - push) / spread
            wave[1] = wave[1] + step * 1j * omega * (old + wave[0]) / 2
        calm = calm * decay + factor * flux / spread
    lost, by_mean, by_variance = (wave[1] for wave in waves)
    return -by_mean / lost, -by_variance / lost


def _shared(x: Array) -> Array:
    """(exp(x) - 1)/x."""
    small = np.abs(x) < 1e-8
    return np.asarray(np.where(small, 1.0, np.expm1(x) / np.where(small, 1.0, x)))
