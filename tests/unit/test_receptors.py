"""Receptors: what spikes add, by closed forms; what a description may not say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.network import connect
from sneuron.errors import SneuronError
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import load_model, synapses
from sneuron.lang.spec import Channel, Drive, Mount, Neuron, Param, State

MOUNTS = {
    "expo": Mount("exp_conductance"),
    "alpha": Mount("alpha_conductance"),
    "dual": Mount("dual_exp_conductance"),
    "nmda": Mount("nmda"),
    "gabab": Mount("gaba_b", params={"gmax": 0.0}),
}
CELL = load_model("lif", channels=MOUNTS)
TIMES = (10.0, 12.0, 30.0)
DELAY, DT = 1.5, 0.05


def shape(kind: str, t: np.ndarray) -> np.ndarray:
    """The conductance that a spike of weight 1 makes at a time after it."""
    late = np.maximum(t, 0.0)
    if kind == "expo":
        found = np.exp(-late / 5.0)
    elif kind == "alpha":
        found = late / 2.0 * np.exp(1 - late / 2.0)
    else:
        rise, fall = (0.5, 2.0) if kind == "dual" else (2.0, 100.0)
        peak = rise * fall / (fall - rise) * np.log(fall / rise)
        scale = 1 / (np.exp(-peak / fall) - np.exp(-peak / rise))
        found = scale * (np.exp(-late / fall) - np.exp(-late / rise))
    return np.where(t >= -1e-9, found, 0.0)


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    """A neuron whose five receptors get three spikes, put on their way one by one."""
    many = len(MOUNTS)
    rest = xr.DataArray([-70.0, -70.0], dims="neuron")
    cells = sn.InitNeu({"model": CELL, "v": rest, "Vth": 0.0})
    wires = {
        "weight": ("projection", np.ones(many)),
        "delay": DELAY,
        "receptor": ("projection", list(CELL.receptors)),
        "synapse_count": ("projection", np.ones(many, int)),
    }
    ends = {"pre": ("synapse", np.zeros(many, int)), "post": ("synapse", np.ones(many, int))}
    state, parts, now = connect(cells, xr.Dataset(wires, ends)), [], 0.0
    record = [*(f"{k}.g" for k in MOUNTS if k != "gabab"), "gabab.T", "gabab.r", "i_nmda", "i_expo", "v"]
    for then in (*TIMES, 60.0):
        part, state = sn.RunSim(
            state, then - now, DT, method="exp_euler", record=record, record_at=[1], return_state=True
        )
        parts.append(part.isel(trace=0, time=slice(0, -1))[record])
        state, now = sn.SynDel(state, [True, False]), then
    return xr.concat(parts, "time")


@pytest.mark.parametrize("kind", ["expo", "alpha", "dual", "nmda"])
def test_conductances_are_sums_of_their_kernels(run: xr.Dataset, kind: str) -> None:
    t = run.time.values
    expected = sum(shape(kind, t - s - DELAY) for s in TIMES)
    np.testing.assert_allclose(run[f"{kind}.g"], expected, rtol=1e-9, atol=1e-12)


def test_a_table_of_values(run: xr.Dataset) -> None:
    """The exponential kernel, tau 5 ms, spikes at 10, 12 and 30 ms, delay 1.5 ms: values of the closed form."""
    at = [5.0, 11.5, 12.0, 13.5, 20.0, 31.5, 40.0]
    expected = [0.0, 1.0, 0.904837418036, 1.670320046036, 0.455215317087, 1.045639361336, 0.191021083417]
    np.testing.assert_allclose(run["expo.g"].sel(time=at, method="nearest"), expected, rtol=1e-9, atol=1e-12)


def test_currents_are_driven_by_the_voltage(run: xr.Dataset) -> None:
    np.testing.assert_allclose(run["i_expo"], run["expo.g"] * run.v, rtol=1e-12)
    block = 1 / (1 + np.exp(-0.062 * run.v) / 3.57)
    np.testing.assert_allclose(run["i_nmda"], block * run["nmda.g"] * run.v, rtol=1e-9)


def test_transmitter_binds_to_gaba_b(run: xr.Dataset) -> None:
    t = run.time.values
    cleft = sum(np.where(t - s - DELAY >= -1e-9, 0.5 * np.exp(-(t - s - DELAY) / 0.3), 0.0) for s in TIMES)
    np.testing.assert_allclose(run["gabab.T"], cleft, rtol=1e-9, atol=1e-12)
    free = run.time.values > 45.0
    decay = run["gabab.r"].values[free]
    np.testing.assert_allclose(decay[1:] / decay[:-1], np.exp(-0.0013 * DT), rtol=1e-9)


def test_the_peak_of_a_difference_of_exponentials() -> None:
    """Time constants 0.5 and 2 ms: peak at 0.924196 ms, factor 2.116535."""
    adds = CELL.receptors["dual"].adds["dual.rise"]
    values = {n: CELL.params[n].value for n in ("dual.tau_rise", "dual.tau_decay")}
    rise, decay = values.values()
    assert float(numpy_value(adds, values)) * rise / (decay - rise) == pytest.approx(2.116535, abs=5e-7)
    t = np.linspace(0.92, 0.93, 10001)
    assert t[np.argmax(shape("dual", t))] == pytest.approx(0.924196, abs=1e-6)
    same = {"dual.tau_rise": 2.0, "dual.tau_decay": 2.0}
    assert float(numpy_value(adds, same)) == pytest.approx(np.e, rel=1e-14)


def test_the_magnesium_block() -> None:
    """1/(1 + [Mg]/3.57 exp(-0.062 v)) at 1 mM (Jahr & Stevens 1990)."""
    values = {"v": np.array([-80.0, -60.0, -40.0, 0.0, 40.0, -70.0]), "nmda.Mg": 1.0}
    found = numpy_value(CELL.functions["nmda.block"], values)
    np.testing.assert_allclose(found, [0.02442, 0.07963, 0.23016, 0.78118, 0.97708, 0.044471], atol=5e-6)


@pytest.mark.parametrize("name", synapses)
def test_weights_have_the_unit_of_what_they_add_to(name: str) -> None:
    models = (load_model(cell, channels={"x": name}) for cell in ("lif", "hh"))
    unit, density = ({**model.receptors, **model.couplings}["x"].unit for model in models)
    kinds = {"delta": "mV", "gaba_b": "1", "nmda": "nS", "ip3_glutamate": "uM", "ip3_pulse": "1"}
    assert unit == kinds.get(name, "pA" if name.endswith("current") else "nS")
    assert density == {"nS": "mS/cm2", "pA": "uA/cm2"}.get(unit, unit)


def synapse(**changes: Any) -> Neuron:
    whole = Channel(
        "mine",
        "-k*s",
        states={"s": State("current")},
        equations={"s": "-s/tau"},
        params={"tau": Param(1.0, "ms", 0.1, 10.0, "own choice"), "k": Param(1.0, "1", 0.0, 9.0, "own choice")},
        unit="",
    )
    return replace(load_model("lif").spec, channels={"x": Mount(replace(whole, **changes))})


def driven(**changes: str) -> Neuron:
    drive = {"receptor": "x", "rate": "1/tau_d", "weight": "w_d"} | changes
    params = {"tau_d": Param(1.0, "ms", 0.1, 9.0, "own choice"), "w_d": Param(1.0, "pA", 0.0, 9.0, "own choice")}
    spec = synapse(receive={"s": "w"})
    return replace(spec, params={**spec.params, **params}, drives={"d": Drive(**drive)})


REFUSED = {
    "not linear": (synapse(receive={"s": "w**2"}), "not so many times w"),
    "not 0 without a weight": (synapse(receive={"s": "w + k"}), "not so many times w|joins"),
    "of a state": (synapse(receive={"s": "w*(1 - s)"}), "joins|depends on"),
    "onto nothing": (synapse(receive={"z": "w"}), "state"),
    "without weight": (synapse(receive={"s": "k"}), "not so many times w"),
    "two units": (synapse(receive={"s": "w", "v": "w"}), "units"),
    "w is taken": (
        synapse(receive={"s": "w"}, params={n: Param(1.0, "ms", 0.1, 9.0, "x") for n in ("tau", "w", "k")}),
        "weight of a spike",
    ),
    "a drive of no receptor": (driven(receptor="y"), "receptor"),
    "a drive that depends on v": (driven(rate="v/(1*tau_d)"), "depends on v"),
    "a rate in ms": (driven(rate="tau_d"), "not in 1/ms"),
    "a weight in ms": (driven(weight="tau_d"), "not in pA"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case: str) -> None:
    spec, text = REFUSED[case]
    with pytest.raises(SneuronError, match=text):
        load_model(spec)


def test_a_drive_is_part_of_the_equations_and_of_the_json() -> None:
    one, other = load_model(driven()), load_model(driven(rate="2/tau_d"))
    assert one.form != other.form
    assert load_model(one.to_json()) == one
    assert one.noisy
    silent = load_model(synapse(receive={"s": "w"}))
    assert not silent.noisy
    assert '"drives"' not in silent.to_json()
    assert '"receive"' not in load_model("hh").to_json()


def test_spikes_from_outside_have_no_sensitivities() -> None:
    with pytest.raises(SneuronError, match="from outside"):
        sn.sensitivities("brunel", ["Vth"])


def test_too_many_spikes_from_outside_are_refused() -> None:
    with pytest.raises(SneuronError, match="drive 'd'"):
        sn.RunSim(sn.InitNeu({"model": driven(rate="500/tau_d")}), 10.0, 1.0)
