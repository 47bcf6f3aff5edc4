"""What a tolerance means: errors in proportion to it, orders of pairs and of their dense output, closed forms."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp
import xarray as xr

import sneuron as sn
from sneuron.lang.methods import PAIRS, Method
from sneuron.lang.spec import Neuron, Param, State, Threshold

FITZHUGH_NAGUMO = Neuron(
    name="fhn",
    capacitance="1",
    unit="mV/ms",
    currents={"cubic": "g*(v**3/(3*s**2) - v)", "recovery": "g*w"},
    states={"w": State("mV", "-0.6")},
    equations={"w": "eps*(v + a - b*w)"},
    params={
        "a": Param(0.7, "mV", -10.0, 10.0), "b": Param(0.8, "1", -10.0, 10.0), "eps": Param(0.08, "1/ms", 0.0, 10.0),
        "g": Param(1.0, "1/ms"), "s": Param(1.0, "mV"),
    },
    voltage=State("mV", "-1.2", -100.0, 100.0),
    threshold=Threshold("1", "0"),
    source="FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6",
)  # fmt: skip

VAN_DER_POL = Neuron(
    name="van_der_pol",
    capacitance="1",
    unit="mV/ms",
    currents={"speed": "-w"},
    states={"w": State("mV/ms", "0")},
    equations={"w": "mu*(1 - (v/s)**2)*w - v*k"},
    params={"mu": Param(3.0, "1/ms", 0.0, 1e4), "k": Param(1.0, "1/ms**2"), "s": Param(1.0, "mV")},
    voltage=State("mV", "2", -100.0, 100.0),
    threshold=Threshold("0", "-1"),
    source="van der Pol 1926, doi:10.1080/14786442608564127",
)

CASES: dict[str, tuple[dict[str, Any], dict[str, float], float]] = {  # parameters, sizes of the states, duration (ms)
    "fhn": ({"model": FITZHUGH_NAGUMO, "I": np.linspace(0.4, 1.2, 9)}, {"v": 2.0, "w": 1.0}, 150.0),
    "van_der_pol": ({"model": VAN_DER_POL, "mu": np.linspace(1.0, 6.0, 9)}, {"v": 2.0, "w": 3.0}, 40.0),
    "hh": ({"model": "hh", "v": -65.0, "I": np.linspace(8.0, 40.0, 9)}, {}, 60.0),
}
SCALES = {"v": 100.0, "m": 1.0, "h": 1.0, "n": 1.0}
TOLERANCES = np.geomspace(1e-5, 2e-8, 7)


def cell(case: str) -> xr.Dataset:
    given = {k: xr.DataArray(v, dims="point") if isinstance(v, np.ndarray) else v for k, v in CASES[case][0].items()}
    return sn.InitNeu(given)


def end(case: str, rtol: float, method: str) -> dict[str, np.ndarray]:
    """The states at the end, and how many steps were tried."""
    _, sizes, duration = CASES[case]
    own = {x: rtol * size for x, size in sizes.items()}
    run, after = sn.RunSim(cell(case), duration, method=method, rtol=rtol, atol=own, return_state=True)
    found = {x: after[x].values for x in CASES[case][1] or SCALES}
    return found | {"tried": (run.steps_accepted + run.steps_rejected).values}


@cache
def truth(case: str) -> dict[str, np.ndarray]:
    return end(case, 1e-9, "tsit5")


def slope(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


@pytest.mark.parametrize("case", CASES)
def test_the_truth_is_that_of_steps_of_one_size(case: str) -> None:
    """Runge-Kutta at a step of 1 us knows nothing of tolerances."""
    other = sn.RunSim(cell(case), CASES[case][2], 0.001, "rk4", return_state=True)[1]
    np.testing.assert_allclose(truth(case)["v"], other.v, atol=3e-6)


@pytest.mark.parametrize("method", PAIRS)
@pytest.mark.parametrize("case", CASES)
def test_errors_are_in_proportion_to_the_tolerance(case: str, method: str) -> None:
    """Typical error of the states at the end, over neurons of different speed."""
    found = []
    for rtol in TOLERANCES:
        after = end(case, float(rtol), method)
        scales = CASES[case][1] or SCALES
        worst = np.max([np.abs(after[x] - truth(case)[x]) / scales[x] for x in scales], axis=0)
        found.append(np.exp(np.log(worst + 1e-13).mean()))
    assert slope(TOLERANCES, np.array(found)) == pytest.approx(1.0, abs=0.2)
    assert found[-1] < 300 * TOLERANCES[-1]


@pytest.mark.parametrize(("method", "power"), [("tsit5", 1 / 5), ("bs32", 1 / 3)])
def test_steps_grow_as_the_root_of_the_tolerance(method: str, power: float) -> None:
    tried = np.array([float(end("fhn", float(r), method)["tried"].mean()) for r in TOLERANCES])
    assert slope(TOLERANCES, tried) == pytest.approx(-power, abs=0.05)


# -- orders ------------------------------------------------------------------------------------------


def table(pair: Method) -> tuple[np.ndarray, np.ndarray, list[sp.Expr]]:
    """Stages, error weights, and the dense output of a pair, out of its texts."""
    names = {n: sp.Symbol(n) for n in ("x", "dt", "s", *(f"k{j}" for j in range(1, len(pair.stages) + 1)))}
    ks = [names[f"k{j}"] for j in range(1, len(pair.stages) + 1)]
    stages = [sp.expand(sp.sympify(text, locals=names)) for text in pair.stages]
    weights = np.array([[float(stage.coeff(names["dt"]).coeff(k)) for k in ks] for stage in stages])
    error = sp.expand(sp.sympify(pair.error, locals=names))
    return weights, np.array([float(error.coeff(k)) for k in ks]), [sp.sympify(t, locals=names) for t in pair.dense]


def conditions(a: np.ndarray, b: np.ndarray, order: int, s: float = 1.0) -> list[float]:
    """What must vanish for an order: Butcher's conditions for the solution at the part `s` of the step."""
    c, one = a.sum(1), np.ones(len(b))
    trees = {
        1: [(one, 1)],
        2: [(c, 2)],
        3: [(c**2, 3), (a @ c, 6)],
        4: [(c**3, 4), (c * (a @ c), 8), (a @ c**2, 12), (a @ a @ c, 24)],
        5: [
            (c**4, 5), (c**2 * (a @ c), 10), ((a @ c) ** 2, 20), (c * (a @ c**2), 15), (a @ c**3, 20),
            (c * (a @ a @ c), 30), (a @ (c * (a @ c)), 40), (a @ a @ c**2, 60), (a @ a @ a @ c, 120),
        ],
    }  # fmt: skip
    return [float(b @ tree) - s**p / gamma for p in range(1, order + 1) for tree, gamma in trees[p]]


@pytest.mark.parametrize("name", PAIRS)
def test_tables_fulfil_the_conditions_of_their_order(name: str) -> None:
    pair = PAIRS[name]
    a, error, dense = table(pair)
    np.testing.assert_allclose(a.sum(1), pair.times, atol=3e-14)
    np.testing.assert_allclose(conditions(a, a[-1], pair.order), 0.0, atol=3e-14)
    lower = conditions(a, a[-1] - error, pair.order)
    below = len(conditions(a, a[-1], pair.order - 1))
    np.testing.assert_allclose(lower[:below], 0.0, atol=3e-14)
    assert np.abs(lower[below:]).max() > 1e-4
    for s in (0.0, 0.2, 0.5, 0.9, 1.0):
        b = np.array([float(w.subs("s", s)) for w in dense])
        np.testing.assert_allclose(conditions(a, b, 4 if name == "tsit5" else 3, s), 0.0, atol=3e-14)
    np.testing.assert_allclose([float(w.subs("s", 1)) for w in dense], a[-1], atol=3e-14)


SMOOTH = {"model": "hh", "v": -60.0, "m": 0.06, "h": 0.5, "n": 0.35, "I": 1.0}
LOOSE = {"rtol": 1e-2, "atol": dict.fromkeys(("v", "m", "h", "n"), 1e3)}


@pytest.mark.parametrize("method", PAIRS)
def test_pairs_and_their_dense_output_converge(method: str) -> None:
    """Steps held at one size by their limit: error at the end, and of samples inside of the steps; the leading error
    of tsit5 is so small that the next one shows.
    """
    steps = [0.2, 0.1, 0.05, 0.025]
    state = sn.InitNeu(SMOOTH)
    kwargs: dict[str, Any] = {"record": ["v", "i_na"], "every": 7, "features": ["v_max", "v_min", "v_mean", "i_na_min"]}
    best = sn.RunSim(state, 4.2, 0.004, "tsit5", rtol=1e-9, max_step=0.005, **kwargs)
    ends, samples = [], []
    for h in steps:
        begun = state.assign(dt_next=h)
        run = sn.RunSim(begun, 4.2, 0.004, method, max_step=h, **LOOSE, **kwargs)
        assert int(run.steps_accepted) == pytest.approx(4.2 / h, abs=1)
        ends.append(abs(float(run.v[-1] - best.v[-1])))
        samples.append(float(np.abs(run.v - best.v).max()))
    order = PAIRS[method].order
    for found in (ends, samples):
        assert order - 0.1 < slope(np.array(steps), np.array(found)) < order + 1.2


# -- closed forms ------------------------------------------------------------------------------------


def leaky(**params: Any) -> xr.Dataset:
    return sn.InitNeu({"model": "lif", "C": 20.0, "gL": 1.0, "EL": 0.0, "Vth": 20.0, "Vr": 0.0, **params})


@pytest.mark.parametrize(("rtol", "atol"), [(1e-5, 0.03), (1e-7, 3e-4), (1e-9, 3e-6)])
def test_first_spike_and_rate_of_a_leaky_neuron(rtol: float, atol: float) -> None:
    """t = tau log(R I / (R I - theta)), then t_ref + t: tau 20 ms, theta 20 mV, and waits that fit no grid."""
    current, wait = np.array([21.0, 25.0, 30.0, 40.0]), np.array([0.0, 1.2345678, 2.0, 3.3333])
    cell = leaky(I=xr.DataArray(current, dims="point"), t_ref=xr.DataArray(wait, dims="point"))
    run = sn.RunSim(cell, 400.0, method="tsit5", rtol=rtol)
    first = 20.0 * np.log(current / (current - 20.0))
    np.testing.assert_allclose(run.spike_time[:, 0], first, atol=atol)
    for k in range(4):
        train = run.spike_time.values[k]
        train = train[~np.isnan(train)]
        assert train.size == int(1 + (400.0 - first[k]) // (first[k] + wait[k]))
        np.testing.assert_allclose(np.diff(train), first[k] + wait[k], atol=atol)


def test_waiting_is_exact_in_continuous_time() -> None:
    """Between two spikes lie the refractory time and a rise: their difference is the wait, to rounding."""
    wait = np.array([0.0, 0.1, 1.0 / 3.0, np.pi])
    run = sn.RunSim(leaky(I=50.0, t_ref=xr.DataArray(wait, dims="wait")), 60.0, method="tsit5", rtol=1e-9)
    rise = np.diff(run.spike_time.values, axis=1)[:, 0]
    np.testing.assert_allclose(rise - rise[0], wait, atol=1e-6)


PEERS = {
    "adex": ({"model": "adex", "I": [500.0, 700.0, 1000.0]}, 160.0, "euler"),
    "izhikevich": ({"model": "izhikevich", "I": [4.0, 10.0]}, 160.0, "rk4"),
}


@pytest.mark.parametrize("case", PEERS)
def test_neurons_that_are_reset_spike_when_a_tiny_step_says_so(case: str) -> None:
    """Steps of one size reset at the end of a step: their own error falls with dt, so the limit is extrapolated."""
    params, duration, method = PEERS[case]
    state = sn.InitNeu(params)
    own = sn.RunSim(state, duration, method="tsit5", rtol=1e-9).spike_time.values
    coarse, fine = (sn.RunSim(state, duration, dt, method).spike_time.values for dt in (0.0005, 0.00025))
    assert own.shape == fine.shape
    np.testing.assert_allclose(own, 2 * fine - coarse, atol=2e-3, rtol=0)
