"""Conductance-based neurons against other simulators and against programs written anew; numbers kept, not packages."""

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import sneuron as sn
from sneuron.lang.spec import Mount

CASES = json.loads((Path(__file__).parent / "data" / "conductance_neurons.json").read_text())
POSPISCHIL = {run["id"]: run for run in CASES["pospischil"]}
RT_2F = 8.31441 * 309.15 / (2 * 96485.309) * 1e3


def times(run: Any) -> np.ndarray:
    """The spikes of one neuron."""
    found = np.asarray(run.spike_time.values, float).reshape(-1)
    return found[~np.isnan(found)]


def crossings(t: np.ndarray, v: np.ndarray, level: float = 0.0) -> np.ndarray:
    up = np.flatnonzero((v[1:] >= level) & (v[:-1] < level))
    return t[up] + (level - v[up]) / (v[up + 1] - v[up]) * (t[up + 1] - t[up])


# -- Pospischil et al. 2008: NEURON ------------------------------------------------------------------


def shown(run: dict[str, Any], model: Any) -> xr.Dataset:
    density = run["amp_nA"] * 1e-3 / (math.pi * (run["diam_um"] * 1e-4) ** 2)
    cell = sn.InitNeu({"model": model, "v": run["v"]})
    return sn.InjCur(cell, sn.step(density, run["delay"], run["delay"] + run["dur"]))


def with_calcium(run: dict[str, Any]) -> Any:
    """The model with the calcium of the peer's run: a number, or a pool with its Nernst potential."""
    model = sn.load_model(run["model"])
    if run["id"].endswith("_cad"):
        names = {"g": "gCaT", "u": "u", "shift": "shift", "celsius": "celsius", "E": "ECa"}
        nernst = Mount("nernst", {"E": "ECa", "inside": "cai", "celsius": "celsius"}, {"z": 2.0, "outside": 2.0})
        mounts = {"ca": Mount("ca_t_ohmic", names), "pool": Mount("ca_pool", {"cai": "cai"}), "nernst": nernst}
        return sn.load_model(model, channels=mounts)
    inside = {"pospischil_ib": 2.4e-4, "pospischil_lts": 5e-5}.get("_".join(run["model"].split("_")[:2]))
    if inside is None:
        return model
    found = sn.ExportJSON(sn.InitNeu({"model": model, "ECa": RT_2F * math.log(2.0 / inside)}))
    return sn.load_model(found)


@pytest.mark.parametrize("case", POSPISCHIL)
def test_pospischil_fires_as_in_neuron(case: str) -> None:
    run = POSPISCHIL[case]
    cell, expected = shown(run, with_calcium(run)), np.array(run["spikes_ms"])
    found = times(sn.RunSim(cell, run["T"], 0.01))
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 0.25
    coarse = times(sn.RunSim(cell, run["T"], 0.025))
    assert np.abs(found - expected).max() < 0.7 * np.abs(coarse - expected).max()


@pytest.mark.parametrize("case", ["fs", "ib", "lts_cad", "rs"])
def test_pospischil_drifts_as_in_neuron(case: str) -> None:
    """The voltage when the current comes."""
    run = POSPISCHIL[case]
    cell = sn.InitNeu({"model": with_calcium(run), "v": run["v"]})
    after = sn.RunSim(cell, run["delay"], 0.01, return_state=True)[1]
    assert after.v.item() == pytest.approx(run["rest_mV"], abs=2e-3)


def test_the_kinds_of_cells_do_what_they_are_named_for() -> None:
    """Regular spiking adapts, fast spiking does not; a burst comes first; a pause ends with a rebound."""
    intervals = {k: np.diff(POSPISCHIL[k]["spikes_ms"]) for k in ("rs", "fs", "ib", "ibr")}
    assert (np.diff(intervals["rs"]) > 0).all()
    assert np.ptp(intervals["fs"][1:]) < 0.1
    assert intervals["ib"][0] < 8 < 300 < intervals["ib"][-1]
    assert intervals["ibr"].max() < 12
    rebound = POSPISCHIL["lts_rebound_cad"]
    assert min(rebound["spikes_ms"]) > rebound["delay"] + rebound["dur"]


# -- Traub & Miles 1991: NEURON ----------------------------------------------------------------------


@pytest.mark.parametrize("current", CASES["traub_miles"])
def test_traub_miles_fires_as_in_neuron(current: str) -> None:
    expected = np.array(CASES["traub_miles"][current])
    cell = sn.InjCur(sn.InitNeu({"model": "traub_miles", "v": -60.0}), sn.step(float(current), 50.0))
    after = sn.RunSim(cell, 50.0, 0.01, return_state=True)[1]
    assert after.v.item() == pytest.approx(-63.884634, abs=2e-3)
    found = times(sn.RunSim(cell, 300.0, 0.005))
    np.testing.assert_allclose(found, expected, atol=0.05)


# -- Wang & Buzsaki 1996: rates ----------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.005, 0.02])
def test_wang_buzsaki_fires_at_the_known_rates(dt: float) -> None:
    """Rates by the last interval: an own midpoint program at dt 0.02; the port in ModelDB 26997 in NEURON 9.0.2."""
    own, neuron = [8.63, 32.27, 59.81, 101.95], [8.755, 32.289, 59.755, 101.833]
    run = sn.RunSim(sn.InitNeu({"model": "wang_buzsaki", "I": [0.2, 0.5, 1.0, 2.0]}), 2000.0, dt)
    last = [np.diff(train[~np.isnan(train)])[-1] for train in run.spike_time.values]
    np.testing.assert_allclose(1000.0 / np.array(last), own, rtol=0.01)
    np.testing.assert_allclose(1000.0 / np.array(last), neuron, rtol=0.02)


def test_wang_buzsaki_rests_near_minus_64() -> None:
    """It begins to fire as slowly as one likes: below the threshold current there is none, above there are few."""
    run, after = sn.RunSim(
        sn.InitNeu({"model": "wang_buzsaki", "I": [0.0, 0.15, 0.165]}), 2000.0, 0.05, return_state=True
    )
    assert after.v.values[0] == pytest.approx(-64.018, abs=2e-3)
    assert run.spike_count.values.tolist()[:2] == [0, 0]
    assert 1 <= run.spike_count.values[2] < 8


# -- programs written anew ---------------------------------------------------------------------------


def linoid(x: float, scale: float) -> float:
    """x / (1 - exp(-x/scale)), scale at 0."""
    return scale if x == 0 else x / -math.expm1(-x / scale)


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def connor_stevens(t: float, y: np.ndarray, current: float) -> list[float]:
    """Connor, Walter & McKown 1977, doi:10.1016/S0006-3495(77)85598-7."""
    v, m, h, n, a, b = y
    am, bm = 0.1 * linoid(v + 29.7, 10), 4 * math.exp(-(v + 54.7) / 18)
    ah, bh = 0.07 * math.exp(-(v + 48) / 20), sigmoid((v + 18) / 10)
    an, bn = 0.01 * linoid(v + 45.7, 10), 0.125 * math.exp(-(v + 55.7) / 80)
    a_inf = (0.0761 * math.exp((v + 94.22) / 31.84) * sigmoid(-(v + 1.17) / 28.93)) ** (1 / 3)
    a_tau = 0.3632 + 1.158 * sigmoid(-(v + 55.96) / 20.12)
    b_inf, b_tau = sigmoid(-(v + 53.3) / 14.54) ** 4, 1.24 + 2.678 * sigmoid(-(v + 50) / 16.027)
    out = 120 * m**3 * h * (v - 55) + 20 * n**4 * (v + 72) + 47.7 * a**3 * b * (v + 75) + 0.3 * (v + 17)
    return [
        current - out, 3.8 * (am * (1 - m) - bm * m), 3.8 * (ah * (1 - h) - bh * h), 1.9 * (an * (1 - n) - bn * n),
        (a_inf - a) / a_tau, (b_inf - b) / b_tau,
    ]  # fmt: skip


def wang_buzsaki(t: float, y: np.ndarray, current: float) -> list[float]:
    """Wang & Buzsaki 1996, doi:10.1523/JNEUROSCI.16-20-06402.1996."""
    v, h, n = y
    am, bm = 0.1 * linoid(v + 35, 10), 4 * math.exp(-(v + 60) / 18)
    ah, bh = 0.07 * math.exp(-(v + 58) / 20), sigmoid((v + 28) / 10)
    an, bn = 0.01 * linoid(v + 34, 10), 0.125 * math.exp(-(v + 44) / 80)
    out = 35 * (am / (am + bm)) ** 3 * h * (v - 55) + 9 * n**4 * (v + 90) + 0.1 * (v + 65)
    return [current - out, 5 * (ah * (1 - h) - bh * h), 5 * (an * (1 - n) - bn * n)]


def pinsky_rinzel(t: float, y: np.ndarray, current: float) -> list[float]:
    """Pinsky & Rinzel 1994, doi:10.1007/BF00962717, in the voltages of 1994: those here are 60 mV lower."""
    vs, vd, ca, h, n, s, c, q = y
    vs, vd = vs + 60, vd + 60
    am, bm = 0.32 * linoid(vs - 13.1, 4), 0.28 * linoid(40.1 - vs, 5)
    ah, bh = 0.128 * math.exp((17 - vs) / 18), 4 * sigmoid((vs - 40) / 5)
    an, bn = 0.016 * linoid(vs - 35.1, 5), 0.25 * math.exp(0.5 - 0.025 * vs)
    a_s, b_s = 1.6 * sigmoid(0.072 * (vd - 65)), 0.02 * linoid(51.1 - vd, 5)
    fast = 2 * math.exp((6.5 - vd) / 27)
    ac = math.exp((vd - 10) / 11 - (vd - 6.5) / 27) / 18.975 if vd <= 50 else fast
    aq = min(2e-5 * ca, 0.01)
    i_ca = 10 * s**2 * (vd - 140)
    soma = 0.1 * vs + 30 * (am / (am + bm)) ** 2 * h * (vs - 120) + 15 * n * (vs + 15)
    dendrite = 0.1 * vd + i_ca + 0.8 * q * (vd + 15) + 15 * c * min(ca / 250, 1) * (vd + 15)
    coupling = 2.1 / 0.5 * (vs - vd)
    return [
        (current - soma - coupling) / 3, (coupling - dendrite) / 3, -0.13 * i_ca - 0.075 * ca,
        ah * (1 - h) - bh * h, an * (1 - n) - bn * n, a_s * (1 - s) - b_s * s, ac * (1 - c) - max(fast - ac, 0) * c,
        aq * (1 - q) - 0.001 * q,
    ]  # fmt: skip


ANEW: dict[str, tuple[Callable[..., list[float]], list[str], float, float]] = {
    "connor_stevens": (connor_stevens, ["v", "m", "h", "n", "a", "b"], 10.0, 150.0),
    "wang_buzsaki": (wang_buzsaki, ["v", "h", "n"], 1.0, 100.0),
    "pinsky_rinzel": (pinsky_rinzel, ["v", "vd", "cai", "h", "n", "s", "c", "q"], 1.5, 500.0),
}


@cache
def anew(name: str, current: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and end of a program with an adaptive solver of high order, from the model's own start."""
    program, states, _, _ = ANEW[name]
    cell = sn.InitNeu(name)
    start = [float(cell[x]) for x in states]
    level = lambda t, y, _: y[0]  # noqa: E731
    level.direction = 1.0  # type: ignore[attr-defined]
    found = solve_ivp(program, (0, duration), start, "LSODA", args=(current,), events=level, rtol=1e-9, atol=1e-11)
    return found.t_events[0], found.y[:, -1]


@pytest.mark.parametrize("name", ANEW)
def test_a_program_written_anew_gives_the_same_spikes(name: str) -> None:
    _, states, current, duration = ANEW[name]
    expected, end = anew(name, current, duration)
    cell = sn.InitNeu({"model": name, "I": current})
    run, after = sn.RunSim(cell, duration, 0.01, "rk4", return_state=True)
    assert len(expected) >= 2
    np.testing.assert_allclose(times(run), expected, atol=2e-3)
    for k, x in enumerate(states):
        assert float(after[x]) == pytest.approx(end[k], rel=2e-3, abs=2e-3)
    default = times(sn.RunSim(cell, duration, 0.01))
    assert len(default) == len(expected)
    assert np.abs(default - expected).max() < 0.01 * duration


def test_the_a_current_lets_an_axon_fire_slowly() -> None:
    """With it the rate begins near 0, without it above 60 Hz (class I and II; Connor, Walter & McKown 1977)."""
    drive = xr.DataArray(np.arange(-10.0, 12.0, 0.25), dims="drive")
    for g, low, high in ((47.7, 1.0, 10.0), (0.0, 60.0, 90.0)):
        run = sn.RunSim(sn.InitNeu({"model": "connor_stevens", "I": drive, "gA": g}), 1500.0, 0.025)
        rate = sn.FireRate(run, t_start=500.0).values
        assert low <= rate[rate > 0][0] <= high
        assert (np.diff(rate) >= 0).all()


# -- Pinsky & Rinzel 1994: XPP -----------------------------------------------------------------------


def test_pinsky_rinzel_bursts_as_in_xpp() -> None:
    """Is = 0.75 uA/cm2, as in figure 2: spikes and calcium of the run kept in ModelDB 35358 (CVODE, tolerance 1e-4)."""
    gates = dict.fromkeys(["h", "n", "s", "c", "q", "cai"], 0.0)
    cell = sn.InitNeu({"model": "pinsky_rinzel", "v": -60.0, "vd": -60.0, "I": 1.5, **gates})
    run = sn.RunSim(cell, 1500.0, 0.005, record=["v", "vd"], every=4, features=["cai_max"])
    np.testing.assert_allclose(times(run), [13.73, 92.29, 434.41, 929.0, 1423.11], rtol=0.007)
    assert np.diff(times(run))[-1] == pytest.approx(494.1, rel=0.005)
    spikes = crossings(run.time.values, run.vd.values)
    np.testing.assert_allclose(spikes, [17.02, 96.77, 439.27, 933.9, 1427.99], rtol=0.007)
    assert float(run.cai_max) == pytest.approx(377.69, rel=0.005)


# -- Prinz, Billimoria & Marder 2003: pyloric --------------------------------------------------------

RESTING = ["na", "cat", "cas", "a"]
OPENING = [*RESTING, "kca", "kd", "h"]


def bursts(spikes: np.ndarray, gap: float = 400.0) -> tuple[np.ndarray, np.ndarray]:
    """When bursts begin, and how many spikes they have; a pause of `gap` ms ends one."""
    first = np.flatnonzero(np.diff(spikes, prepend=-np.inf) > gap)
    return spikes[first], np.diff([*first, len(spikes)])


@cache
def stomatogastric() -> dict[str, np.ndarray]:
    """Cells from where the peer starts, with the area that it has."""
    gates = {f"{x}.m": 0.0 for x in OPENING} | {f"{x}.h": 0.0 for x in RESTING}
    found = {}
    for name in CASES["pyloric"]:
        cell = sn.InitNeu({"model": f"prinz_{name}", "v": -50.0, "cai": 0.05, "pool.f": 9.4, **gates})
        found[name] = times(sn.RunSim(cell, 4000.0, 0.01))
    return found


@pytest.mark.parametrize("name", CASES["pyloric"])
def test_stomatogastric_cells_fire_as_in_pyloric(name: str) -> None:
    expected, found = np.array(CASES["pyloric"][name]), stomatogastric()[name]
    assert found[0] == pytest.approx(expected[0], abs=0.1)
    start = CASES["pyloric_start"][name]
    np.testing.assert_allclose(found[: len(start)], start, atol=0.35)
    assert len(found) == pytest.approx(len(expected), abs=2)


@pytest.mark.parametrize(
    ("name", "spikes"), [("abpd1", 17), ("abpd2", 28), ("abpd3", 18), ("abpd4", 29), ("abpd5", 22), ("2003_fig2c", 10)]
)
def test_published_bursters_burst(name: str, spikes: int) -> None:
    """Period and spikes per burst of the peer; the published pacemakers burst about once in 1.5 s."""
    starts, many = bursts(np.array(CASES["pyloric"][name]))
    ours, count = bursts(stomatogastric()[name])
    assert len(ours) == len(starts)
    np.testing.assert_allclose(np.diff(ours)[1:], np.diff(starts)[1:], rtol=0.05)
    assert count[1] == pytest.approx(many[1], abs=1)
    assert count[1:-1] == pytest.approx(spikes, abs=1)
    if name.startswith("abpd"):
        assert (np.diff(ours) > 1000).all()
        assert (np.diff(ours) < 2000).all()


def test_a_stomatogastric_cell_has_a_reversal_that_follows_its_calcium() -> None:
    run = sn.RunSim(sn.InitNeu("prinz"), 300.0, 0.025, record=["cai", "ECa", "i_cat", "i_cas", "ion.ca"])
    np.testing.assert_allclose(run["ECa"], 12.2 * np.log(3000.0 / run["cai"]), rtol=1e-4)
    np.testing.assert_allclose(run["ion.ca"], run["i_cat"] + run["i_cas"], rtol=1e-12, atol=1e-15)
    assert run["cai"].max() > 1.0
    now = sn.IonDyn(sn.InitNeu({"model": "prinz", "cai": [0.05, 10.0]}))
    np.testing.assert_allclose(now.concentration.sel(pool="cai"), [5e-5, 1e-2])
    np.testing.assert_allclose(
        now.reversal.sel(channel="cas"), 12.2 * np.log(3000.0 / np.array([0.05, 10.0])), rtol=1e-4
    )


# -- a scheme that is a gate in other words ----------------------------------------------------------


def test_hodgkin_huxley_sodium_as_a_scheme_gives_the_same_spikes() -> None:
    scheme = sn.load_model("hh", channels={"na": "na_hh_markov"})
    expected = sn.RunSim(sn.InitNeu({"model": "hh", "I": 10.0}), 60.0, 0.01, "rk4")
    found = sn.RunSim(sn.InitNeu({"model": scheme, "I": 10.0}), 60.0, 0.01, "rk4")
    np.testing.assert_allclose(times(found), times(expected), atol=1e-7)
    late = [np.abs(times(sn.RunSim(sn.InitNeu({"model": scheme, "I": 10.0}), 60.0, dt)) - times(expected)).max()
            for dt in (0.02, 0.01)]  # fmt: skip
    assert late[1] < 0.6 * late[0] < 1.0
