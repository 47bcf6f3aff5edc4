"""Rest points, bifurcations and nullclines against closed forms and published values."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.lang.model import load_model
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Threshold, Transition

OWN = "own choice"


def par(value: float, unit: str) -> Param:
    return Param(value, unit, -1e6, 1e6, OWN)


FITZHUGH = Neuron(
    name="fhn",
    capacitance="1",
    unit="mV/ms",
    currents={"cubic": "-(v - v**3/(3*s**2))/tau", "recovery": "w/tau"},
    states={"w": State("mV", "-0.6")},
    equations={"w": "eps*(v + a*s - b*w)/tau"},
    params={"a": par(0.7, "1"), "b": par(0.8, "1"), "eps": par(0.08, "1"), "s": par(1.0, "mV"), "tau": par(1.0, "ms")},
    voltage=State("mV", "-1.2"),
    threshold=Threshold("1", "0"),
    source=OWN,
)


def morris_lecar(**values: float) -> Neuron:
    """Morris & Lecar 1981 as in Rinzel & Ermentrout 1989: the Hopf set."""
    units = {"C": "uF/cm2", "phi": "1/ms", **dict.fromkeys(["gCa", "gK", "gL"], "mS/cm2")}
    given = {"C": 20.0, "gCa": 4.4, "gK": 8.0, "gL": 2.0, "ECa": 120.0, "EK": -84.0, "EL": -60.0, "V1": -1.2}
    given |= {"V2": 18.0, "V3": 2.0, "V4": 30.0, "phi": 0.04, **values}
    return Neuron(
        name="ml",
        capacitance="C",
        currents={
            "ca": "gCa*0.5*(1 + tanh((v - V1)/V2))*(v - ECa)", "k": "gK*w*(v - EK)", "leak": "gL*(v - EL)",
        },
        states={"w": State("1", "0.01", 0.0, 1.0)},
        equations={"w": "phi*(0.5*(1 + tanh((v - V3)/V4)) - w)*0.5*(exp((v - V3)/(2*V4)) + exp(-(v - V3)/(2*V4)))"},
        params={name: par(value, units.get(name, "mV")) for name, value in given.items()},
        voltage=State("mV", "-60"),
        source=OWN,
    )  # fmt: skip


def test_hopf_bifurcations_of_fitzhugh_nagumo() -> None:
    """v^2 = 1 - b eps at both; I = v^3/3 - v + (v + a)/b; closed forms."""
    found = sn.bifurcations(FITZHUGH, "I", 0.0, 3.0, volts=(-3.0, 3.0))
    v = np.array([-1.0, 1.0]) * np.sqrt(1 - 0.8 * 0.08)
    np.testing.assert_allclose(found.I, v**3 / 3 - v + (v + 0.7) / 0.8, rtol=1e-10)
    np.testing.assert_allclose(found.I, [0.33128, 1.41872], atol=5e-6)
    np.testing.assert_allclose(found.v, v, rtol=1e-9)
    omega = np.sqrt(0.08 - (0.8 * 0.08) ** 2)
    np.testing.assert_allclose(found.frequency, omega / (2 * np.pi) * 1e3, rtol=1e-8)
    assert found.kind.values.tolist() == [1, 1]
    assert found.loses_stability.all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {1: [93.8576, 212.0188]}),
        ({"gCa": 4.0, "V3": 12.0, "V4": 17.4, "phi": 1 / 15}, {1: [97.7879], 2: [-9.949, 39.9632]}),
    ],
    ids=["class 2", "class 1"],
)
def test_bifurcations_of_morris_lecar(values: dict[str, float], expected: dict[int, list[float]]) -> None:
    """Rinzel & Ermentrout 1989: 93.86 and 212; 39.96 and 97.8 uA/cm2."""
    found = sn.bifurcations(morris_lecar(**values), "I", -50.0, 300.0)
    for kind, at in expected.items():
        np.testing.assert_allclose(found.I.values[found.kind == kind], at, atol=1e-3)
    assert found.sizes["bifurcation"] == sum(map(len, expected.values()))


def test_rheobase_of_adex() -> None:
    """Touboul & Brette 2008, doi:10.1007/s00422-008-0267-4: closed forms of the fold and of the Hopf bifurcation."""
    p = {name: param.value for name, param in load_model("adex").params.items()}
    ratio, fast = p["a"] / p["gL"], p["C"] / p["gL"] / p["tau_w"]
    reach = p["VT"] - p["EL"] - p["DT"]
    fold = (p["gL"] + p["a"]) * (reach + p["DT"] * np.log(1 + ratio))
    hopf = (p["gL"] + p["a"]) * (reach + p["DT"] * np.log(1 + fast)) + p["DT"] * p["gL"] * (ratio - fast)
    found = sn.bifurcations("adex", "I", "0 nA", "1 nA", {"b": [0.0, 80.5]})
    np.testing.assert_allclose(found.I, [[hopf, fold]] * 2, rtol=1e-9)
    np.testing.assert_allclose([hopf, fold], [627.2, 627.3], atol=0.05)
    assert found.kind.values.tolist() == [[1, 2]] * 2
    assert found.loses_stability.values.tolist() == [[True, False]] * 2


def test_oscillations_of_hodgkin_huxley_begin_and_end_at_hopf_bifurcations() -> None:
    """For a leak reversal of -54.4 mV 9.78 and 154.5 uA/cm2 are known (Rinzel & Miller 1980,
    doi:10.1016/0025-5564(80)90109-1).
    """
    found = sn.bifurcations("hh_el54_4", "I", 0.0, 200.0)
    np.testing.assert_allclose(found.I, [9.78, 154.5], rtol=2e-3)
    around = sn.rest_points("hh_el54_4", {"I": (found.I.values[:, None] + [-1e-6, 1e-6]).ravel()})
    assert around.stable.isel(rest=0).values.tolist() == [True, False, False, True]
    warm = sn.bifurcations("hh", "celsius", -5.0, 40.0, {"I": 10.0})
    sides = sn.rest_points("hh", {"I": 10.0, "celsius": (warm.celsius.values[:, None] + [-1e-6, 1e-6]).ravel()})
    assert warm.sizes["bifurcation"] >= 1
    assert (np.diff(sides.stable.isel(rest=0).values.reshape(-1, 2)) == 1).all()


def test_along_a_parameter_in_which_the_current_is_not_linear() -> None:
    """V3 of Morris-Lecar enters through tanh: both sides of each bifurcation differ in stability, or in number."""
    model = morris_lecar(gCa=4.0, V4=17.4, phi=1 / 15)
    found = sn.bifurcations(model, "V3", -10.0, 30.0, {"I": 42.0})
    assert set(found.kind.values.tolist()) == {1, 2}
    for k in range(found.sizes["bifurcation"]):
        at = float(found.V3[k])
        sides = sn.rest_points(model, {"I": 42.0, "V3": [at - 1e-5, at + 1e-5]})
        change = np.diff(sides.rest_count.values)[0] if found.kind[k] == 2 else np.diff(sides.stable.sum("rest"))[0]
        assert abs(change) == (2 if found.kind[k] == 2 else 1)


def test_rest_points_of_a_cubic() -> None:
    """dv/dt = 0 and w = (v + a)/b: the roots of a polynomial; eigenvalues of a 2 x 2 matrix."""
    b, current = 2.0, np.array([-0.5, 0.0, 0.05, 0.5])
    found = sn.rest_points(FITZHUGH, {"b": b, "a": 0.1, "I": current}, -5.0, 5.0)
    for k, i in enumerate(current):
        exact = np.roots([-1 / 3, 0.0, 1 - 1 / b, i - 0.1 / b])
        exact = np.sort(exact[np.abs(exact.imag) < 1e-9].real)
        here = found.isel(I=k, rest=slice(int(found.rest_count[k])))
        np.testing.assert_allclose(here.v, exact, atol=1e-12)
        for v, modes in zip(exact, here.eigenvalue_real + 1j * here.eigenvalue_imag, strict=True):
            matrix = np.array([[1 - v**2, -1.0], [0.08, -0.08 * b]])
            np.testing.assert_allclose(
                np.sort_complex(modes.values), np.sort_complex(np.linalg.eigvals(matrix)), atol=1e-9
            )
    assert found.rest_count.values.tolist() == [1, 3, 3, 1]
    words = np.array(found.kind.attrs["flag_meanings"].split())
    assert words[found.kind.isel(I=1)].tolist() == ["stable_focus", "saddle", "stable_focus"]


def test_rest_points_meet_in_a_fold_however_near_it_is() -> None:
    """The two of AdEx lie 2 sqrt(2 dI/(gL/DT)) apart: less than the grid that is looked at."""
    fold = float(sn.bifurcations("adex", "I", 600, 700).I[1])
    near = sn.rest_points("adex", {"I": fold - np.array([1e-1, 1e-3, 1e-5, 1e-7])})
    assert near.rest_count.values.tolist() == [2, 2, 2, 2]
    gap = near.v.diff("rest").values.ravel()
    np.testing.assert_allclose(gap, 2 * np.sqrt(2 * np.array([1e-1, 1e-3, 1e-5, 1e-7]) / (34.0 / 2.0)), rtol=0.02)
    assert sn.rest_points("adex", {"I": fold + 1e-7}).rest_count == 0


def test_no_rest_where_a_reset_comes_first() -> None:
    found = sn.rest_points("lif", {"I": [300.0, 374.0, 376.0]})
    assert found.rest_count.values.tolist() == [1, 1, 0]
    np.testing.assert_allclose(found.v.isel(rest=0)[:2], [-58.0, -55.04])


def test_two_compartments_and_a_pool() -> None:
    """States that see other voltages or each other: all slopes vanish where the model is said to rest."""
    calcium = Channel(
        "calcium", "g*m**2*(v - 13*log(2/cai))", ion="ca",
        gates={"m": Gate(inf="1/(1 + exp(-(v + 30)/8))", tau="2")},
        params={"g": par(0.5, "mS/cm2"), "cai": par(1e-4, "mM")}, source=OWN,
    )  # fmt: skip
    pool = Channel(
        "pool", unit="", states={"cai": State("mM", "1e-4", 1e-9, 1.0)},
        equations={"cai": "-2e-4*ion.ca - (cai - 1e-4)/80"}, source=OWN,
    )  # fmt: skip
    markov = Channel(
        "markov", "g*O*(v + 90)", ion="k",
        transitions={"up": Transition("C", "O", "0.3*exp(v/40)", "0.2"), "off": Transition("O", "I", "0.05", "0.01")},
        params={"g": par(0.3, "mS/cm2")}, source=OWN,
    )  # fmt: skip
    own = Neuron(
        name="both", capacitance="C", currents={"axial": "gc*(v - vd)"},
        channels={
            "leak": Mount("leak", params={"E": -65.0}), "k": Mount("k_hh"), "slow": Mount(markov),
            "ca": Mount(calcium, names={"v": "vd", "cai": "pool.cai"}), "pool": Mount(pool, names={"v": "vd"}),
        },
        states={"vd": State("mV", "-60")}, equations={"vd": "(gc*(v - vd) - current.ca - 0.1*(vd + 65))/C"},
        params={"C": par(1.0, "uF/cm2"), "gc": par(0.2, "mS/cm2")}, source=OWN,
    )  # fmt: skip
    found = sn.rest_points(own, {"I": [0.0, 2.0, 5.0]})
    assert (found.rest_count >= 1).all()
    assert found.sizes["mode"] == len(load_model(own).states) - 1
    for k, current in enumerate((0.0, 2.0, 5.0)):
        for r in range(int(found.rest_count[k])):
            at = {x: float(found[x][k, r]) for x in load_model(own).states}
            cell = sn.InitNeu({"model": own, "I": current, **at})
            after = sn.StepSim(cell, 0.01, n=1, method="rk4")
            for x, value in at.items():
                assert float(after[x]) == pytest.approx(value, abs=1e-11), x
            if bool(found.stable[k, r]):
                moved = sn.InitNeu({"model": own, "I": current, **at, "v": at["v"] + 0.1})
                back = sn.RunSim(moved, 2000.0, 0.05, return_state=True)[1]
                assert float(back.v) == pytest.approx(at["v"], abs=1e-4)


def test_nullclines_of_adex_and_hodgkin_huxley() -> None:
    v = np.linspace(-80.0, -45.0, 29)
    plane = sn.nullclines("adex", params={"I": [0.0, 500.0]}, at=v)
    spike = 30.0 * 2.0 * np.exp((v + 50.4) / 2.0)
    for k, current in enumerate((0.0, 500.0)):
        np.testing.assert_allclose(
            plane.v_nullcline[k, :, 0], -30.0 * (v + 70.6) + spike + current, rtol=1e-9, atol=1e-9
        )
        np.testing.assert_allclose(plane.w_nullcline[k, :, 0], 4.0 * (v + 70.6), atol=1e-9)
    at = np.linspace(-70.0, 0.0, 15)
    plane = sn.nullclines("hh", "v", "n", {"I": 5.0}, at=at, fixed={"h": 0.4})
    steady = sn.InitNeu({"model": "hh", "v": xr.DataArray(at, dims="at")})
    np.testing.assert_allclose(plane.n_nullcline.isel(branch=0), steady.n, rtol=1e-12)
    gated = 120.0 * steady.m**3 * 0.4 * (at - 50.0) + 0.3 * (at + 54.3)
    expected = ((5.0 - gated) / (36.0 * (at + 77.0))) ** 0.25
    np.testing.assert_allclose(plane.v_nullcline.isel(branch=0), expected.where(expected <= 1), rtol=1e-9)


def test_a_nullcline_of_several_branches() -> None:
    """w^3 - w = v has three roots w where |v| is small."""
    own = Neuron(
        name="folded", capacitance="1", unit="mV/ms", currents={"j": "(v - w**3/s**2 + w)/tau"},
        states={"w": State("mV", "0")}, equations={"w": "(v - w)/tau"},
        params={"s": par(1.0, "mV"), "tau": par(1.0, "ms")}, voltage=State("mV", "0"), source=OWN,
    )  # fmt: skip
    plane = sn.nullclines(own, at=[-1.0, 0.0, 1.0], limits=(-3.0, 3.0))
    np.testing.assert_allclose(plane.v_nullcline[1], [-1.0, 0.0, 1.0], atol=1e-12)
    assert np.isnan(plane.v_nullcline.values).sum(axis=1).tolist() == [2, 0, 2]
    np.testing.assert_allclose(plane.v_nullcline[2, 0].item() ** 3 - plane.v_nullcline[2, 0].item(), 1.0, rtol=1e-12)
