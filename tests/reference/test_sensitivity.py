"""Forward sensitivities against closed forms and against central differences of runs with other parameters."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.lang.model import load_model
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Transition

OWN = "own choice"


def differences(
    model: object, p: str, names: list[str], stimulus: xr.Dataset, step: float, run: dict[str, object]
) -> xr.Dataset:
    """(x(p + h) - x(p - h))/2h; error h^2, rounding 1e-16/h."""
    value = load_model(model).params[load_model(model).canonical(p)].value
    h = step * (abs(value) or 1.0)
    cell = sn.InjCur(sn.InitNeu({"model": model, p: [value - h, value + h]}), stimulus)
    found = sn.RunSim(cell, **run, record=names)
    dim = load_model(model).canonical(p)
    return (found.isel({dim: 1}, drop=True) - found.isel({dim: 0}, drop=True))[names] / (2 * h)


def compare(
    model: object,
    parameters: list[str],
    stimulus: xr.Dataset,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    **run: object,
) -> xr.Dataset:
    """Every sensitivity of every state, relative to its largest value."""
    states = list(load_model(model).states)
    pairs = {(x, p): f"d{x}_d{p}".replace(".", "_") for p in parameters for x in states}
    cell = sn.InjCur(sn.InitNeu({"model": sn.sensitivities(model, parameters)}), stimulus)
    found = sn.RunSim(cell, **run, record=[*states, *pairs.values()])
    assert found.status == 1
    for p in parameters:
        expected = differences(model, p, states, stimulus, step, run)
        for x in states:
            size = float(abs(expected[x]).max())
            off = float(abs(found[pairs[x, p]] - expected[x]).max())
            assert off <= tolerance * size + 1e-12, (x, p, off / size)
    return found


def test_a_passive_membrane_in_closed_form() -> None:
    """v = E + I/g (1 - exp(-g t/C)), from v = E."""
    model = sn.sensitivities("passive", ["gL", "EL", "C", "I"])
    base = load_model("passive").params
    g, c, i = base["gL"].value, base["C"].value, 0.7
    names = ["dv_dgL", "dv_dEL", "dv_dC", "dv_dI"]
    run = sn.RunSim(sn.InitNeu({"model": model, "I": i}), 60.0, 0.05, "rk4", record=names)
    t = run.time
    decay = np.exp(-g * t / c)
    expected = {
        "dv_dgL": -i / g**2 * (1 - decay) + i / g * t / c * decay,
        "dv_dEL": xr.ones_like(t),
        "dv_dC": -i * t / c**2 * decay,
        "dv_dI": (1 - decay) / g,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(run[name], value, rtol=1e-8, atol=1e-8 * float(abs(value).max()), err_msg=name)
    units = {"dv_dgL": "mV/(mS/cm2)", "dv_dEL": "mV/(mV)", "dv_dC": "mV/(uF/cm2)", "dv_dI": "mV/(uA/cm2)"}
    assert {n: run[n].attrs["units"] for n in names} == units


def test_spiking_hodgkin_huxley() -> None:
    """Two spikes; the parameters of conductance, reversal, temperature, capacitance and current."""
    stimulus = sn.step(10.0, start=5.0, stop=25.0)
    every = ["gNa", "gK", "gL", "ENa", "celsius", "C", "I"]
    run = compare("hh", every, stimulus, duration=40.0, dt=0.005, method="rk4", every=20)
    assert run.spike_count == 2
    plain = sn.RunSim(sn.InjCur(sn.InitNeu("hh"), stimulus), 40.0, 0.005, "rk4", record=["v"], every=20)
    np.testing.assert_allclose(run.v, plain.v, atol=1e-10)


def test_adex_below_threshold() -> None:
    stimulus = sn.step(400.0, start=5.0)
    every = ["a", "DT", "VT", "tau_w", "EL", "gL", "C"]
    run = compare("adex", every, stimulus, duration=80.0, dt=0.02, method="rk4", every=10)
    assert run.spike_count == 0
    assert run["dv_dEL"][0] == 1.0
    assert run["dw_dEL"][0] == 0.0


@pytest.mark.parametrize("method", ["exp_euler", "heun"])
def test_methods_converge_with_their_own_order(method: str) -> None:
    """Before the upstroke of the spike: the error falls with dt (exponential Euler) or dt^2."""
    model = sn.sensitivities("hh", ["gNa", "gK"])
    cell = sn.InitNeu({"model": model, "I": 10.0})
    exact = sn.RunSim(cell, 1.5, 0.0025, "rk4", record=["dv_dgK"]).dv_dgK[-1]
    errors = [abs(sn.RunSim(cell, 1.5, dt, method, record=["dv_dgK"]).dv_dgK[-1] - exact) for dt in (0.025, 0.0125)]
    order = float(np.log2(errors[0] / errors[1]))
    assert order > (0.9 if method == "exp_euler" else 1.9)
    assert errors[1] < 0.05 * abs(exact)


def test_pools_schemes_and_gates_that_start_elsewhere() -> None:
    """Calcium fills a pool; a Markov scheme; a voltage that starts at a parameter.

    Here it is the differences that are no better: states near 1 that move by 1e-7 are rounded at 1e-15.
    """
    calcium = Channel(
        "calcium", "g*m**2*(v - 13*log(2/cai))", ion="ca",
        gates={"m": Gate(inf="1/(1 + exp(-(v + 30)/8))", tau="2")},
        params={"g": Param(0.5, "mS/cm2"), "cai": Param(1e-4, "mM")}, source=OWN,
    )  # fmt: skip
    pool = Channel(
        "pool", unit="", states={"cai": State("mM", "rest", 1e-9, 1.0)},
        equations={"cai": "-k*ion.ca - (cai - rest)/80"},
        params={"k": Param(2e-4, "mM cm2/(uA ms)"), "rest": Param(1e-4, "mM")}, source=OWN,
    )  # fmt: skip
    markov = Channel(
        "markov", "g*O*(v + 90)", ion="k",
        transitions={"up": Transition("C", "O", "0.3*exp(v/40)", "0.2"), "off": Transition("O", "I", "0.05", "0.01")},
        params={"g": Param(0.3, "mS/cm2")}, source=OWN,
    )  # fmt: skip
    own = Neuron(
        name="mixed", capacitance="C", source=OWN, voltage=State("mV", "-65"), params={"C": Param(1.0, "uF/cm2")},
        channels={
            "leak": Mount("leak", params={"E": -65.0}), "k": Mount("k_hh"), "slow": Mount(markov), "pool": Mount(pool),
            "ca": Mount(calcium, names={"cai": "pool.cai"}),
        },
    )  # fmt: skip
    every = ["ca.g", "pool.k", "pool.rest", "slow.g", "k.g", "C"]
    compare(own, every, sn.step(12.0, start=2.0), 1e-3, 5e-6, duration=30.0, dt=0.02, method="rk4", every=10)
    rested = Neuron(
        name="rested", capacitance="C", source=OWN, voltage=State("mV", "E0"),
        channels={"k": Mount("k_hh"), "na": Mount("na_hh")},
        params={"C": Param(1.0, "uF/cm2"), "E0": Param(-62.0, "mV")},
    )  # fmt: skip
    start = load_model(sn.sensitivities(rested, ["E0", "k.celsius"])).start_values()
    for p, value in (("E0", -62.0), ("k.celsius", 6.3)):
        ends = [load_model(rested).start_values({p: value + side * 1e-5}) for side in (1, -1)]
        for x in load_model(rested).states:
            expected = (float(ends[0][x]) - float(ends[1][x])) / 2e-5
            assert float(start[f"d{x}_d{p}".replace(".", "_")]) == pytest.approx(expected, rel=1e-7, abs=1e-9)
