"""Rest points, nullclines, bifurcations as labelled data; their refusals; the plane as a figure."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron import errors
from sneuron.lang import equilibria
from sneuron.lang.algebra import rest_points


@pytest.fixture(autouse=True)
def _close() -> None:
    yield
    plt.close("all")


def test_rest_points_broadcast_over_swept_parameters() -> None:
    pairs = xr.DataArray([4.0, 40.0], dims="cell", coords={"cell": ["x", "y"]})
    found = sn.rest_points("adex", {"I": ["0 nA", "0.6 nA", "0.7 nA"], "a": pairs, "b": 100.0})
    found = found.transpose("I", "cell", ...)
    assert found.v.dims == ("I", "cell", "rest")
    assert found.eigenvalue_real.dims == ("I", "cell", "rest", "mode")
    assert found.I.values.tolist() == [0.0, 600.0, 700.0]
    assert (found.cell.values.tolist(), found.a.values.tolist(), float(found.b)) == (["x", "y"], [4.0, 40.0], 100.0)
    assert found.rest_count.values.tolist() == [[2, 2], [2, 2], [0, 2]]
    assert {n: found[n].attrs["units"] for n in ("v", "w", "eigenvalue_imag")} == {
        "v": "mV",
        "w": "pA",
        "eigenvalue_imag": "1/ms",
    }
    empty = found.isel(I=2, cell=0)
    assert np.isnan(empty.v).all()
    assert (empty.kind == 0).all()
    assert not empty.stable.any()
    for i, current in enumerate((0.0, 600.0, 700.0)):
        for k, a in enumerate((4.0, 40.0)):
            one = rest_points(sn.load_model("adex"), {"I": current, "a": a})
            kept = found.isel(I=i, cell=k, rest=slice(len(one)))
            assert kept.v.values.tolist() == [p.state["v"] for p in one]
            assert kept.stable.values.tolist() == [p.stable for p in one]
            modes = kept.eigenvalue_real + 1j * kept.eigenvalue_imag
            assert modes.values.tolist() == [p.eigenvalues.tolist() for p in one]


def test_the_model_is_told_and_may_be_any() -> None:
    found = sn.rest_points(sn.load_model("hh"))
    assert sn.load_model(found.attrs["model"]) == sn.load_model("hh")
    assert found.v.dims == ("rest",)
    assert found.rest_count.item() == 1
    swapped = sn.rest_points("hh", {"na.g": 0.0})
    assert float(swapped.v[0]) < float(found.v[0])


def test_a_rest_point_of_a_state_is_at_rest() -> None:
    found = sn.rest_points("hh", {"I": [0.0, 5.0]}).isel(rest=0)
    cell = sn.InitNeu({"model": "hh", "I": [0.0, 5.0], **{x: found[x] for x in "vmhn"}})
    after = sn.StepSim(cell, 0.01, n=100, method="rk4")
    np.testing.assert_allclose(after.v, found.v, atol=1e-11)


@given(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=5), st.floats(-3.0, 3.0))
@settings(max_examples=80)
def test_zeros_of_polynomials(zeros: list[float], shift: float) -> None:
    """All are found, and nothing else: double ones as none or two."""
    polynomial = np.polynomial.Polynomial.fromroots(zeros)
    point, place = equilibria.roots(lambda _, x: polynomial(x + 1e-3 * shift), np.linspace(-4.0, 4.0, 801), 1)
    assert (point == 0).all()
    assert (np.abs(polynomial(place + 1e-3 * shift)) < 1e-8).all()
    exact = np.sort(zeros) - 1e-3 * shift
    lone = [z for k, z in enumerate(exact) if np.all(np.abs(np.delete(exact, k) - z) > 0.05)]
    for zero in lone:
        assert np.abs(place - zero).min() < 1e-6


def test_a_pole_is_no_zero() -> None:
    with np.errstate(divide="ignore"):
        _, place = equilibria.roots(lambda _, x: 1.0 / (x - 0.123), np.linspace(-1.0, 1.0, 101), 1)
    assert place.size == 0
    point, place = equilibria.roots(lambda k, x: x - 0.25 * k, np.linspace(0.0, 1.0, 5), 3)
    assert point.tolist() == [0, 1, 2]
    assert place.tolist() == [0.0, 0.25, 0.5]


def test_bifurcations_broadcast_and_are_padded() -> None:
    found = sn.bifurcations("adex", "I", 0.0, 2000.0, {"a": [-10.0, 4.0], "tau_w": 144.0})
    assert found.I.dims == ("a", "bifurcation")
    assert found.bifurcation_count.values.tolist() == [1, 2]
    assert np.isnan(found.I[0, 1])
    assert np.isnan(found.frequency.values[found.kind.values == 2]).all()
    assert (found.frequency.values[found.kind.values == 1] > 0).all()
    assert found.I.attrs["units"] == "pA"
    none = sn.bifurcations("passive", "I", -1.0, 1.0)
    assert none.sizes["bifurcation"] == 0


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: sn.rest_points("hh", {"gNaa": 1.0}), errors.UnknownNameError, "Did you mean 'gNa'"),
        (lambda: sn.rest_points("hh", {"v": -65.0}), errors.UnknownNameError, "parameter 'v'"),
        (lambda: sn.rest_points("hh", {"gNa": -1.0}), errors.ParameterError, "cannot be"),
        (lambda: sn.rest_points("hh", low=10.0, high=-10.0), errors.ParameterError, "no range"),
        (lambda: sn.rest_points("hh", n=2), errors.ParameterError, "'n'"),
        (lambda: sn.rest_points("hh", n=True), errors.ParameterError, "'n'"),
        (lambda: sn.rest_points("hhh"), errors.UnknownNameError, "hh"),
        (lambda: sn.bifurcations("hh", "gNaa", 0, 1), errors.UnknownNameError, "gNa"),
        (lambda: sn.bifurcations("hh", "v", 0, 1), errors.ParameterError, "no parameter"),
        (lambda: sn.bifurcations("hh", "I", 0, 1, {"I": 3.0}), errors.ParameterError, "no parameter that is free"),
        (lambda: sn.bifurcations("hh", "I", 1, 0), errors.ParameterError, "not below"),
        (lambda: sn.bifurcations("hh", "gNa", -1, 1), errors.ParameterError, "cannot be"),
        (lambda: sn.bifurcations("hh", "I", 0, 1, volts=(1.0,)), errors.ParameterError, "no pair"),
        (lambda: sn.bifurcations("hh", "I", 0, 1, volts=(1.0, 0.0)), errors.ParameterError, "no range"),
        (lambda: sn.nullclines("hh"), errors.ParameterError, "which plane"),
        (lambda: sn.nullclines("hh", "v", "q"), errors.UnknownNameError, "state of 'hh"),
        (lambda: sn.nullclines("hh", "v", "v"), errors.ParameterError, "spans no plane"),
        (lambda: sn.nullclines("hh", "m", "h"), errors.ParameterError, "the voltage is none"),
        (lambda: sn.nullclines("hh", "v", "n", fixed={"n": 0.3}), errors.UnknownNameError, "other state"),
        (lambda: sn.nullclines("hh", "v", "n", at=[1.0, 0.0]), errors.ParameterError, "ascending"),
        (lambda: sn.nullclines("adex", "w", "v"), errors.ParameterError, "values of 'w' are not said"),
        (lambda: sn.nullclines("adex", "w", "v", at=[0.0]), errors.ParameterError, "between which values of 'v'"),
        (lambda: sn.nullclines("adex", "w", "v", at=[0.0], limits=(5, -5)), errors.ParameterError, "between which"),
        (lambda: sn.nullclines("hh", "m", "h", fixed={"v": -60.0}), errors.ModelError, "does not depend on 'h'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, kind, says) -> None:
    with pytest.raises(kind, match=says):
        call()


def test_axes_of_a_plane_may_be_turned() -> None:
    plane = sn.nullclines("adex", "w", "v", {"I": 500.0}, at=[60.0, 90.0], limits=(-80.0, -40.0), n=2001)
    other = sn.nullclines("adex", "v", "w", {"I": 500.0}, at=plane.v_nullcline.values[0])
    np.testing.assert_allclose(other.v_nullcline.isel(branch=0), 60.0, atol=1e-9)
    np.testing.assert_allclose(plane.w_nullcline.isel(branch=0), -70.6 + np.array([60.0, 90.0]) / 4.0, atol=1e-12)


def test_the_plane_is_drawn() -> None:
    at = np.linspace(-80, -40, 200)
    many = sn.nullclines("adex", params={"I": [0.0, 500.0]}, at=at)
    rest = sn.rest_points("adex", {"I": [0.0, 500.0]})
    run = sn.RunSim(sn.InitNeu({"model": "adex", "I": 500.0}), 50.0, record=["v", "w"])
    one = many.isel(I=1)
    ax = sn.PlotPhase(one, rest.isel(I=1), run, lw=3.0)
    lines = {line.get_label(): line for line in ax.lines}
    assert {"v stands still", "w stands still", "run", "stable node", "saddle"} <= set(lines)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), one.v_nullcline.isel(branch=0))
    assert ax.lines[0].get_linewidth() == 3.0
    np.testing.assert_array_equal(lines["run"].get_xdata(), run.v)
    node = lines["stable node"]
    assert (node.get_xdata()[0], node.get_ydata()[0]) == (float(rest.v[1, 0]), float(rest.w[1, 0]))
    assert node.get_markerfacecolor() != lines["saddle"].get_markerfacecolor()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("membrane potential [mV]", "w [pA]")
    low, high = ax.get_ylim()
    assert low < float(run.w.min()) < float(run.w.max()) < high
    part = sn.PlotPhase(one, run=run, t_start=10.0, t_stop=20.0)
    assert next(x for x in part.lines if x.get_label() == "run").get_xdata().size == 201
    ax = plt.subplots()[1]
    assert sn.PlotPhase(one, ax=ax) is ax


def test_the_plane_of_many_or_of_something_else_is_refused() -> None:
    many = sn.nullclines("adex", params={"I": [0.0, 500.0]}, at=[-60.0, -50.0])
    for bad, says in ((many, "Select one"), (many.v_nullcline, "no nullclines"), (xr.Dataset(), "no nullclines")):
        with pytest.raises(errors.DataError, match=says):
            sn.PlotPhase(bad)
    run = sn.RunSim(sn.InitNeu("adex"), 5.0, record=["v"])
    with pytest.raises(errors.DataError, match="did not record 'w'"):
        sn.PlotPhase(many.isel(I=0), run=run)
